import { writeFile } from 'node:fs/promises';
import { AuditLogReader, type RecordedEntry, verifyAuditExport } from '@private.me/xlink/audit';
import { lineOf, provenLineOf, selectionOf } from './audit-entries.js';
import { writeOrganization } from './audit-organization.js';
import { isDidKey } from './did-option.js';
import { identityOf } from './key-file.js';
import { parsed } from './parsed.js';
import { textOf } from './read-file.js';
import { type Command, type Output, UsageError } from './run.js';

const HELP = `Usage: xlink audit verify FILE --checkpoint FILE --did DID [--request TEXT] [--find TEXT]
       xlink audit verify --log FOLDER --did DID [--checkpoint FILE] [--org-key FILE --request TEXT]
       xlink audit prove --log FOLDER --did DID --seq N
       xlink audit export --log FOLDER --did DID --org-key FILE --out FILE [options]
       xlink audit organization --org-key FILE --out FILE
       xlink audit tail --log FOLDER --did DID --org-key FILE [--lines N] [options]

verify FILE proves exported entries with nothing but the file, the checkpoint and the DID of
the service, and shows them: what the caller signed, at once or in a checkpoint of its
session, and what is the word of the service. What was signed for others, twice used or of
another time is doubtful, and counted; so are requests whose checkpoint is not there. verify
--log compares the files of a log with its checkpoint, and with an older one that was
kept elsewhere. Exit code 1 if anything was changed, and the first bad entry is named; or if
entries are withheld: in the file, not readable, and not said to be past their retention.
Exit code 9 if some are doubtful, and nothing worse was found.

prove writes the proof that an entry is in the log (C2SP tlog-proof).

export writes entries with proofs, and beside the file its checkpoint (FILE.checkpoint).
tail shows the last entries.

organization makes the identity that can read the log, if the file of --org-key is not there,
and writes its key record, which the service needs (XLINK_ORG_RECORD). Keep the file of
--org-key elsewhere than on the service.

  --did DID           the service, from a source you trust
  --recipient DID     of verify: another DID of the service, to which callers send; any number
  --log FOLDER        the log, or a copy of it
  --org-key FILE      the identity of the organization: PKCS#8, PEM or DER
  --checkpoint FILE   of verify: the checkpoint that the file came with
  --request TEXT      only this request, such as "DELETE /items/1847", or "/items/1847" by any
                      method: the path in every way that a router may read it, any query
                      unless one is given, and method overrides
  --find TEXT         only entries with this text
  --from N, --to N    only entries from N up to, without, the other
  --format FORMAT     json (default) or csv
  --lines N           of tail: how many (default 10)`;

const TEXT = { type: 'string' } as const;
const OPTIONS = {
  log: TEXT,
  did: TEXT,
  checkpoint: TEXT,
  'org-key': TEXT,
  seq: TEXT,
  out: TEXT,
  format: TEXT,
  request: TEXT,
  find: TEXT,
  from: TEXT,
  to: TEXT,
  lines: TEXT,
  recipient: { type: 'string', multiple: true },
} as const;

type Values = { readonly [Name in Exclude<keyof typeof OPTIONS, 'recipient'>]?: string | undefined } & {
  readonly recipient?: readonly string[] | undefined;
};

/** What was signed in some entries is no evidence for them, and nothing worse was found. */
const DOUBTFUL = 9;

/** `xlink audit`. */
export const auditCommand: Command = {
  summary: 'verify, prove, export and show the entries of an audit log',
  help: HELP,
  async run([name, ...args], output) {
    const { values, positionals } = parsed({
      args,
      options: OPTIONS,
      strict: true,
      allowPositionals: true,
    });
    if (name === 'verify' && positionals.length === 1) return verifyFile(positionals[0]!, values, output);
    if (positionals.length > 0) throw new UsageError(`${positionals[0]} is not expected`);
    if (name === 'verify') return verifyFolder(values, output);
    if (name === 'prove') return prove(values, output);
    if (name === 'export') return exportEntries(values, output);
    if (name === 'tail') return tail(values, output);
    if (name === 'organization') return organization(values, output);
    throw new UsageError('there are verify, prove, export, tail and organization');
  },
};

async function verifyFile(path: string, values: Values, { out }: Output): Promise<number> {
  const checkpoint = await textOf('checkpoint', needed(values, 'checkpoint'));
  const proven = await verifyAuditExport(await textOf('file', path), {
    checkpoint,
    service: serviceOf(values),
    ...recipientsOf(values),
  });
  const { where = () => true } = selectionOf(values);
  for (const entry of proven.entries.filter(where)) out(provenLineOf(entry));
  const { entries, erased, withheld } = proven;
  const count = entries.length + erased.length + withheld.length;
  const all = proven.complete
    ? 'all'
    : count < proven.size
      ? 'not all, there may be others'
      : 'not all can be read';
  out(`proven: ${count} of the ${proven.size} entries of ${proven.origin} (${all})`);
  if (withheld.length > 0)
    out(
      `withheld: ${withheld.length} of them cannot be read, and no entry says that their retention was over: ${listOf(withheld)}`,
    );
  if (proven.doubtful > 0)
    out(`doubtful: what is signed in ${proven.doubtful} of them is no evidence for it`);
  if (proven.uncovered > 0)
    out(
      `uncovered: ${proven.uncovered} requests in sessions have no checkpoint of their caller in this file`,
    );
  if (proven.erased.length > 0) out(`erased: ${proven.erased.length} of them can be read by nobody any more`);
  for (const { witness, at } of proven.cosigners) out(`witness: ${witness} at ${new Date(at).toISOString()}`);
  if (withheld.length > 0) return 1;
  return proven.doubtful > 0 ? DOUBTFUL : 0;
}

