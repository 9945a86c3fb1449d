import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Identity } from '@private.me/xlink';
import { AuditLog, AuditLogReader, type AuditVerdict, verifyAuditExport } from '@private.me/xlink/audit';
import { bytesOfFile, identityFromFile } from '@private.me/xlink/file';
import { complianceExport, exportCsv } from '../server/export.js';
import { isDid } from '../util/signed-by.js';
import { type Terminal, UsageError } from './output.js';

const TEXT = { type: 'string' } as const;
const DATA = { ...TEXT, default: './xlock-data' } as const;

/** `xlock export`: the audit log of a server, also of one that runs, or of a copy of its folder. It writes nothing there. */
export async function exportLog(args: readonly string[], { out, err }: Terminal): Promise<number> {
  const options = {
    data: DATA,
    identity: TEXT,
    format: { ...TEXT, default: 'json' },
    since: TEXT,
    until: TEXT,
    out: TEXT,
  } as const;
  const { values } = parseArgs({ args: [...args], options, strict: true });
  const { data, format } = values;
  if (format !== 'json' && format !== 'csv') throw new UsageError('--format is json or csv');
  const since = dayIn('since', values.since) ?? 0;
  const until = dayIn('until', values.until) ?? Number.MAX_SAFE_INTEGER;
  const log = await readerOf(data, values.identity);
  if (values.out === undefined) {
    const found = await complianceExport(log, { since, until });
    out(format === 'csv' ? exportCsv(found).trimEnd() : JSON.stringify(found));
    return 0;
  }
  const where = ({ at }: { readonly at: number }) => at >= since && at < until;
  const { text, checkpoint, behind } = await log.export({ format, where });
  await writeFile(values.out, text, { mode: 0o600 });
  await writeFile(`${values.out}.checkpoint`, checkpoint);
  out(`${values.out} and ${values.out}.checkpoint`);
  if (behind > 0) err(`xlock: the last ${behind} entries are in no checkpoint yet, and not in the export`);
  return 0;
}

/** `xlock verify`: whether the audit log is as it was written. */
export async function verifyLog(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { data: TEXT, identity: TEXT, 'audit-log': TEXT, did: TEXT, checkpoint: TEXT } as const;
  const { values } = parseArgs({ args: [...args], options, strict: true });
  const { data = DATA.default, 'audit-log': path, did } = values;
  if (path === undefined) {
    if (did !== undefined)
      throw new UsageError('--did is for --audit-log: in --data is the key of the server');
    return verifyWhole(data, values.identity, values.checkpoint, terminal);
  }
  if (values.data !== undefined || values.identity !== undefined)
    throw new UsageError('--audit-log stands for itself: pass --did, and neither --data nor --identity');
  if (!isDid(did))
    throw new UsageError('--audit-log needs --did: the DID that the server shows at its start');
  if ((await stat(path)).isDirectory()) {
    const log = await AuditLogReader.open({ folder: path, service: did });
    return told(await log.verify(await kept(values.checkpoint)), log.origin, terminal);
  }
  return verifyFile(path, did, values.checkpoint ?? `${path}.checkpoint`, terminal);
}

async function verifyFile(path: string, service: string, head: string, { out }: Terminal): Promise<number> {
  const [text, checkpoint] = await Promise.all([readFile(path, 'utf8'), readFile(head, 'utf8')]);
  const { entries, size, origin, withheld } = await verifyAuditExport(text, { checkpoint, service });
  out(`proven: ${entries.length} of the ${size} entries of ${origin}`);
  for (const seq of withheld) out(`withheld: entry ${seq} cannot be read`);
  return withheld.length === 0 ? 0 : 1;
}

function told(verdict: AuditVerdict, origin: string, { out, err }: Terminal): number {
  if (verdict.ok) out(`whole: ${verdict.size} entries of ${origin}`);
  else err(`xlock: entry ${verdict.seq} is bad: ${verdict.fault}`);
  return verdict.ok ? 0 : 1;
}

/** With the key of the server: the HMAC chain to its end, and the signed tree. Over a copy without locks, so that nothing is written here. */
async function verifyWhole(
  data: string,
  identityFile: string | undefined,
  checkpoint: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const identity = await identityIn(data, identityFile);
  const folder = await mkdtemp(join(tmpdir(), 'xlock-verify-'));
  try {
    await cp(await logIn(data), folder, { recursive: true, filter: (path) => !LOCK.test(path) });
    const audit = await AuditLog.open({ folder, identity, organization: identity });
    try {
      return told(await audit.verify(await kept(checkpoint)), audit.origin, terminal);
    } finally {
      await audit.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const LOCK = /\.lock-[^/\\]*$/;

async function readerOf(data: string, identityFile: string | undefined): Promise<AuditLogReader> {
  const identity = await identityIn(data, identityFile);
  return AuditLogReader.open({ folder: await logIn(data), service: identity.did, organization: identity });
}

async function logIn(data: string): Promise<string> {
  const folder = join(data, 'audit');
  if (!(await bytesOfFile(join(folder, 'checkpoint'))))
    throw new UsageError(`there is no audit log at ${folder}`);
  return folder;
}

async function identityIn(data: string, file = join(data, 'identity.der')): Promise<Identity> {
  if (!(await bytesOfFile(file))) throw new UsageError(`there is no key of a server at ${file}`); // none is made
  return identityFromFile(file);
}

const kept = async (file: string | undefined): Promise<{ readonly checkpoint?: string }> =>
  file === undefined ? {} : { checkpoint: await readFile(file, 'utf8') };

/** A day or a time of ISO 8601; a day begins in UTC. */
function dayIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new UsageError(`--${name} is a day such as 2026-01-31`);
  return at;
}
