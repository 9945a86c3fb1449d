import { expect, test } from '@jest/globals';
import { Identity, type TrustRegistry } from '@private.me/xlink';
import { Registry } from 'prom-client';
import { NoiseProvider, SecureMeshRouter } from '../src/index.js';
import { meshMetrics } from '../src/metrics.js';
import type { PrekeyDirectory, SignalProviderOptions } from '../src/signal/index.js';
import { seedOf, World } from './signal/support.js';
import { afterTest, until } from './support.js';

/** An agent with all that counts: real Noise over TCP, real Signal over a carrier of the process, a router, and its metrics. */
async function agentIn(
  world: World,
  name: string,
  {
    registry = world.registry,
    ...signalOptions
  }: Partial<SignalProviderOptions> & { registry?: TrustRegistry } = {},
) {
  const { did, provider: signal } = await world.provider(name, signalOptions);
  const register = new Registry();
  const metrics = meshMetrics({ register, signal });
  const identity = await Identity.fromSeed(seedOf(name));
  const noise = new NoiseProvider({ identity, registry, onEvent: metrics.noise });
  const router = new SecureMeshRouter({
    providers: [noise, signal],
    upgradeMs: 0,
    observers: [metrics.router],
  });
  signal.onChannel((channel) => router.accept(channel));
  const listener = await noise.listen('tcp://127.0.0.1:0', (channel) => router.accept(channel));
  afterTest(async () => {
    await router.close();
    await listener.close();
    await noise.close();
  });
  const count = async (metric: string): Promise<number> => {
    const line = (await register.metrics()).split('\n').find((each) => each.startsWith(`mesh_${metric} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  const handshakes = (kind: string, outcome: string) =>
    count(`handshake_latency_ms_count{kind="${kind}",outcome="${outcome}"}`);
  const open = (protection: string) => count(`quantum_migration_status{protection="${protection}"}`);
  return { did, signal, router, address: listener.address, count, handshakes, open };
}

/** A directory that can be made to hand out nothing. */
function directoryOf(inner: PrekeyDirectory) {
  const state = { isDown: false };
  const directory: PrekeyDirectory = {
    publish: (...args) => inner.publish(...args),
    count: () => inner.count(),
    fetch: async (did) => {
      if (state.isDown) throw new Error('the directory is down');
      return inner.fetch(did);
    },
  };
  return { directory, state };
}

/** Where nobody listens. */
const NOWHERE = 'tcp://127.0.0.1:1';

test('every metric of the section observability counts what goes well and what fails, on both sides', async () => {
  const world = new World();
  const bob = await agentIn(world, 'bob');
  const aliceAgent = await world.agent('alice');
  const { directory, state } = directoryOf(world.directory.as(aliceAgent.did));
  const alice = await agentIn(world, 'alice', { agent: aliceAgent, directory });

  const channel = await alice.router.establishChannel(bob.did, { addresses: [bob.address] });
  await until('bob has it', async () => (await bob.open('classical')) === 1);
  expect([await alice.handshakes('noise', 'ok'), await bob.handshakes('noise', 'ok')]).toEqual([1, 1]);
  expect([await alice.open('classical'), await alice.open('hybrid')]).toEqual([1, 0]);

  const lasting = await alice.router.establishChannel(bob.did, { addresses: [NOWHERE], latency: 'any' });
  expect(lasting.kind).toBe('signal');
  expect(await alice.handshakes('signal', 'ok')).toBe(1);
  expect([await alice.open('classical'), await alice.open('hybrid')]).toEqual([1, 1]);
  await lasting.send(new Uint8Array(1));
  await world.post.deliver();
  await bob.signal.maintain();
  expect(await bob.count('prekey_utilization_percent')).toBe(10);
  world.now += 90_000;
  expect(await alice.count('ratchet_state_age_seconds')).toBe(90);

  await lasting.close();
  expect([await alice.open('classical'), await alice.open('hybrid')]).toEqual([1, 0]);
  await channel.close();
  await until('bob has none', async () => (await bob.open('classical')) === 0);
  expect(await alice.open('classical')).toBe(0);

  state.isDown = true;
  const carol = await agentIn(world, 'carol');
  await expect(alice.router.establishChannel(carol.did, { addresses: [NOWHERE] })).rejects.toThrow();
  expect(await alice.handshakes('signal', 'failed')).toBe(1);
  await expect(
    alice.router.establishChannel(carol.did, { addresses: [NOWHERE], only: ['noise'] }),
  ).rejects.toThrow();

  await world.registry.revoke(alice.did);
  await expect(alice.router.establishChannel(carol.did, { addresses: [carol.address] })).rejects.toThrow();
  await until('carol counts it', async () => (await carol.handshakes('noise', 'failed')) === 1);
  expect(await alice.handshakes('noise', 'failed')).toBeGreaterThanOrEqual(1);
});

test('a store that does not answer takes no other metric with it', async () => {
  const register = new Registry();
  const signal = { status: () => Promise.reject(new Error('down')) };
  const { noise } = meshMetrics({ register, signal });
  noise({ type: 'handshake', role: 'initiator', transport: 'tcp', outcome: 'failed', durationMs: 1 });
  const text = await register.metrics();
  expect(text).toContain('mesh_handshake_latency_ms_count{kind="noise",outcome="failed"} 1');
  expect(text).toContain('mesh_ratchet_state_age_seconds Nan');
  expect(text).toContain('mesh_prekey_utilization_percent Nan');
});