const behindText = (count: number, hence: string): string =>
  `behind the checkpoint: ${count} ${count === 1 ? 'entry' : 'entries'}; ${hence}`;

const MOST_NAMED = 20;

const listOf = (numbers: readonly number[]): string =>
  `${numbers.slice(0, MOST_NAMED).join(', ')}${numbers.length > MOST_NAMED ? ', …' : ''}`;

async function verifyFolder(values: Values, { out, err }: Output): Promise<number> {
  const selection = selectionOf(values);
  const isAsked = values.request !== undefined || values.find !== undefined;
  if (isAsked && values['org-key'] === undefined)
    throw new UsageError('--request and --find open entries: --org-key is required');
  const log = await openLog(values, isAsked);
  const { checkpoint: path } = values;
  const checkpoint = path === undefined ? {} : { checkpoint: await textOf('checkpoint', path) };
  const verdict = await log.verify(checkpoint);
  if (verdict.ok) {
    out(`whole: ${verdict.size} entries, ${log.size} of them in the checkpoint of ${log.origin}`);
    if (verdict.size > log.size)
      out(behindText(verdict.size - log.size, 'nothing but the service proves them yet'));
  } else err(`entry ${verdict.seq} is bad: ${verdict.fault}`);
  if (verdict.ok && isAsked) for await (const entry of log.entries(selection)) out(lineOf(entry));
  return verdict.ok ? 0 : 1;
}

async function prove(values: Values, { out }: Output): Promise<number> {
  const seq = Number(needed(values, 'seq'));
  out((await (await openLog(values)).prove(seq)).replace(/\n$/, ''));
  return 0;
}

async function exportEntries(values: Values, { out }: Output): Promise<number> {
  const path = needed(values, 'out');
  const { format = 'json' } = values;
  if (format !== 'json' && format !== 'csv') throw new UsageError('--format is json or csv');
  const log = await openLog(values, true);
  const { text, checkpoint, behind } = await log.export({ format, ...selectionOf(values) });
  await writeFile(path, text, { mode: 0o600 });
  await writeFile(`${path}.checkpoint`, checkpoint);
  if (behind > 0) out(behindText(behind, 'they are not in the export'));
  out(
    `${path} and ${path}.checkpoint; to verify: xlink audit verify ${path} --checkpoint ${path}.checkpoint --did ${serviceOf(values)}`,
  );
  return 0;
}

async function organization(values: Values, { out }: Output): Promise<number> {
  const [keyFile, recordFile] = [needed(values, 'org-key'), needed(values, 'out')];
  const did = await writeOrganization(keyFile, recordFile);
  out(`${did}: ${keyFile} reads the log, keep it elsewhere; ${recordFile} is for XLINK_ORG_RECORD`);
  return 0;
}

async function tail(values: Values, { out }: Output): Promise<number> {
  const count = Number(values.lines ?? 10);
  if (!(Number.isSafeInteger(count) && count > 0))
    throw new UsageError('--lines is a whole number from 1 on');
  const last: RecordedEntry[] = [];
  for await (const entry of (await openLog(values, true)).entries(selectionOf(values))) {
    last.push(entry);
    if (last.length > count) last.shift();
  }
  for (const entry of last) out(lineOf(entry));
  return 0;
}

async function openLog(values: Values, toRead = false): Promise<AuditLogReader> {
  const folder = needed(values, 'log');
  const service = serviceOf(values);
  if (!toRead) return AuditLogReader.open({ folder, service });
  return AuditLogReader.open({
    folder,
    service,
    organization: await identityOf(needed(values, 'org-key'), 2),
  });
}

function serviceOf(values: Values): string {
  const did = needed(values, 'did');
  if (!isDidKey(did)) throw new UsageError('--did is not a did:key of an Ed25519 key');
  return did;
}

function recipientsOf({ recipient }: Values): { readonly recipients?: readonly string[] } {
  if (recipient === undefined) return {};
  if (!recipient.every(isDidKey)) throw new UsageError('--recipient is not a did:key of an Ed25519 key');
  return { recipients: recipient };
}

function needed(values: Values, name: Exclude<keyof Values, 'recipient'>): string {
  const value = values[name];
  if (value === undefined) throw new UsageError(`--${name} is required`);
  return value;
}
