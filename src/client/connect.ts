import type { BaseAgent } from '../agent/agent.js';
import { discover } from '../discovery/discover.js';
import { DISCOVER_OPTIONS, type DiscoverOptions } from '../discovery/options.js';
import { toXlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import type { Mode } from '../types/mode.js';
import type { Did, Version } from '../types/protocol.js';
import { checkOptions } from '../util/options.js';
import { checkXlinkFetchOptions, XLINK_FETCH_OPTIONS, type XlinkFetchOptions } from './options.js';
import { PostTransport } from './post-transport.js';
import { ServiceClient } from './service-client.js';
import { fetchOf, type XlinkFetch } from './xlink-fetch.js';

/** Options of discovery and of the `fetch` that comes with the connection. `signal` aborts connecting, nothing later. */
export type ConnectOptions = Omit<XlinkFetchOptions, 'baseUrl' | 'apiKeyOrigin'> &
  Pick<DiscoverOptions, 'registryUrl' | 'signal'>;

/** A service that was found and is known to the agent. */
export interface Connection {
  /** The service's DID, verified. */
  readonly did: Did;
  /** The name it gives itself in its discovery document; not verified. */
  readonly name: string | undefined;
  /** Base URL of the service. */
  readonly url: string;
  /** Envelope versions it accepts. */
  readonly versions: readonly Version[];
  /** Its migration mode when it was discovered. */
  readonly mode: Mode;
  /**
   * Who calls. If it was made here, its `send` POSTs the envelope to `url`, for services that take envelopes on one route
   * (`agent.middleware()`), and its identity is in memory only unless there is a store.
   */
  readonly agent: BaseAgent;
  /** For an HTTP API: see `xlinkFetch`. Relative URLs are resolved against `url`, and the DID of the service is pinned. */
  readonly fetch: XlinkFetch;
}

/**
 * Finds a service and gets ready to talk to it.
 *
 * ```ts
 * const connection = await connect('payments-service'); // or 'api.example.com', or 'https://api.example.com/xlink'
 * if (connection.ok) await connection.value.fetch('/charges', { method: 'POST', headers, body });
 * ```
 *
 * A name is looked up in the registry; a domain or URL describes itself in `/.well-known/xlink.json`. Never throws.
 */
export async function connect(target: string, options: ConnectOptions = {}): Promise<Result<Connection>> {
  try {
    const { baseUrl: _, apiKeyOrigin: __, ...known } = XLINK_FETCH_OPTIONS;
    const { registryUrl, signal } = DISCOVER_OPTIONS;
    checkOptions('connect', options, { ...known, registryUrl, signal });
    return ok(await open(target, options));
  } catch (error) {
    return err(toXlinkError(error));
  }
}

async function open(target: string, options: ConnectOptions): Promise<Connection> {
  const { registryUrl: _, signal: __, ...rest } = options;
  checkXlinkFetchOptions('connect', rest);
  const service = await discover(target, pick(options, Object.keys(DISCOVER_OPTIONS)));
  const { url } = service;
  const transport = new PostTransport(service, options.fetch);
  const client = new ServiceClient({ ...rest, pinnedDid: service.did, baseUrl: url }, { transport });
  const { did, name, versions, mode } = await client.adopt(service);
  return { did, name, url, versions, mode, agent: await client.agent(), fetch: fetchOf(client) };
}

const pick = (options: ConnectOptions, names: readonly string[]): DiscoverOptions =>
  Object.fromEntries(
    Object.entries(options).filter(([name, value]) => names.includes(name) && value !== undefined),
  );
