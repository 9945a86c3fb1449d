import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import { METRICS } from '@private.me/xlink/metrics';
import { BuiltPackage } from '../support/built-package.js';
import { type Sent, sealedRequest, send, signedRequest, withKey } from '../support/http.js';
import { unwrap } from '../support/results.js';
import { advice, NO_CLIENTS } from './support.js';

interface Worker {
  readonly id: number;
  readonly port: number;
}

/** What each worker gets. */
interface Share {
  readonly keys: number;
  readonly wrongKeys: number;
  readonly sealed: number;
  readonly signed: number;
}

const SHARES: readonly Share[] = [
  { keys: 1, wrongKeys: 2, sealed: 3, signed: 4 },
  { keys: 12, wrongKeys: 0, sealed: 1, signed: 0 },
  { keys: 7, wrongKeys: 5, sealed: 0, signed: 9 },
];
const total = (what: keyof Share): number => SHARES.reduce((sum, share) => sum + share[what], 0);

describe('a cluster of three workers', () => {
  let built: BuiltPackage;
  let app: ChildProcess;
  let metricsPort: number;
  const workers: Worker[] = [];

  /** The next message of the primary. */
  const message = async <T>(): Promise<T> => (await once(app, 'message'))[0] as T;
  const ask = <T>(request: object): Promise<T> => {
    const answer = message<T>();
    app.send(request);
    return answer;
  };
  const scrape = () => send(metricsPort, { path: '/metrics' });
  const linesOf = async (name: string): Promise<string[]> =>
    (await scrape()).text
      .split('\n')
      .filter((line) => new RegExp(`^${name}(_bucket|_count|_sum)?[ {]`).test(line))
      .map((line) => line.slice(name.length))
      .sort();

  beforeAll(async () => {
    built = new BuiltPackage();
    app = fork(built.program(new URL('cluster-app.mjs', import.meta.url)), {
      execArgv: [],
      stdio: 'inherit',
    });
    ({ port: metricsPort } = await message<{ port: number }>());
    for (const _ of SHARES) workers.push(await ask<Worker>({ fork: 'worker' }));
  }, 60_000);

  afterAll(async () => {
    if (app?.connected) {
      const ended = once(app, 'exit');
      app.disconnect(); // the primary ends, and with it its workers
      const hurry = setTimeout(() => app.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(hurry);
    }
    built?.remove();
  });

  test('has the exact sums of real traffic at the primary', async () => {
    const { api, caller } = await parties();
    for (const [index, { keys, wrongKeys, sealed, signed }] of SHARES.entries()) {
      const to = workers[index]!.port;
      const times = async (count: number, status: number, sent: () => Sent | Promise<Sent>) => {
        for (let i = 0; i < count; i++) expect((await send(to, await sent())).status).toBe(status);
      };
      await times(keys, 200, () => withKey({}, `good-client${index}`));
      await times(wrongKeys, 401, () => withKey({}, 'wrong-key-of-somebody'));
      await times(sealed, 200, () => sealedRequest({ api, caller }));
      await times(signed, 200, () => signedRequest({ api, caller }));
    }

    const answer = await scrape();
    expect([answer.status, answer.headers['content-type']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    const accepted = 'outcome="accepted",reason="ok",mode="hybrid",route="/orders"';
    expect(await linesOf(METRICS.requests.name)).toEqual([
      `{method="api-key",${accepted}} ${total('keys')}`,
      `{method="api-key",outcome="refused",reason="API_KEY_INVALID",mode="hybrid",route="unmatched"} ${total('wrongKeys')}`,
      `{method="xlink",${accepted}} ${total('sealed') + total('signed')}`,
    ]);
    expect(await linesOf(METRICS.envelopes.name)).toEqual([
      `{version="2",form="sealed"} ${total('sealed')}`,
      `{version="2",form="signed"} ${total('signed')}`,
    ]);
    const durations = await linesOf(METRICS.duration.name);
    expect(durations).toContain(`_count{method="api-key"} ${total('keys') + total('wrongKeys')}`);
    expect(durations).toContain(`_bucket{le="+Inf",method="xlink"} ${total('sealed') + total('signed')}`);
    const clients = await linesOf(METRICS.clientRequests.name);
    for (const [index, { keys }] of SHARES.entries())
      expect(clients).toContain(`{client="client${index}",method="api-key",outcome="accepted"} ${keys}`);
  }, 30_000);

  test('puts gauges together by their aggregator, not as sums', async () => {
    const shares = SHARES.map(({ keys, sealed, signed }) => (sealed + signed) / (keys + sealed + signed));
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const value = async (name: string) => (await linesOf(name)).map(Number);
    expect(await value(METRICS.adoption.name)).toEqual([expect.closeTo(mean, 9)]);
    expect(await value(METRICS.adoptionPct.name)).toEqual([expect.closeTo(mean * 100, 9)]);
    expect(await value(METRICS.sunset.name)).toEqual([Date.UTC(2100, 0, 1) / 1000]);
    const modes = { deprecation: 0, hybrid: 1, observe: 0, 'xlink-only': 0 };
    const lines = Object.entries(modes).map(([mode, is]) => `{mode="${mode}"} ${is}`);
    expect(await linesOf(METRICS.mode.name)).toEqual(lines);

    // A plan runs in one worker, or in several that are not equally up to date.
    const found = [advice({ blockers: 5, clients: { ...NO_CLIENTS, moved: 3 } }), advice({ blockers: 2 })];
    for (const [index, event] of found.entries())
      await ask({ tell: workers[index]!.id, message: { advice: event } });
    expect(await value(METRICS.gateBlockers.name)).toEqual([5]);
    expect(await linesOf(METRICS.nextGate.name)).toEqual(['{to="deprecation",direction="forward"} 0']);
    expect(await linesOf(METRICS.clients.name)).toContain('{state="moved"} 3');
  }, 30_000);

  test('shows both modes while not all workers have the new one', async () => {
    const on = async () => (await linesOf(METRICS.mode.name)).filter((line) => line.endsWith(' 1'));
    await ask({ tell: workers[0]!.id, message: { mode: 'deprecation' } });
    expect(await on()).toEqual(['{mode="deprecation"} 1', '{mode="hybrid"} 1']);
    for (const { id } of workers.slice(1)) await ask({ tell: id, message: { mode: 'deprecation' } });
    expect(await on()).toEqual(['{mode="deprecation"} 1']);
  }, 30_000);

  test('gets no metrics at all once a single worker has no AggregatorRegistry', async () => {
    await ask<Worker>({ fork: 'careless' });
    const { status, text } = await scrape();
    expect([status, text]).toEqual([503, 'Operation timed out.']);
  }, 30_000);
});

/** The agents that the workers know, by the same seeds. */
async function parties() {
  const registry = new MemoryTrustRegistry();
  const agentOf = async (name: string) =>
    unwrap(await Agent.fromSeed({ seed: new Uint8Array(32).fill(name.length), name, registry }));
  return { api: await agentOf('api'), caller: await agentOf('caller') };
}
