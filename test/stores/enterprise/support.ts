import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from '@jest/globals';
import { type Did, MemoryTrustRegistry } from '@private.me/xlink';
import {
  createEnterpriseTrustRegistry,
  createRegistryServer,
  type EnterpriseEvent,
  type EnterpriseRegistryOptions,
  type EnterpriseTrustRegistry,
} from '@private.me/xlink/server';
import { identityOf } from '../../support/agents.js';
import { listen } from '../../support/listen.js';
import { unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';

const TOKEN = 'token-canary-2b8e61f0';
export const alice = await identityOf('alice');
export const [ALICE, BOB, CAROL] = [
  alice.did,
  (await identityOf('bob')).did,
  (await identityOf('carol')).did,
];

/** How the registry behaves: `deaf` does what it is asked and says nothing, `deaf to changes` says what it is asked to say. */
export type Mood = 'up' | 'down' | 'deaf' | 'deaf to changes' | 'broken' | 'page' | 'unauthorized';

export let folder: string;
export let central: MemoryTrustRegistry;
/** How the central registry behaves now, and how far its caller's clock is ahead. */
export const site: {
  mood: Mood;
  /** What an answer waits for, after it was made. */
  held: { readonly path: RegExp; readonly until: Promise<void>; reached: () => void } | undefined;
  skipMs: number;
} = { mood: 'up', held: undefined, skipMs: 0 };
export let baseUrl: string;
export let requests: string[];
export let events: EnterpriseEvent[];
export let open: EnterpriseTrustRegistry[];

/** By default it is tried again after 10 ms. */
export function start(options: Partial<EnterpriseRegistryOptions> = {}): EnterpriseTrustRegistry {
  const registry = createEnterpriseTrustRegistry({
    http: { baseUrl, authToken: TOKEN },
    file: { path: join(folder, 'fallback.jsonl') },
    retryMs: 10,
    clock: () => Date.now() + site.skipMs,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  open.push(registry);
  return registry;
}
/** As after a crash: another process finds what is on the disk. */
export async function restarted(
  options: Partial<EnterpriseRegistryOptions> = {},
): Promise<EnterpriseTrustRegistry> {
  const path = join(folder, `after-crash-${open.length}.jsonl`);
  await cp(join(folder, 'fallback.jsonl'), path);
  return start({ file: { path }, ...options });
}
export const typesOf = () => events.map(({ type }) => type);
export async function remembered(registry: EnterpriseTrustRegistry, ...dids: Did[]): Promise<void> {
  for (const did of dids) {
    unwrap(await central.register({ did, sendScopes: ['chat'] }));
    expect(await registry.lookup(did)).toBeDefined();
  }
  const path = join(folder, 'fallback.jsonl');
  await until(
    async () => {
      const text = await readFile(path, 'utf8');
      return dids.every((did) => text.includes(did));
    },
    { withinMs: 10_000 },
  );
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-enterprise-'));
  central = new MemoryTrustRegistry();
  Object.assign(site, { mood: 'up', held: undefined, skipMs: 0 });
  [requests, events, open] = [[], [], []];
  const handler = createRegistryServer({ registry: central, adminToken: TOKEN });
  const server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url}`);
    if (site.mood === 'down') return void req.socket.destroy();
    if (site.mood === 'broken')
      return void res.writeHead(500, { 'content-type': 'application/json' }).end('{}');
    if (site.mood === 'page') return void res.writeHead(404, { 'content-type': 'text/html' }).end('<p>');
    if (site.mood === 'unauthorized') delete req.headers.authorization;
    const { end } = res;
    const silent = site.mood === 'deaf' || (site.mood === 'deaf to changes' && req.method === 'POST');
    const holding = site.held?.path.test(req.url!) ? site.held : undefined;
    if (silent) res.end = (() => void req.socket.destroy()) as never;
    if (holding)
      res.end = ((body: string) => {
        holding.reached();
        void holding.until.then(() => end.call(res, body, 'utf8'));
      }) as never;
    handler(req, res);
  });
  baseUrl = (await listen(server)).url;
});
afterEach(async () => {
  await Promise.all(open.map((registry) => registry.close()));
  await rm(folder, { recursive: true, maxRetries: 10 });
});
