// Instances of one service that say different things for a while: a mode was changed at one, or a build is being rolled out.
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  connect,
  type DualModeOptions,
  fileIdentity,
  MemoryClientStore,
  MemoryNonceStore,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { type FrozenClock, frozenClock, MINUTE, SECOND } from '../support/clock.js';
import { unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { type ApiService, fetchFor, idOfRejection, KEY, LOCAL, serveApi } from './support.js';

const ORIGIN = 'http://127.0.0.1:1';
const HOSTS = ['127.0.0.1:1'];
const DOCUMENT = '/.well-known/xlink.json';

interface Pair {
  readonly clock: FrozenClock;
  /** Where the caller's identity is kept. */
  readonly path: string;
  readonly instances: readonly ApiService[];
  /** A client as after a restart, whose requests go to one instance. */
  restarted(at: number, options?: object): typeof fetch;
  /** Documents that were asked for at an instance. */
  asked(at: number): string[];
}

const toInstance =
  ({ url }: ApiService): typeof fetch =>
  (input, init) => {
    const { pathname, search } = new URL(String(input));
    return fetch(url + pathname + search, init);
  };

async function twoInstances(options: Partial<DualModeOptions> = {}, aheadMs = 0): Promise<Pair> {
  const clock = frozenClock();
  const pkcs8 = (await identityOf('api')).exportPKCS8();
  const clients = new MemoryClientStore();
  const registry = new MemoryTrustRegistry();
  const path = join(await temporaryFolder(), 'caller.der');
  const one = async (ms: number) => {
    const own = () => clock() + ms;
    const agent = unwrap(
      await Agent.importIdentity({
        pkcs8,
        clock: own,
        registry,
        nonceStore: new MemoryNonceStore({ clock: own, coldStart: 'accept' }),
      }),
    );
    return serveApi({ agent, clock: own, clients, hosts: HOSTS, instances: 1, ...options });
  };
  const instances = [await one(0), await one(aheadMs)];
  return {
    clock,
    path,
    instances,
    restarted: (at, more = {}) => {
      return fetchFor(ORIGIN, {
        identity: fileIdentity(path),
        clock,
        fetch: toInstance(instances[at]!),
        ...more,
      });
    },
    asked: (at) => instances[at]!.seen.map(({ path }) => path).filter((path) => path.startsWith(DOCUMENT)),
  };
}

/** Both have signed, and the second one says something newer to a client that asks it. */
async function different(aheadMs = 0): Promise<Pair> {
  const pair = await twoInstances({}, aheadMs);
  const { clock, instances, restarted } = pair;
  for (const at of [0, 1]) expect((await restarted(at)('/a')).status).toBe(200);
  clock.advance(MINUTE);
  instances[1]!.adapter.setMode('xlink-only');
  expect((await restarted(1)('/b')).status).toBe(200);
  for (const { seen } of instances) seen.length = 0;
  return pair;
}

describe('a client that knows a newer document than an instance shows', () => {
  test('asks once more, and is shown one that was signed since', async () => {
    const { clock, restarted, asked } = await different();
    const known = clock();
    expect((await restarted(0)('/c')).status).toBe(200);
    expect(asked(0)).toEqual([DOCUMENT, `${DOCUMENT}?issuedSince=${known}`]);
    expect((await restarted(1)('/d')).status).toBe(200); // and back again
  });

  test.each([9 * SECOND, -9 * SECOND])(
    'also where the clock of one instance is %d ms ahead of the other',
    async (ms) => {
      const { clock, restarted } = await different(ms);
      for (const at of [0, 1, 0, 1]) {
        expect((await restarted(at)('/c')).status).toBe(200);
        clock.advance(2 * SECOND);
      }
    },
  );

  test('does so for many clients by one signature a second', async () => {
    const { clock, instances, restarted } = await different();
    const { agent } = instances[0]!;
    const sign = agent.signDiscovery.bind(agent);
    let signatures = 0;
    Object.assign(agent, {
      signDiscovery: (document: never) => {
        signatures += 1;
        return sign(document);
      },
    });
    const ask = (since: number | string) => fetch(`${instances[0]!.url}${DOCUMENT}?issuedSince=${since}`);
    for (let at = 0; at < 20; at++) await (await restarted(0)(`/${at}`)).text();
    const issuedAt = async (since: number | string) =>
      ((await (await ask(since)).json()) as { issuedAt: number }).issuedAt;
    const unplausible = ['', '-1', 'a', '9'.repeat(17), '9'.repeat(16), clock() + 10 * SECOND];
    for (const since of [clock() - 1, clock(), ...unplausible]) await issuedAt(since);
    expect(signatures).toBe(1);
    // Who spends the next one on an early time, or moves it ahead, keeps nobody from a newer one.
    await issuedAt(await issuedAt('')); // the second begins here, however long those before have taken
    expect(signatures).toBe(2);
    const known = [clock() + 5 * SECOND, clock() + 9 * SECOND, clock() + 7 * SECOND];
    const issued = await Promise.all(known.map(issuedAt));
    expect(issued).toEqual([issued[0], issued[0], issued[0]]);
    expect(issued[0]).toBe(clock() + 9 * SECOND + 1);
    expect(signatures).toBe(3);
  });

  test('connects to it, too', async () => {
    const { restarted, clock, path, instances } = await different();
    const connected = await connect(ORIGIN, {
      ...LOCAL,
      ...{ clock, identity: fileIdentity(path), fetch: toInstance(instances[0]!) },
    });
    expect(unwrap(connected).mode).toBe('hybrid');
    expect((await restarted(1)('/d')).status).toBe(200);
  });

  test('takes nothing older from one who only replays', async () => {
    const { instances, restarted } = await different();
    const old = await fetch(instances[0]!.url + DOCUMENT);
    const text = await old.text();
    const replayed: typeof fetch = async () =>
      new Response(text, { headers: { 'Content-Type': 'application/json' } });
    expect(await idOfRejection(restarted(0, { fetch: replayed, apiKey: KEY })('/c'))).toBe(
      'DISCOVERY_FAILED:ROLLED_BACK',
    );
  });
});
