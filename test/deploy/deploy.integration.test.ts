import { connect as connectSocket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Connection, connect, requestBinding, xlinkAuthorization } from '@private.me/xlink';
import { PostgresClientStore } from '@private.me/xlink/postgres';
import pg from 'pg';
import { describeWith } from '../support/needs-program.js';
import { PrometheusServer } from '../support/prometheus-server.js';
import { unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import { Deployment, type Instance } from './deployment.js';
import { Load } from './load.js';

/** Callers of a real deployment reach it by https, at an address that is public. */
const LOOPBACK = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
const PROGRAMS = ['redis-server', 'redis-cli', 'initdb', 'postgres', 'nginx', 'prometheus'];

describeWith(PROGRAMS, 'the deployment: three instances behind nginx', () => {
  let deployment: Deployment;
  let instances: readonly Instance[];
  let apiKey: string;
  let caller: Connection;

  beforeAll(async () => {
    deployment = await Deployment.start();
    instances = deployment.instances;
    apiKey = await deployment.operate('add-customer', 'acme', 'orders:read', 'orders:write');
    caller = await enrolled();
  }, 120_000);

  afterAll(() => deployment?.stop());

  const scope = (request: Request) => (request.method === 'GET' ? 'orders:read' : 'orders:write');

  /** A new identity that was enrolled with the key, through nginx. */
  async function enrolled(): Promise<Connection> {
    const connection = unwrap(await connect(deployment.url, { apiKey, scope, ...LOOPBACK }));
    expect((await connection.fetch('/orders/1')).status).toBe(200);
    return connection;
  }

  const byKey = (number: number, url = deployment.url) =>
    fetch(`${url}/orders/${number}`, { headers: { 'X-API-Key': apiKey } });

  /** The headers of one signed GET. */
  async function signed(
    target: string,
    { agent, did }: Connection = caller,
  ): Promise<Record<string, string>> {
    const envelope = await agent.createRequest({
      to: did,
      scope: 'orders:read',
      request: requestBinding('GET', target),
      signedOnly: true,
    });
    return { Authorization: xlinkAuthorization(envelope) };
  }

  const refuses = (url: string) =>
    fetch(url).then(
      () => false,
      () => true,
    );

  const counted = async (instance: Instance, series: RegExp): Promise<number> => {
    const { text } = await instance.internal('/metrics');
    const values = text.split('\n').filter((line) => series.test(line));
    return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const ACCEPTED = /^xlink_requests_total\{.*outcome="accepted".*route="\/orders/;

  test('a caller is enrolled with its key, and sealed bodies get through like plain ones', async () => {
    const body = JSON.stringify({ product: 'tea' });
    const headers = { 'Content-Type': 'application/json' };
    const sealed = await caller.fetch('/orders', { method: 'POST', headers, body });
    expect([sealed.status, sealed.headers.get('xlink-sealed')]).toEqual([201, 'true']);
    expect(await sealed.json()).toEqual({ received: { product: 'tea' } });
    const plain = await fetch(`${deployment.url}/orders`, {
      method: 'POST',
      headers: { ...headers, 'X-API-Key': apiKey },
      body,
    });
    expect([plain.status, await plain.json()]).toEqual([201, { received: { product: 'tea' } }]);
    expect(await deployment.operate('callers')).toContain('active did:key:');
  });

  test('requests by key and by xLink are spread over all three, and Prometheus adds up what was sent', async () => {
    const targets = instances.map(({ internalPort }) => `127.0.0.1:${internalPort}`);
    const prometheus = await PrometheusServer.start({ targets: { 'xlink-app': targets } });
    try {
      const series = 'xlink_requests_total{outcome="accepted",route="/orders/:number"}';
      const totals = () => prometheus.query(`sum by (method) (${series})`);
      await prometheus.nextScrape('xlink-app');
      const before = await totals();
      for (let number = 0; number < 30; number++) {
        expect((await byKey(number)).status).toBe(200);
        expect((await caller.fetch(`/orders/${number}`)).status).toBe(200);
      }
      const after = () => totals();
      await prometheus.until('all requests to be counted', async () => {
        const { 'api-key': keys = 0, xlink = 0 } = await after();
        return keys - (before['api-key'] ?? 0) === 30 && xlink - (before['xlink'] ?? 0) === 30;
      });
      const byInstance = await prometheus.query(`sum by (method, instance) (${series})`);
      expect(Object.keys(byInstance)).toHaveLength(6);
      expect(Math.min(...Object.values(byInstance))).toBeGreaterThan(3);
    } finally {
      await prometheus.stop();
    }
  }, 60_000);

  test('what one instance took is a replay at every other one', async () => {
    const headers = await signed('/orders/7');
    const statuses = [];
    for (const { url } of [instances[0]!, ...instances, deployment])
      statuses.push((await fetch(`${url}/orders/7`, { headers })).status);
    expect(statuses).toEqual([200, 409, 409, 409, 409]);
  });

  test('copies that arrive everywhere at the same moment are one request', async () => {
    for (let round = 0; round < 10; round++) {
      const headers = await signed(`/orders/${round}`);
      const answers = await Promise.all(
        [...instances, ...instances].map(({ url }) => fetch(`${url}/orders/${round}`, { headers })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    }
  });

  test('nothing but the API is public: neither figures nor pages nor health', async () => {
    for (const path of [
      '/metrics',
      '/dashboard',
      '/dashboard/',
      '/healthz',
      '/readyz',
      '//metrics',
      '/%6detrics',
    ]) {
      const answer = await fetch(deployment.url + path); // a 401 would be the app's
      expect([path, answer.status]).toEqual([path, 404]);
    }
    const page = await instances[0]!.internal('/dashboard/');
    expect(page.status).toBe(401);
  });

  test('an envelope of 20 KiB in a header gets through nginx and Node, whoever judges it then', async () => {
    const headers = { Authorization: `Xlink ${'A'.repeat(20_000)}` };
    const answer = await fetch(`${deployment.url}/orders/1`, { headers });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.status).toBe(400);
  });

  test('a body may be as large as the app allows, and no larger', async () => {
    const post = async (bytes: number) => {
      const body = `["${'x'.repeat(bytes - 4)}"]`;
      const headers = { 'Content-Type': 'application/json', 'X-API-Key': apiKey };
      return (await fetch(`${deployment.url}/orders`, { method: 'POST', headers, body })).status;
    };
    expect([await post(2 ** 20), await post(2 ** 20 + 1)]).toEqual([201, 413]);
  });

  test('a caller that is revoked is cut off everywhere, warm or not, and nobody else is', async () => {
    const other = await enrolled();
    const { did } = other.agent;
    const statusAt = async ({ url }: Instance) =>
      (await fetch(`${url}/orders/1`, { headers: await signed('/orders/1', other) })).status;
    for (const instance of instances) expect(await statusAt(instance)).toBe(200);

    await deployment.operate('revoke', did);
    const revokedAt = performance.now();
    await until(async () => {
      const statuses = await Promise.all(instances.map(statusAt));
      return statuses.every((status) => status !== 200);
    });
    const ms = performance.now() - revokedAt;
    console.log(`revoked on all three within ${Math.round(ms)} ms of the answer to the operator`);
    expect(ms).toBeLessThan(2000);
    expect((await caller.fetch('/orders/1')).status).toBe(200);
  }, 30_000);

  test('the mode is changed once, and all instances follow', async () => {
    const modes = () =>
      Promise.all(
        instances.map(async ({ url }) => {
          const { mode } = (await (await fetch(`${url}/.well-known/xlink.json`)).json()) as { mode: string };
          return mode;
        }),
      );
    expect(await modes()).toEqual(['hybrid', 'hybrid', 'hybrid']);
    for (const [mode, status] of [
      ['xlink-only', 401],
      ['hybrid', 200],
    ] as const) {
      await deployment.operate('mode', mode, 'a', 'test');
      const changedAt = performance.now();
      await until(async () => (await modes()).every((one) => one === mode));
      console.log(`${mode} on all three within ${Math.round(performance.now() - changedAt)} ms`);
      for (const { url } of instances) expect((await byKey(1, url)).status).toBe(status);
    }
    expect(JSON.parse(await deployment.operate('mode'))).toMatchObject({ mode: 'hybrid', reason: 'a test' });
    await expect(deployment.operate('mode', 'open', 'typo')).rejects.toThrow('A mode is one of');
  }, 30_000);

  test('Redis goes: not ready, envelopes are refused and keys are not; Redis is back: all as before', async () => {
    const replayed = await signed('/orders/5');
    expect((await fetch(`${deployment.url}/orders/5`, { headers: replayed })).status).toBe(200);
    await deployment.redis.kill();
    for (const instance of instances) {
      await until(async () => (await instance.health())['status'] === 503);
      expect(await instance.health()).toMatchObject({ ready: false, redis: 'down', postgres: 'up' });
      expect((await instance.internal('/healthz')).status).toBe(200);
    }
    expect((await byKey(1)).status).toBe(200);
    await expect(caller.fetch('/orders/1')).rejects.toMatchObject({
      id: 'ANSWER_INVALID:NOT_SEALED', // what claimed no nonce is refused unsigned
      cause: { code: 'NONCE_STORE_UNAVAILABLE' },
    });

    await deployment.redis.restart();
    for (const instance of instances) await until(async () => (await instance.health()).ready === true);
    expect((await caller.fetch('/orders/1')).status).toBe(200);
    expect((await fetch(`${deployment.url}/orders/5`, { headers: replayed })).status).toBe(409);
  }, 60_000);

  test('PostgreSQL goes: callers that are in memory go on, keys cannot be looked up; it is back: all as before', async () => {
    for (const { url } of instances)
      expect((await fetch(`${url}/orders/6`, { headers: await signed('/orders/6') })).status).toBe(200);
    await deployment.postgres.kill();
    for (const instance of instances) {
      expect(await instance.health()).toMatchObject({ ready: false, redis: 'up', postgres: 'down' });
      expect((await fetch(`${instance.url}/orders/6`, { headers: await signed('/orders/6') })).status).toBe(
        200,
      );
      expect((await byKey(1, instance.url)).status).toBe(503);
    }
    await deployment.postgres.restart();
    for (const instance of instances) {
      await until(async () => (await instance.health())['ready'] === true);
      await until(async () => (await byKey(1, instance.url)).status === 200);
    }
  }, 60_000);

  test('[E21] a request that is under way when its instance is told to stop, and told again, is finished and counted', async () => {
    const slowKey = await deployment.operate('add-customer', 'slow', 'orders:write');
    const leaving = instances[2]!;
    const socket = connectSocket(leaving.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk));
    const body = '{"slow":true}';
    const headers = `Host: api\r\nX-API-Key: ${slowKey}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    socket.write(`POST /orders HTTP/1.1\r\n${headers}\r\n\r\n${body.slice(0, 5)}`);
    const end = leaving.leave();
    await until(async () => (await leaving.health())['stopping'] === true);
    leaving.signal('SIGTERM'); // supervisors get impatient
    leaving.signal('SIGINT');
    await until(() => refuses(leaving.url));
    socket.write(body.slice(5));
    const { code, ms } = await end;
    expect(answer).toMatch(/^HTTP\/1.1 201 /);
    expect([code, ms < 10_000]).toEqual([0, true]);
    const pool = new pg.Pool(deployment.postgres.connection);
    expect(await new PostgresClientStore({ pool }).get('slow')).toMatchObject({ keyRequests: 1 });
    await pool.end();
    await leaving.start();
  }, 60_000);

  test('all three are replaced under load, one after the other, and no request fails', async () => {
    const load = Load.start({ url: deployment.url, apiKey, caller });
    for (const instance of instances) {
      expect(await instance.leave()).toMatchObject({ code: 0 });
      await instance.start();
      // nginx leaves it alone for a while yet; the next one goes when this one has its share again.
      await until(async () => (await counted(instance, ACCEPTED)) > 5, { withinMs: 20_000 });
    }
    const { answers, errors } = await load.stop();
    console.log(`answers while all three were replaced: ${JSON.stringify(answers)}`);
    expect(errors).toEqual([]);
    expect(Object.keys(answers).sort()).toEqual(['key 200', 'xlink 200', 'xlink 201']);
    expect(Math.min(...Object.values(answers))).toBeGreaterThan(50);
  }, 120_000);

  test('an instance dies: what it had in hand is lost at most, and the others serve', async () => {
    const load = Load.start({ url: deployment.url, apiKey, caller });
    const [instance, other] = instances;
    await until(async () => (await counted(instance!, ACCEPTED)) > 5, { withinMs: 20_000 });
    await instance!.kill();
    const before = await counted(other!, ACCEPTED);
    await until(async () => (await counted(other!, ACCEPTED)) > before + 100, { withinMs: 20_000 });
    await instance!.start();
    await until(async () => (await counted(instance!, ACCEPTED)) > 5, { withinMs: 20_000 });
    const { answers, errors } = await load.stop();
    console.log(`answers while one died: ${JSON.stringify(answers)}`);
    expect(errors).toEqual([]);
    const lost = Object.entries(answers).filter(([answer]) => !/ 20[01]$/.test(answer));
    expect(lost.map(([answer]) => answer).filter((answer) => !answer.endsWith(' 502'))).toEqual([]);
    expect(lost.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(20); // six are under way at a time
  }, 120_000);

  test('what is wrong with the environment is said at the start, all at once and without secrets', async () => {
    const [instance] = instances;
    await instance!.leave();
    const child = instance!.launch({
      REDIS_URL: 'redis://:a-secret-password@127.0.0.1:1',
      POSTGRES_URL: 'mysql://127.0.0.1',
      IDENTITY_FILE: '/nowhere/at/all',
      MODE: 'open',
      DRAIN_MS: '60000',
      REDIS_TIMEOUT_MS: 'soon',
      PORT: undefined,
    });
    await until(() => child.exitCode !== null, { withinMs: 20_000 });
    expect(child.exitCode).toBe(1);
    for (const name of [
      'REDIS_URL',
      'POSTGRES_URL',
      'IDENTITY_FILE',
      'MODE',
      'DRAIN_MS',
      'REDIS_TIMEOUT_MS',
      'PORT',
    ])
      expect(instance!.output).toContain(`${name}: `);
    expect(instance!.output).not.toContain('a-secret-password');
    await instance!.start();
    for (const one of instances) expect(one.output).not.toContain(apiKey);
  }, 60_000);
});
