import { parseArgs } from 'node:util';
import type { XlockServerOptions } from '../server/server-options.js';
import { isStoreUrl } from '../server/store-url.js';
import { UsageError } from './output.js';

/** Options of `xlock serve`, for people. */
export const SERVE_HELP = `Of serve; the first start shows an admin token once:

  --port N, --host ADDRESS  default 4500 at 127.0.0.1: put a proxy with TLS in front of it
  --behind-proxy            callers are told apart by the last X-Forwarded-For address
  --origin URL              where browsers and devices reach it (default http://localhost:PORT); kept in the store, another one is refused
  --data DIR                identity, audit log and, without --store, everything else (default ./xlock-data)
  --identity FILE           default identity.der in --data; instances that share a store share it. Made for a new store only
  --store URL               redis://… or postgres://…, for several instances; or the variable XLOCK_STORE.
                            Passwords: REDIS_PASSWORD, PGPASSWORD
  --relay URL               pushes go out over this relay of xLink (without /relay), and answers come in; of one
                            instance
  --page ORIGIN             the approval page, at a host name of its own that leads here, too
  --page-store URL          a share store of the page, any number (default: one at the page)
  --offline-codes           takes codes on paper
  --requests-per-address N  a minute (default 6000); --requests-per-caller N: of one token
  --shared-limits           counts them in Redis for all instances`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;
const OPTIONS = {
  data: { ...TEXT, default: './xlock-data' },
  port: { ...TEXT, default: '4500' },
  host: { ...TEXT, default: '127.0.0.1' },
  origin: TEXT,
  store: TEXT,
  identity: TEXT,
  relay: TEXT,
  page: TEXT,
  'page-store': { ...TEXT, multiple: true },
  'offline-codes': FLAG,
  'requests-per-address': TEXT,
  'requests-per-caller': TEXT,
  'shared-limits': FLAG,
  'behind-proxy': FLAG,
} as const;

/** What `xlock serve` was told. */
export interface ServeOptions {
  readonly storage: {
    readonly data: string;
    readonly store?: string | undefined;
    readonly identityFile?: string | undefined;
  };
  readonly port: number;
  readonly host: string;
  readonly origin: string | undefined;
  readonly relay: string | undefined;
  readonly isBehindProxy: boolean;
  /** Requests are counted in the store. */
  readonly hasSharedLimits: boolean;
  readonly server: Pick<XlockServerOptions, 'page' | 'codes' | 'requestsPerAddress' | 'requestsPerCaller'>;
}

/** Throws {@link UsageError}, or what `parseArgs` does; what the server takes is checked by the server. */
export function serveOptionsOf(args: readonly string[], env: NodeJS.ProcessEnv): ServeOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true });
  const { data, identity: identityFile, host, origin, relay, page, 'page-store': stores } = values;
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) throw new UsageError('--port is 0 to 65535');
  const store = values.store ?? (env['XLOCK_STORE'] || undefined);
  if (store !== undefined && !isStoreUrl(store))
    throw new UsageError('--store is postgres://… or redis://…; without it, files in --data are used');
  const hasSharedLimits = values['shared-limits'];
  if (hasSharedLimits && !store?.startsWith('redis'))
    throw new UsageError('--shared-limits needs --store redis://…');
  if (stores && page === undefined) throw new UsageError('--page-store needs --page');
  return {
    storage: { data, store, identityFile },
    port,
    host,
    origin,
    relay,
    isBehindProxy: values['behind-proxy'],
    hasSharedLimits,
    server: {
      codes: { offline: values['offline-codes'] },
      ...(page === undefined ? {} : { page: { origin: page, ...(stores ? { stores } : {}) } }),
      ...rateIn('requestsPerAddress', values['requests-per-address']),
      ...rateIn('requestsPerCaller', values['requests-per-caller']),
    },
  };
}

const rateIn = (name: 'requestsPerAddress' | 'requestsPerCaller', text: string | undefined) =>
  text === undefined ? {} : { [name]: Number(text) };
