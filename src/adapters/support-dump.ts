import { defaultProvider } from '#provider';
import type { AdapterMetrics } from '../http/adoption-counter.js';
import { encodeBase64url } from '../util/base64url.js';
import { checkOptions, oneOf } from '../util/options.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { ClientReport, CutoverReport } from './clients/cutover-report.js';
import type { AdapterHealth } from './health.js';
import type { DualModeOptions } from './options.js';
import type { DumpedSessions } from './sessions-health.js';

/** How clients are named in a dump. */
export interface SupportDumpOptions {
  /** `hashed`: by a number of 8 characters, the same in every dump of a process; `named`: by their ids. Default `hashed`. */
  readonly clients?: 'hashed' | 'named';
}

/** Throws `INVALID_OPTION`. */
export const checkDumpOptions = (options: SupportDumpOptions): void =>
  checkOptions('supportDump', options, { clients: oneOf('hashed', 'named') });

/** The state of an adapter for whoever helps. Holds no key, no identity's secret, no payload, no address and no name of an application. */
export interface SupportDump {
  /** When it was made, ISO 8601 in UTC. */
  readonly at: string;
  /** Of the program that runs. */
  readonly runtime: { readonly node?: string; readonly platform?: string };
  /** What `adapter.health()` says. */
  readonly health: AdapterHealth;
  /** Requests since the process started. */
  readonly metrics: AdapterMetrics;
  /** Options that are plain: numbers, and words out of a list. Of all others only that they are set: `(set)`. */
  readonly options: Readonly<Record<string, number | boolean | string>>;
  /** How sessions are set up; absent without them. */
  readonly sessions?: DumpedSessions;
  /** The clients, without their DIDs and programs; absent without the option `clients`, or while its store is down. */
  readonly clients?: readonly Omit<ClientReport, 'dids' | 'software' | 'expiring'>[];
}

/** Texts that may be shown: words of a list, never what somebody wrote. */
const SHOWN_TEXTS = new Set(['mode', 'onDowngrade']);

/** Options as far as they hold nothing that is the application's own. */
export function plainOptions(options: DualModeOptions): Record<string, number | boolean | string> {
  const shown = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    shown.map(([name, value]) => {
      const isPlain = typeof value === 'number' || typeof value === 'boolean' || SHOWN_TEXTS.has(name);
      return [name, isPlain ? (value as number | boolean | string) : '(set)'];
    }),
  );
}

/** New with each process, so that nobody finds out an id by trying. */
let salt: Uint8Array | undefined;

/** The rows of a report as they may be handed on. */
export async function dumpedClients(
  { clients }: CutoverReport,
  naming: 'hashed' | 'named',
): Promise<SupportDump['clients']> {
  return Promise.all(
    clients.map(async ({ dids: _, software: __, expiring: ___, ...row }) => ({
      ...row,
      client: naming === 'named' ? row.client : await pseudonymOf(row.client),
    })),
  );
}

async function pseudonymOf(client: string): Promise<string> {
  salt ??= defaultProvider().randomBytes(16);
  const name = encodeUtf8(client);
  const bytes = new Uint8Array(salt.length + name.length);
  bytes.set(salt);
  bytes.set(name, salt.length);
  return encodeBase64url(await defaultProvider().sha256(bytes)).slice(0, 8);
}

/** Where there is one. */
export function runtimeFacts(): SupportDump['runtime'] {
  const { process } = globalThis as { process?: { version?: string; platform?: string } };
  return {
    ...(process?.version === undefined ? {} : { node: process.version }),
    ...(process?.platform === undefined ? {} : { platform: process.platform }),
  };
}
