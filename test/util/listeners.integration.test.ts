import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  GatewayTransport,
  LoopbackTransport,
  MemoryClientStore,
  MemoryTrustRegistry,
  MigrationPlan,
  reconstruct,
  splitForChannel,
  xlinkFetch,
} from '@private.me/xlink';
import { FileClientStore, FileModeStore } from '@private.me/xlink/file';
import { logObserver } from '@private.me/xlink/logging';
import { RedisModeStore } from '@private.me/xlink/redis';
import { createEnterpriseTrustRegistry, createRegistryServer, createRelay } from '@private.me/xlink/server';
import { MemoryModeStore } from '@private.me/xlink/testing';
import { Redis } from 'ioredis';
import { MemoryKeyStore } from '../../src/identity/key-store.js';
import { tell } from '../../src/util/tell.js';
import { afterTest } from '../support/after-test.js';
import { identityOf } from '../support/agents.js';
import { listen } from '../support/listen.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { World } from '../support/world.js';

/** One for all types of listeners. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Listener = (...args: any[]) => any;

const down = () => {
  throw new Error('down');
};
const agent = await Agent.quickstart();
const adapterWith = (more: object = {}) =>
  new DualModeAdapter({ agent, legacyKeyValidator: () => null, ...more });
const local = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };

/** Each listener that is not awaited: what it is, and what calls it. */
const LISTENERS: readonly (readonly [string, (listener: Listener) => unknown])[] = [
  ['observers', (observer) => adapterWith({ observers: [observer] }).setMode('hybrid', 'why')],
  ['observe()', (observer) => adapterWith().observe(observer)],
  [
    'onKeyEpoch()',
    async (listener) => {
      const keyed = await new World().agent('keyed', { keyStore: new MemoryKeyStore() });
      keyed.onKeyEpoch(listener);
      await keyed.ready();
      await keyed.createEnvelope({ to: keyed.did, payload: 1 });
    },
  ],
  ['onProgress', (onProgress) => agent.createEnvelope({ to: agent.did, payload: 1, onProgress })],
  [
    'onWarning',
    async (onWarning) => {
      const warned = await new World().agent('warned', { onWarning });
      await warned.send({ to: warned.did, payload: 1, splitChannel: false });
    },
  ],
  ['onRefused', (onRefused) => delivered({ onRefused }, (envelope) => ({ ...envelope, payload: 'AAAA' }))],
  ['onFailed', (onFailed) => delivered({ onFailed }, (envelope) => envelope)],
  [
    'onFallback',
    async (onFallback) => {
      const { url } = await listen((req, res) => res.writeHead(req.url === '/a' ? 200 : 404).end());
      const answer = await xlinkFetch({ ...local, baseUrl: url, apiKey: 'k', onFallback })('/a');
      expect(answer.status).toBe(200);
    },
  ],
  [
    'onBadShare',
    async (onBadShare) => {
      const [first, ...others] = await splitForChannel(new Uint8Array(9), { totalShares: 3, threshold: 2 });
      const bad = { ...first!, pieces: first!.pieces.map((piece) => piece.map((byte) => byte ^ 1)) };
      const { ok } = await reconstruct([bad, ...others], { onBadShare });
      expect(ok).toBe(true);
    },
  ],
  [
    'onRepair',
    async (onRepair) => {
      const path = join(await temporaryFolder(), 'clients');
      const store = await FileClientStore.open(path);
      await store.link(agent.did, 'acme');
      await store.close();
      await writeFile(path, '{"sum":', { flag: 'a' });
      const again = await FileClientStore.open(path, { onRepair });
      expect(await again.clientOf(agent.did)).toBe('acme');
      await again.close();
    },
  ],
  [
    'onEvent',
    async (onEvent) => {
      const path = join(await temporaryFolder(), 'fallback');
      const http = { baseUrl: 'http://127.0.0.1:9', authToken: 'sixteen-characters' };
      const registry = createEnterpriseTrustRegistry({ http, file: { path }, onEvent });
      afterTest(() => registry.close());
      await Promise.resolve(registry.lookup(agent.did)).catch(() => {});
    },
  ],
  [
    'onChange()',
    async (listener) => {
      const registry = new MemoryTrustRegistry();
      registry.onChange(listener);
      await registry.register({ did: agent.did, name: 'a', sendScopes: ['*'] });
    },
  ],
  ['onChange() of MemoryModeStore', (listener) => changed(new MemoryModeStore(), listener)],
  [
    'onChange() of FileModeStore',
    async (listener) => {
      const store = new FileModeStore(join(await temporaryFolder(), 'mode'));
      await changed(store, listener);
      await store.close();
    },
  ],
  [
    'onError',
    async (onError) => {
      const { did } = await identityOf('relay');
      const transport = new GatewayTransport({
        relayUrl: 'http://127.0.0.1:9/relay',
        relayDid: did,
        onError,
      } as never);
      const receiver = new Agent({ identity: await identityOf('bob'), transport });
      receiver.onMessage(() => {});
      afterTest(() => transport.dispose());
    },
  ],
  [
    'onError of MigrationPlan.start()',
    (onError) => {
      const clients = Object.assign(new MemoryClientStore(), { list: down });
      const plan = new MigrationPlan({ adapter: adapterWith({ clients }) });
      plan.start(onError);
      afterTest(() => plan.stop());
    },
  ],
  [
    'onFault of the relay',
    async (onFault) => {
      const nothing = async () => undefined as never;
      const store = {
        add: nothing,
        knows: nothing,
        list: nothing,
        ack: nothing,
        watch: nothing,
        sweep() {},
        close: nothing,
      };
      const relay = await createRelay({
        identity: await identityOf('relay'),
        store,
        open: true,
        addressOf: down,
        onFault,
      } as never);
      afterTest(() => relay.close());
      const { url } = await listen(relay.handler);
      await fetch(`${url}/relay/send`, { method: 'POST', body: '{}' });
    },
  ],
  [
    'onFault of the registry server',
    async (onFault) => {
      const registry = Object.assign(new MemoryTrustRegistry(), { lookup: down });
      const { url } = await listen(
        createRegistryServer({ registry, adminToken: 'sixteen-characters', onFault }),
      );
      await fetch(`${url}/registry/resolve/${agent.did}`);
    },
  ],
  [
    'a logger',
    (info) => {
      const logger = { debug: info, info, warn: info, error: info };
      adapterWith({ observers: [logObserver(logger as never)] }).setMode('hybrid', 'why');
    },
  ],
  [
    'a span',
    async (end) => {
      const tracer = { trace: (_: object, run: (span: object) => unknown) => run({ end }) };
      const adapter = adapterWith({ tracer });
      const { url } = await listen((req, res) =>
        adapter.middleware()(req as never, res as never, () => res.end()),
      );
      expect((await fetch(url, { headers: { 'x-api-key': 'k' } })).status).toBe(401);
    },
  ],
  [
    'onWarning of the stores in Redis',
    (onWarning) => {
      const client = new Redis('redis://127.0.0.1:6379', { lazyConnect: true });
      afterTest(() => client.disconnect());
      new RedisModeStore({ client, onWarning });
    },
  ],
];

