import { afterEach, describe, expect, test } from '@jest/globals';
import type { Did } from '@private.me/xlink';
import type { VersionedRegistry } from '../../src/stores/versioned-registry.js';
import { identityOf } from '../support/agents.js';
import { idOf, thrownBy, unwrap } from '../support/results.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

// What is true of every registry in a database when the database, or the way to it, is in trouble.

/** A server that can be killed and comes back on the same port with what was written. */
export interface Mortal {
  readonly port: number;
  readonly running: boolean;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface Opened {
  readonly registry: VersionedRegistry;
  end(): Promise<void> | void;
}

export interface Limits {
  readonly timeoutMs: number;
  readonly heartbeatMs: number;
}

/** Opens one instance's registry over a port of 127.0.0.1, which is that of the server or of a proxy before it. */
export type Open = (port: number, limits: Limits) => Promise<Opened>;

const LIMITS: Limits = { timeoutMs: 600, heartbeatMs: 100 };
/** Of an instance that has no trouble, on a machine that may be busy. */
const PATIENT: Limits = { ...LIMITS, timeoutMs: 5000 };
/** What a busy machine may add to a time limit. */
const SLACK_MS = 1400;
/** How soon everything is well again once the server is. */
const RECOVERY_MS = 2000;

const [alice, bob] = (await Promise.all([identityOf('alice', 1), identityOf('bob', 1)])).map(
  ({ did }) => did,
);

/** `server` is asked for in each test. `open` has its own entries, the same for all tests of one suite. */
export function describeOutages(name: string, server: () => Mortal, open: Open): void {
  describe(`${name}: in trouble`, () => {
    const opened: Opened[] = [];
    afterEach(async () => {
      for (const { registry, end } of opened.splice(0)) {
        registry.close();
        await end();
      }
      if (!server().running) await server().restart(); // a test that failed does not take the next one with it
    }, 30_000);
    const openAt = async (port: number, limits = LIMITS): Promise<VersionedRegistry> => {
      const made = await open(port, limits);
      opened.push(made);
      return made.registry;
    };
    const isBack = (registry: VersionedRegistry) =>
      until(
        async () => {
          try {
            return (await registry.lookup(alice!))?.status === 'active';
          } catch {
            return false;
          }
        },
        { withinMs: RECOVERY_MS, what: 'the registry to be back' },
      );

    test('a server that was killed: everything is refused in time, and nothing is done late', async () => {
      const registry = await openAt(server().port);
      unwrap(await registry.add(alice!));
      await server().kill();
      await expectRefused(registry);
      await server().restart();
      await isBack(registry);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect((await registry.lookup(alice!))?.status).toBe('active'); // the revocation failed, and is not made up for
      expect(idOf(await registry.revoke(alice!))).toBe('ok');
    }, 30_000);

    test('a frozen network: everything is refused in time, and is well once the network is', async () => {
      const proxy = await TcpProxy.start(server().port);
      const registry = await openAt(proxy.port);
      unwrap(await registry.add(alice!));
      proxy.freeze();
      await expectRefused(registry, bob!);
      const started = performance.now();
      const flood = await Promise.allSettled(Array.from({ length: 3000 }, () => registry.lookup(alice!)));
      expect(new Set(flood.map(({ status }) => status))).toEqual(new Set(['rejected']));
      expect(performance.now() - started).toBeLessThan(LIMITS.timeoutMs + SLACK_MS);
      proxy.heal();
      await isBack(registry);
      await proxy.close();
    }, 30_000);

    test('a network that breaks connections', async () => {
      const proxy = await TcpProxy.start(server().port);
      const registry = await openAt(proxy.port);
      unwrap(await registry.add(alice!));
      proxy.cut();
      await expectRefused(registry);
      proxy.heal();
      await isBack(registry);
      await proxy.close();
    }, 30_000);

    for (const trouble of ['cut', 'freeze'] as const)
      test(`changes are heard of again after ${trouble}, and so is what happened meanwhile`, async () => {
        const proxy = await TcpProxy.start(server().port);
        const [listening, other] = [await openAt(proxy.port), await openAt(server().port, PATIENT)];
        unwrap(await other.add(alice!));
        expect(listening.changeFeed).toBe('off');
        const heard: (Did | undefined)[] = [];
        const stop = listening.onChange((did) => heard.push(did));
        await until(() => listening.changeFeed === 'live');
        expect(heard).toEqual([undefined]);
        unwrap(await other.revoke(alice!));
        await until(() => heard.includes(alice!), { withinMs: 1000 });

        proxy[trouble]();
        await until(() => listening.changeFeed === 'down');
        heard.length = 0;
        unwrap(await other.add(alice!));
        proxy.heal();
        await until(() => listening.changeFeed === 'live', { withinMs: RECOVERY_MS });
        // From the same connection, which was only late, or from a new one: anything may have changed.
        expect(heard.includes(alice!) || heard.includes(undefined)).toBe(true);
        heard.length = 0;
        unwrap(await other.revoke(alice!));
        await until(() => heard.includes(alice!), { withinMs: 1000 });

        stop();
        expect(listening.changeFeed).toBe('off');
        await proxy.close();
      }, 30_000);

    test('the connection for changes lives as long as somebody listens', async () => {
      const registry = await openAt(server().port);
      const isLive = () => until(() => registry.changeFeed === 'live');
      const [first, second] = [registry.onChange(() => {}), registry.onChange(() => {})];
      await isLive();
      first();
      first();
      expect(registry.changeFeed).toBe('live');
      second();
      expect(registry.changeFeed).toBe('off');

      const before = registry.onChange(() => {});
      registry.close();
      expect(registry.changeFeed).toBe('off');
      const after = registry.onChange(() => {});
      await isLive();
      before(); // of the time before it was closed
      expect(registry.changeFeed).toBe('live');
      after();
      expect(registry.changeFeed).toBe('off');
    });

    test('changes are heard of again after the server was killed', async () => {
      const registry = await openAt(server().port);
      const heard: (Did | undefined)[] = [];
      registry.onChange((did) => heard.push(did));
      await until(() => registry.changeFeed === 'live');
      await server().kill();
      await until(() => registry.changeFeed === 'down');
      heard.length = 0;
      await server().restart();
      await until(() => registry.changeFeed === 'live', { withinMs: RECOVERY_MS });
      expect(heard).toEqual([undefined]);
    }, 30_000);

    test('instances that change the same entry at once lose nothing', async () => {
      const doors = await Promise.all(Array.from({ length: 4 }, () => openAt(server().port)));
      const { did } = await identityOf('contended', 1);
      unwrap(await doors[0]!.register({ did, sendScopes: [] }));
      // Each change reads the whole entry and writes it back: without compare-and-set one would undo the other.
      const changes = doors.flatMap((door, at) =>
        Array.from({ length: 5 }, (_, turn) =>
          at % 2 === 0
            ? door.updateScopes(did, { scopes: [`${at}-${turn}`] })
            : door.updateScopes(did, { receiveScopes: [`${at}-${turn}`] }),
        ),
      );
      const ids = (await Promise.all(changes)).map(idOf);
      expect(ids).toEqual(Array(20).fill('ok'));
      const entry = await doors[0]!.lookup(did);
      expect(entry?.sendScopes?.[0]).toMatch(/^[02]-4$/);
      expect(entry?.receiveScopes?.[0]).toMatch(/^[13]-4$/);
    }, 30_000);
  });
}

/** Both a lookup and a change, in time and with the cause. `did` is whom the change concerns. */
async function expectRefused(registry: VersionedRegistry, did = alice!): Promise<void> {
  const limit = LIMITS.timeoutMs + SLACK_MS;
  const started = performance.now();
  const error = await thrownBy(() => registry.lookup(alice!));
  expect([error.id, messageOf(error.cause)]).toEqual(['LOOKUP_FAILED', expect.any(String)]);
  expect(performance.now() - started).toBeLessThan(limit);
  const restarted = performance.now();
  const result = await registry.revoke(did);
  expect([idOf(result), messageOf(result.error?.cause)]).toEqual(['REGISTRATION_FAILED', expect.any(String)]);
  expect(performance.now() - restarted).toBeLessThan(limit);
  expect((await thrownBy(() => registry.list())).id).toBe('LOOKUP_FAILED');
}

const messageOf = (cause: unknown) => (cause as Error | undefined)?.message;
