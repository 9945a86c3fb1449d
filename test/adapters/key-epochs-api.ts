import {
  Agent,
  type AgentOptions,
  type DualModeOptions,
  type KeyStore,
  MemoryClientStore,
  MemoryNonceStore,
  type MemoryTrustRegistry,
  type XlinkFetchOptions,
  xlinkFetch,
} from '@private.me/xlink';
import { type ApiService, LOCAL, serveApi } from '../client/support.js';
import { afterTest } from '../support/after-test.js';
import { identityOf, seedOf } from '../support/agents.js';
import { unwrap } from '../support/results.js';

// One API in several instances, each with its own connection to the keys, behind a proxy that takes turns.

export interface Shared {
  readonly clock: () => number;
  readonly registry: MemoryTrustRegistry;
}

export interface Cluster {
  readonly instances: readonly (ApiService & { readonly agent: Agent })[];
  /** A client with a cache of its own; its requests go to the instances in turns. */
  client(
    name: string,
    options?: XlinkFetchOptions & { readonly intercept?: Intercept },
  ): Promise<typeof fetch>;
  /** Requests that reached a handler, of all instances. */
  handled(): number;
  /** How often the discovery document was asked for. */
  discovered(): number;
}

/** Answers in place of the API, or not. */
export type Intercept = (url: URL) => Promise<Response | undefined>;

const ORIGIN = 'http://127.0.0.1:1';
const DISCOVERY = '/.well-known/xlink.json';

/** An instance of the API: its identity is the same in all, and imported. */
export const importedApi = async (
  { clock, registry }: Shared,
  keyStore: KeyStore,
  options: AgentOptions = {},
): Promise<Agent> => {
  const imported = await Agent.importIdentity({
    pkcs8: (await identityOf('api')).exportPKCS8(),
    name: 'api',
    clock,
    registry,
    keyStore,
    ...options,
  });
  const agent = unwrap(imported);
  afterTest(() => agent.dispose());
  return agent;
};

export async function cluster(
  shared: Shared,
  stores: readonly KeyStore[],
  agentOptions: AgentOptions = {},
  options: Partial<DualModeOptions> = {},
): Promise<Cluster> {
  const { clock, registry } = shared;
  const nonceStore = new MemoryNonceStore({ clock, coldStart: 'accept' });
  const clients = new MemoryClientStore();
  const instances = await Promise.all(
    stores.map(async (keyStore) => {
      const agent = await importedApi(shared, keyStore, { nonceStore, ...agentOptions });
      const more = { agent, clock, clients, hosts: [new URL(ORIGIN).host], instances: 1, ...options };
      return serveApi({ mode: 'xlink-only', ...more });
    }),
  );
  let turn = 0;
  return {
    instances,
    async client(name, { intercept, ...more } = {}) {
      const { timestampWindowMs } = agentOptions;
      const agent = unwrap(
        await Agent.fromSeed({
          seed: seedOf(name),
          clock,
          registry,
          ...(timestampWindowMs === undefined ? {} : { timestampWindowMs }),
        }),
      );
      const inTurns: typeof fetch = async (input, init) => {
        const url = new URL(String(input));
        const given = await intercept?.(url);
        if (given) return given;
        return fetch(new URL(url.pathname + url.search, instances[turn++ % instances.length]!.url), init);
      };
      return xlinkFetch({
        ...LOCAL,
        agent,
        clock,
        baseUrl: ORIGIN,
        fetch: inTurns,
        scope: 'orders',
        ...more,
      });
    },
    handled: () => instances.reduce((sum, { handled }) => sum + handled.length, 0),
    discovered: () => instances.reduce((sum, one) => sum + one.count(DISCOVERY), 0),
  };
}
