import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Identity } from '@private.me/xlink';
import { EphemeralIdentity } from '../identity/ephemeral-identity.js';
import { FileShareBackend } from '../master/share-backends.js';
import { XidRegistrar } from '../registrar/registrar.js';
import { type Command, type Output, UsageError } from './output.js';

const HELP = `Usage: xlink xid <command> [options]

  derive SERVICE      the DID for a service: its origin or DID
  certificate         a certificate for such a DID, signed by a registrar

  --share FILE        of derive: a share of the master seed, two or more; made where none is there
  --device NAME       of derive: identities of their own for this device
  --identity FILE     of certificate: the registrar, PKCS#8 as PEM or DER
  --post-quantum      of certificate: signs with its ML-DSA-65 key, too
  --did DID           of certificate: for whom
  --audience SERVICE  of certificate: for which service
  --class NAME        of certificate: as one of whom
  --scope SCOPE       of certificate: what that may do; more than once
  --epoch N           another epoch than that of now
  --epoch-hours N     how long an epoch is (default 24)
  --json              the answer of derive as JSON`;

const OPTIONS = {
  share: { type: 'string', multiple: true },
  device: { type: 'string' },
  identity: { type: 'string' },
  'post-quantum': { type: 'boolean' },
  did: { type: 'string' },
  audience: { type: 'string' },
  class: { type: 'string' },
  scope: { type: 'string', multiple: true },
  epoch: { type: 'string' },
  'epoch-hours': { type: 'string' },
  json: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parsed>['values'];

const parsed = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });

/** `xlink xid`. */
export const xidCommand: Command = {
  summary: 'identities for each service and epoch, and certificates for them',
  help: HELP,
  async run(args, output) {
    const { values, positionals } = parsed(args);
    const [name, ...rest] = positionals;
    if (name === 'derive') return derive(values, rest, output);
    if (name === 'certificate' && rest.length === 0) return certificate(values, output);
    throw new UsageError(name === undefined ? 'a command is required' : `there is no command ${name}`);
  },
};

async function derive(values: Values, [service, ...more]: string[], { out }: Output): Promise<number> {
  const { share = [], device, json } = values;
  if (service === undefined || more.length > 0) throw new UsageError('derive takes one service');
  if (share.length < 2)
    throw new UsageError('--share is required, twice or more often: one alone says nothing');
  const me = await EphemeralIdentity.create({
    backends: share.map((path) => new FileShareBackend(path)),
    ...timesOf(values),
    ...(device === undefined ? {} : { device }),
  });
  try {
    const epoch = numberOf(values, 'epoch') ?? me.epoch;
    const did = await me.deriveForVerifier(service, epoch);
    const until = new Date(me.endOf(epoch)).toISOString();
    out(json ? JSON.stringify({ did, epoch, until }) : `${did}\nepoch  ${epoch}, good until ${until}`);
  } finally {
    me.close();
  }
  return 0;
}

async function certificate(values: Values, { out }: Output): Promise<number> {
  const [file, did, audience, name] = (['identity', 'did', 'audience', 'class'] as const).map((option) => {
    const value = values[option];
    if (value === undefined) throw new UsageError(`--${option} is required`);
    return value;
  }) as [string, string, string, string];
  const { scope = [] } = values;
  if (scope.length === 0) throw new UsageError('--scope is required');
  const bytes = await readFile(file);
  const isText = bytes.subarray(0, 10).toString('latin1') === '-----BEGIN';
  const identity = await Identity.fromPKCS8(isText ? bytes.toString('latin1') : new Uint8Array(bytes), {
    maxVersion: values['post-quantum'] ? 3 : 2,
  });
  const registrar = new XidRegistrar({
    identity,
    classes: { [name]: { scopes: scope } },
    ...timesOf(values),
  });
  const epoch = numberOf(values, 'epoch') ?? registrar.epoch;
  out(JSON.stringify(await registrar.certify({ did, audience, class: name, epoch })));
  return 0;
}

function timesOf(values: Values): { readonly epochDurationMs?: number } {
  const hours = numberOf(values, 'epoch-hours');
  return hours === undefined ? {} : { epochDurationMs: hours * 3_600_000 };
}

function numberOf(values: Values, name: 'epoch' | 'epoch-hours'): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${name} is a whole number`);
  return Number(text);
}
