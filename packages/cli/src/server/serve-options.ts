import { readFile } from 'node:fs/promises';
import type { Mode } from '@private.me/xlink';
import { LOG_LEVELS, type LogLevel } from '@private.me/xlink/http-api';
import { secretIn } from '../local/secret-file.js';
import { UsageError } from '../run.js';

export const SERVE_HELP = `Usage: xlink serve [options]

The identity server: agents, trust registry, services by name, invites, prekeys, relay,
audit log, over HTTP. GET /openapi.json describes it. The first start makes an admin token
and shows it once.

  --data DIR               identity, audit log (but with PostgreSQL) and, without --store,
                           everything else
                           (default ./xlink-data); made if absent
  --port N                 default 3300; 0 takes a free one
  --host ADDRESS           default 127.0.0.1: put a proxy with TLS in front of it
  --public-url URL         where callers reach it (default http://localhost:PORT)
  --store URL              postgres://… or redis://…, for several servers. Passwords in a URL
                           can be seen by other users of the machine: set PGPASSWORD or
                           REDIS_PASSWORD, or give the URL in the variable XLINK_STORE.
                           PostgreSQL keeps no messages: no relay then; it keeps the audit
                           log of all servers that share it
  --identity FILE          the identity of the server (default identity.pkcs8 in --data);
                           servers that share a store share it
  --existing               refuses to start where there is no identity yet: for a folder
                           that must be there, such as a mounted disk
  --agent-key-file FILE    lets the server hold keys of agents, sealed under the key in FILE:
                           32 bytes as 64 hex digits (openssl rand -hex 32), or the
                           variable XLINK_AGENT_KEY. Who holds a token signs for them then
  --admin-token-file FILE  writes the first admin token there (mode 0600), not to stdout
  --new-admin-token        makes one more admin token, for when all are lost
  --mode MODE              hybrid, deprecation or xlink-only, whatever is stored
  --behind-proxy           callers are told apart by the last X-Forwarded-For address: only
                           where nobody gets past a proxy that writes it
  --requests-per-address N a minute (default 6000); without --behind-proxy that is the proxy
  --requests-per-caller N  a minute (default 6000)
  --log-level LEVEL        debug, info (default), warn or error; JSON lines on stderr
  --json                   what is said at the start as one line of JSON

SIGINT and SIGTERM end it in good order; a crash loses nothing that was acknowledged.`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;

export const SERVE_OPTIONS = {
  data: { ...TEXT, default: './xlink-data' },
  port: { ...TEXT, default: '3300' },
  host: { ...TEXT, default: '127.0.0.1' },
  'public-url': TEXT,
  store: TEXT,
  identity: TEXT,
  existing: FLAG,
  'agent-key-file': TEXT,
  'admin-token-file': TEXT,
  'new-admin-token': FLAG,
  mode: TEXT,
  'behind-proxy': FLAG,
  'requests-per-address': { ...TEXT, default: '6000' },
  'requests-per-caller': { ...TEXT, default: '6000' },
  'log-level': { ...TEXT, default: 'info' },
  json: FLAG,
} as const;

/** A whole number in an option. Throws a `UsageError`. */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}`);
}

/** `undefined`: the mode that is stored. Throws a `UsageError`. */
export function modeOf(text: string | undefined): Mode | undefined {
  if (text === undefined || text === 'hybrid' || text === 'deprecation' || text === 'xlink-only') return text;
  throw new UsageError('--mode is hybrid, deprecation or xlink-only');
}

export function levelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text);
  if (level === undefined) throw new UsageError(`--log-level is one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

export function storeOf(
  text: string | undefined = process.env['XLINK_STORE'] || undefined,
): string | undefined {
  if (text === undefined || /^(postgres(ql)?|rediss?):\/\//.test(text)) return text;
  throw new UsageError('--store is postgres://… or redis://…; without it, files in --data are used');
}

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Without a slash at its end. */
export function publicUrlOf(text: string | undefined, port: number): string {
  if (text === undefined) return `http://localhost:${port}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOCAL.test(url.hostname));
  if (!url || !isSafe || url.username !== '' || url.pathname !== '/' || url.search !== '')
    throw new UsageError(
      '--public-url is a URL such as https://id.example.com, without path and credentials; http for localhost only',
    );
  return url.origin;
}

/** The key of agents; `undefined`: the server holds none. Throws `KEY_FILE_OPEN` for one that others can read. */
export async function agentKeyOf(
  file: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Uint8Array | undefined> {
  if (file === undefined) {
    const text = env['XLINK_AGENT_KEY'];
    return text ? keyIn(text, 'the variable XLINK_AGENT_KEY') : undefined;
  }
  return keyIn(await secretIn('agent-key-file', file), file);
}

function keyIn(text: string, where: string): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text.trim()))
    throw new UsageError(`${where} must hold 32 bytes as 64 hex digits: openssl rand -hex 32`);
  return new Uint8Array(Buffer.from(text.trim(), 'hex'));
}

/** Version of this package. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
