import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Did, identityFromFile } from '@private.me/xlink';
import { createRelay } from '@private.me/xlink/server';
import { AllowList } from './allow-list.js';
import { explain } from './explain.js';
import { assertData } from './local/data-folder.js';
import { makePlace } from './local/secret-file.js';
import { openRelayStore } from './open-relay-store.js';
import { parsed } from './parsed.js';
import { type Command, type Output, UsageError } from './run.js';
import { signals } from './signals.js';

const HELP = `Usage: xlink relay --data DIR [options]

Keeps sealed messages until their recipients fetch them. Both sides connect to it, so
neither needs a public address. It cannot read, change or forge what it keeps.

  --data DIR               messages and the identity of the relay (made if absent); one
                           relay at a time: a second one waits 10 s for the first
  --port N                 default 8787; 0 takes a free one
  --host ADDRESS           default 127.0.0.1: put a proxy with TLS in front of it
  --allow FILE             who may use it: one DID a line, # for comments. Changes count
                           within a second, and do not cut connections that are open
  --open                   anybody may, within the quotas: strangers can fill it.
                           One of --allow and --open must be given
  --path PATH              path of the relay as its callers write it (default /relay)
  --days N                 how long a message waits, 1 to 7 (default 7)
  --mailbox-messages N     messages that wait for one recipient (default 10000)
  --mailbox-bytes N        bytes that wait for one recipient (default 64 MiB)
  --sender-messages N      messages of one sender that wait (default 2500)
  --sender-bytes N         bytes of one sender that wait (default 16 MiB)
  --total-bytes N          bytes that wait in all (default 256 MiB)
  --sends-per-minute N     messages that one sender may send a minute (default 600)
  --requests-per-address N requests of one IP address a minute (default 6000);
                           behind a proxy that is the address of the proxy
  --max-envelope-bytes N   larger envelopes are refused (default 1.5 MiB)

Recipients use GatewayTransport({ relayUrl, relayDid }) with the DID that is printed.
SIGINT and SIGTERM end it in good order; a crash loses nothing that was acknowledged.`;

const OPTIONS = {
  data: { type: 'string' },
  port: { type: 'string', default: '8787' },
  host: { type: 'string', default: '127.0.0.1' },
  allow: { type: 'string' },
  open: { type: 'boolean', default: false },
  path: { type: 'string' },
  days: { type: 'string', default: '7' },
  'mailbox-messages': { type: 'string' },
  'mailbox-bytes': { type: 'string' },
  'sender-messages': { type: 'string' },
  'sender-bytes': { type: 'string' },
  'total-bytes': { type: 'string' },
  'sends-per-minute': { type: 'string' },
  'requests-per-address': { type: 'string' },
  'max-envelope-bytes': { type: 'string' },
} as const;

type Values = Readonly<Partial<Record<Exclude<keyof typeof OPTIONS, 'open'>, string>>>;

/** `xlink relay`. */
export const relayCommand: Command = {
  summary: 'keep messages until their recipients fetch them',
  help: HELP,
  async run(args, output) {
    const { open, ...values } = parsed({ args: [...args], options: OPTIONS, strict: true }).values;
    if (values.data === undefined) throw new UsageError('--data is required');
    const port = numberOf(values, 'port', 0, 65_535)!;
    const settings = settingsOf(values);
    if ((values.allow !== undefined) === open)
      throw new UsageError('say who may use the relay: --allow FILE, or --open for everybody');
    const allowed = values.allow === undefined ? undefined : await AllowList.open(values.allow, output.err);

    await makePlace(values.data);
    await assertData(values.data, join(values.data, 'identity.pkcs8'));
    const identity = await identityFromFile(join(values.data, 'identity.pkcs8'));
    const store = await openRelayStore(
      {
        path: join(values.data, 'messages.jsonl'),
        limits: settings.limits,
        onRepair: ({ path, bytes }) => output.err(`cut ${bytes} unfinished bytes off the end of ${path}`),
      },
      output,
    );
    const relay = await createRelay({
      ...settings.relay,
      identity,
      store,
      ...(allowed ? { admits: (did: Did) => allowed.has(did) } : { open }),
      onFault: (error) => output.err(`${error.id}: ${explain(error)}`),
    });
    const told = signals();
    const server = createServer(relay.handler).on('upgrade', relay.upgrade);
    try {
      server.listen(port, values.host);
      await once(server, 'listening');
      announce(server.address() as AddressInfo, relay, allowed, output);
      await told.toStop;
    } finally {
      server.close();
      await relay.close();
      server.closeAllConnections();
      told.end();
    }
    output.out('stopped');
    return 0;
  },
};

function announce(
  { address, port, family }: AddressInfo,
  relay: { readonly did: Did; readonly hasWebSocket: boolean },
  allowed: AllowList | undefined,
  { out }: Output,
): void {
  out(`relay  ${relay.did}`);
  out(`url    http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
  out(`serves ${allowed ? `${allowed.size} DIDs` : 'anybody, within the quotas'}`);
  out(`socket ${relay.hasWebSocket ? 'yes' : 'no: the package ws is not installed'}`);
}

function settingsOf(values: Values) {
  const limits = {
    messagesPerMailbox: numberOf(values, 'mailbox-messages', 1, 10_000_000),
    bytesPerMailbox: numberOf(values, 'mailbox-bytes', 1024, 2 ** 40),
    messagesPerSender: numberOf(values, 'sender-messages', 1, 10_000_000),
    bytesPerSender: numberOf(values, 'sender-bytes', 1024, 2 ** 40),
    bytesInAll: numberOf(values, 'total-bytes', 1024, 2 ** 40),
    lifetimeMs: numberOf(values, 'days', 1, 7)! * 86_400_000,
  };
  const relay = {
    path: pathOf(values),
    sendsPerMinute: numberOf(values, 'sends-per-minute', 1, 1_000_000),
    requestsPerAddress: numberOf(values, 'requests-per-address', 1, 100_000_000),
    maxEnvelopeBytes: numberOf(values, 'max-envelope-bytes', 1024, 2 ** 26),
  };
  return { limits: present(limits), relay: present(relay) };
}

function numberOf(values: Values, name: keyof Values, min: number, max: number): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}`);
}

function pathOf({ path }: Values): string | undefined {
  if (path === undefined || /^(?:\/[\w.~-]+){1,16}$/.test(path)) return path;
  throw new UsageError('--path must be a path such as /relay, without a slash at its end');
}

const present = <T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