async function delivered(options: object, altered: (envelope: object) => object): Promise<void> {
  const world = new World();
  const transport = new LoopbackTransport();
  const bob = await world.agent('bob', { transport });
  bob.onMessage(down, options);
  const alice = await world.agent('alice', { transport: new LoopbackTransport() });
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
  await transport.send(altered(envelope) as never, bob.did);
}

async function changed(store: MemoryModeStore | FileModeStore, listener: Listener): Promise<void> {
  store.onChange(listener);
  expect(await store.save({ mode: 'hybrid', since: 1, revision: 1 } as never, 0)).toBe(true);
}

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(() => {
  process.off('unhandledRejection', note);
  unhandled.length = 0;
});

const WAYS: readonly (readonly [string, () => unknown])[] = [
  ['throws', down],
  ['rejects', async () => down()],
  ['returns what throws at "then"', () => Object.defineProperty({}, 'then', { get: down })],
];

for (const [way, fails] of WAYS)
  test.each(LISTENERS)(
    `[E6] what is told and not awaited disturbs nobody if it ${way}: %s`,
    async (_, called) => {
      let calls = 0;
      await called(((...args: unknown[]) => {
        calls += args.length >= 0 ? 1 : 0;
        return fails();
      }) as Listener);
      await until(() => calls > 0, { what: 'the call' });
      for (let turns = 0; turns < 5; turns++) await turn();
      expect(unhandled).toEqual([]);
    },
  );

test('nobody listens: nothing is called', () => {
  expect(tell(undefined, 1)).toBeUndefined();
});

/** Of the library itself, or awaited. */
const OTHERS = [
  'onClaimed',
  'onVerified',
  'onFailure',
  'onDowngrade',
  'onUnnamedHost',
  'onBadEnvelope',
  'onRefusal',
  'onGuardRefusal',
  'onBatch',
  'onCheckpoint',
  'onOverload',
  'onReceipt',
  'onDelivered',
];

test('every option that is such a listener is in the list', () => {
  const src = fileURLToPath(new URL('../../src', import.meta.url));
  const names = new Set<string>();
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.ts') && !file.includes('page'))
      for (const [, name] of readFileSync(join(src, file), 'utf8').matchAll(
        /^ {2}readonly (on[A-Z]\w*)\?: /gm,
      ))
        names.add(name!);
  const listed = LISTENERS.map(([name]) => name.split(' ')[0]!);
  expect([...names].filter((name) => !listed.includes(name) && !OTHERS.includes(name))).toEqual([]);
});
