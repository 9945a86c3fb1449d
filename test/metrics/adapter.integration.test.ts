import { describe, expect, test } from '@jest/globals';
import { ERROR_TABLE } from '@private.me/xlink';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import { FRAMEWORKS, type Mounted } from '../support/express.js';
import { json, ORDER, PREFLIGHT, sealedRequest, signedRequest, withKey } from '../support/http.js';
import { World } from '../support/world.js';

const linesOf = async (register: Registry, name: string): Promise<string[]> =>
  (await register.getSingleMetricAsString(name))
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.slice(name.length))
    .sort();

const modesOf = async (register: Registry) =>
  Object.fromEntries(
    (await register.getSingleMetric(METRICS.mode.name)!.get()).values.map(({ labels, value }) => [
      labels.mode,
      value,
    ]),
  );

describe.each(FRAMEWORKS)('$name: an adapter with prometheusMetrics as its observer', ({ express }) => {
  const setup = async (mount?: (parts: Mounted) => void) => {
    const register = new Registry();
    const known = await World.withCaller();
    const options = { observers: [prometheusMetrics({ register })] };
    const service = await known.serve({ express, ...options, ...(mount ? { mount } : {}) });
    return { register, known, service };
  };
  const routes = ({ app, express: make, adapter, handler }: Mounted) => {
    const admin = make.Router({ mergeParams: true }).get('/users/:id', handler);
    app.use(adapter.middleware());
    app.use('/t/:tenant', admin);
    app.post('/orders', handler);
    app.get('/orders/:id', handler);
    app.get(/^\/files\/.*$/, handler);
    app.use((_req, res) => void res.status(404).end());
  };

  test('counts each request once, by method, outcome, reason, mode and route template', async () => {
    const { register, known, service } = await setup(routes);
    const replayed = await signedRequest(known, { path: '/orders/7' });
    for (const sent of [
      withKey(json(ORDER)),
      await sealedRequest(known),
      await sealedRequest(known),
      replayed,
      replayed,
      withKey({ path: '/orders/8?full=1' }),
      withKey({ path: '/orders/9' }),
      withKey({ path: '/t/acme/users/u7' }),
      withKey({ path: '/files/a/b.pdf' }),
      withKey({ path: '/nowhere' }),
      withKey({ path: '/orders/7' }, 'wrong-key-of-somebody'),
      { path: '/orders/7' },
      { ...PREFLIGHT, path: '/orders/7' },
    ]) {
      await service.send(sent);
    }
    await service.quiet();
    service.adapter.setMode('xlink-only');
    await service.send(withKey({ path: '/orders/7' }));
    await service.quiet();

    const accepted = (method: string, route: string, count: number) =>
      `{method="${method}",outcome="accepted",reason="ok",mode="hybrid",route="${route}"} ${count}`;
    const refused = (method: string, reason: string, mode = 'hybrid') =>
      `{method="${method}",outcome="refused",reason="${reason}",mode="${mode}",route="unmatched"} 1`;
    expect(await linesOf(register, METRICS.requests.name)).toEqual(
      [
        accepted('api-key', '/orders', 1),
        accepted('xlink', '/orders', 2),
        accepted('xlink', '/orders/:id', 1),
        accepted('api-key', '/orders/:id', 2),
        accepted('api-key', '/t/:tenant/users/:id', 1),
        accepted('api-key', '/^\\\\/files\\\\/.*$/', 1),
        accepted('api-key', 'unmatched', 1),
        refused('xlink', 'REPLAY_DETECTED'),
        refused('api-key', 'API_KEY_INVALID'),
        refused('none', 'CREDENTIALS_MISSING'),
        refused('api-key', 'XLINK_REQUIRED', 'xlink-only'),
      ].sort(),
    );
    expect(await linesOf(register, METRICS.envelopes.name)).toEqual([
      '{version="2",form="sealed"} 2',
      '{version="2",form="signed"} 1',
    ]);
    const { values } = await register.getSingleMetric(METRICS.duration.name)!.get();
    const counts = values.filter((value) => Reflect.get(value, 'metricName')?.endsWith('_count'));
    expect(Object.fromEntries(counts.map(({ labels, value }) => [labels.method, value]))).toEqual({
      'api-key': 8,
      xlink: 4,
      none: 1,
    });
    expect(await linesOf(register, METRICS.adoption.name)).toEqual([` ${3 / 9}`]);
  });

  test('says its mode from the start, and the new one after setMode', async () => {
    const { register, service } = await setup();
    expect(await modesOf(register)).toEqual({ observe: 0, hybrid: 1, deprecation: 0, 'xlink-only': 0 });
    service.adapter.setMode('deprecation');
    expect(await modesOf(register)).toEqual({ observe: 0, hybrid: 0, deprecation: 1, 'xlink-only': 0 });
    service.adapter.setMode('hybrid');
    expect(await modesOf(register)).toEqual({ observe: 0, hybrid: 1, deprecation: 0, 'xlink-only': 0 });
  });

  test('counts what it only observed, and why', async () => {
    const { register, known, service } = await setup();
    service.adapter.setMode('observe');
    await service.send(withKey(await signedRequest(known)));
    await service.send(withKey({ ...(await signedRequest(known)), path: '/elsewhere' }));
    await service.quiet();
    expect(await linesOf(register, METRICS.observed.name)).toEqual([
      '{reason="REQUEST_BINDING_MISMATCH"} 1',
      '{reason="ok"} 1',
    ]);
    expect(await linesOf(register, METRICS.envelopes.name)).toEqual([]);
    expect(await linesOf(register, METRICS.adoption.name)).toEqual([' 0']);
  });

  test('two adapters share one registry', async () => {
    const register = new Registry();
    const known = await World.withCaller();
    const options = () => ({ observers: [prometheusMetrics({ register })] });
    const first = await known.serve({ express, ...options() });
    const second = await known.serve({ express, ...options() });
    await first.send(withKey());
    await second.send(withKey());
    await second.send(await signedRequest(known));
    await Promise.all([first.quiet(), second.quiet()]);
    const base = 'outcome="accepted",reason="ok",mode="hybrid",route="unmatched"';
    expect(await linesOf(register, METRICS.requests.name)).toEqual([
      `{method="api-key",${base}} 2`,
      `{method="xlink",${base}} 1`,
    ]);
    expect(await linesOf(register, METRICS.adoption.name)).toEqual([` ${1 / 3}`]);
  });

  test('an adapter on single routes names the route in refusals too', async () => {
    const { register, service } = await setup(({ app, adapter, handler }) => {
      app.get('/orders/:id', adapter.middleware(), handler);
    });
    await service.send({ path: '/orders/7' });
    await service.quiet();
    const [line] = await linesOf(register, METRICS.requests.name);
    expect(line).toContain('reason="CREDENTIALS_MISSING",mode="hybrid",route="/orders/:id"');
  });

  test('every reason it can give is of the table of errors', async () => {
    const { register, known, service } = await setup();
    for (const sent of [
      {},
      withKey({}, 'wrong-key-of-somebody'),
      { ...(await signedRequest(known)), path: '/x' },
    ])
      await service.send(sent);
    await service.quiet();
    const { values } = await register.getSingleMetric(METRICS.requests.name)!.get();
    expect(values).toHaveLength(3);
    for (const { labels } of values) expect(Object.keys(ERROR_TABLE)).toContain(labels.reason);
  });
});
