import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { formatShadowReport, Xfuse } from '../src/index.js';
import {
  afterTest,
  idOfFailure,
  json,
  KEY,
  keyApi,
  listen,
  openBridge,
  textOf,
  xlinkApi,
} from './support.js';

const order = (request: { readonly url?: string | undefined }) => ({
  id: request.url?.split('/').at(-1),
  total: 12,
  at: 'now',
});

describe('an API with keys on one side, one behind an adapter on the other', () => {
  test('a read is mirrored: the legacy answer comes back, and both are compared', async () => {
    const legacy = await keyApi((request, response) => json(response, order(request)));
    const modern = await xlinkApi((request, response) => void response.json(order(request)));
    const { bridge } = await openBridge({
      legacy: { endpoint: legacy.url, apiKey: KEY },
      modern: { endpoint: modern.url, apiKey: KEY },
      mode: 'mirror',
    });
    const answer = await bridge.fetch('/orders/17');
    expect(bridge.sideOf(answer)).toBe('legacy');
    expect(await answer.json()).toEqual({ id: '17', total: 12, at: 'now' });
    expect(await bridge.comparisonOf(answer)).toMatchObject({
      outcome: 'same',
      route: 'GET /orders/:id',
      body: 'json',
    });
    expect(modern.seen[0]).toMatchObject({ auth: { mode: 'xlink' } });
  });

  test('callers move over by share, and each stays where it is', async () => {
    const legacy = await keyApi((_request, response) => json(response, { side: 'legacy' }));
    const modern = await xlinkApi((_request, response) => void response.json({ side: 'modern' }));
    const { bridge, events } = await openBridge({
      legacy: { endpoint: legacy.url, apiKey: KEY },
      modern: { endpoint: modern.url, apiKey: KEY, timeoutMs: 55_000 },
    });
    const sides = async () => {
      const callers = Array.from({ length: 60 }, (_, at) => `caller-${at}`);
      const answers = await Promise.all(callers.map((caller) => bridge.send({ caller })));
      expect(answers.every(({ side, body }) => (body as { side: string }).side === side)).toBe(true);
      return new Set(callers.filter((_, at) => answers[at]!.side === 'modern'));
    };
    const shares: Set<string>[] = [];
    for (const aci of [0, 0.25, 0.5, 1]) {
      bridge.setTrafficRatio({ aci, api: 1 - aci });
      shares.push(await sides());
    }
    const [none, quarter, half, all] = shares as [Set<string>, Set<string>, Set<string>, Set<string>];
    expect([none.size, all.size]).toEqual([0, 60]);
    expect(quarter.size).toBeGreaterThan(5);
    expect(quarter.size).toBeLessThan(28);
    expect(half.size).toBeGreaterThan(quarter.size);
    expect([...quarter].every((caller) => half.has(caller))).toBe(true);
    expect(await sides()).toEqual(all);
    expect(events.filter(({ type }) => type === 'ratio')).toHaveLength(3);
  });

  test('the four steps of a migration, with the agent of the application', async () => {
    const legacy = await keyApi(async (request, response) =>
      json(response, { done: JSON.parse(await textOf(request)).action }),
    );
    const modern = await xlinkApi((request, response) => void response.json({ done: request.body.action }));
    const xlinkAgent = await Agent.quickstart({ name: 'caller' });
    const bridge = await Xfuse.create({
      legacy: { apiKey: KEY, endpoint: legacy.url },
      modern: { agent: xlinkAgent, endpoint: modern.url, apiKey: KEY },
    });
    afterTest(() => bridge.close());
    const payload = { action: 'transfer', amount: 100 };
    const result = await bridge.send({ mode: 'mirror', payload });
    expect(result).toMatchObject({ status: 200, body: { done: 'transfer' }, side: 'legacy' });
    expect(await result.compared).toMatchObject({ outcome: 'not-mirrored', reason: 'write-without-key' });
    expect(modern.seen).toHaveLength(0);

    const keyed = await bridge.send({ mode: 'mirror', payload, idempotencyKey: 'transfer-1' });
    expect(await keyed.compared).toMatchObject({ outcome: 'same' });
    expect(modern.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['transfer-1']);

    bridge.setTrafficRatio({ aci: 0.5, api: 0.5 });
    expect(bridge.trafficRatio).toEqual({ aci: 0.5, api: 0.5 });
    bridge.setTrafficRatio({ aci: 1.0, api: 0.0 });
    const last = await bridge.send({ payload });
    expect(last).toMatchObject({ side: 'modern', body: { done: 'transfer' } });
  });
});

test('a write goes to its dry run on the modern side, and never to the write itself', async () => {
  const legacy = await keyApi((_request, response) => json(response, { ok: true }));
  const paths: string[] = [];
  const modern = await listen((request, response) => {
    paths.push(`${request.method} ${request.url}`);
    json(response, { ok: true });
  });
  const { bridge } = await openBridge({
    legacy: { endpoint: legacy.url, apiKey: KEY },
    modern: { endpoint: modern, fetch, dryRun: { '/transfer': '/transfer/preview' } },
    mode: 'mirror',
  });
  const { compared } = await bridge.send({ path: '/transfer?to=2', payload: { amount: 1 } });
  expect(await compared).toMatchObject({ outcome: 'same' });
  expect(paths).toEqual(['POST /transfer/preview?to=2']);
});

test('differences are named without what they hold; what does not count is left out', async () => {
  const person = { name: 'Ada Lovelace', iban: 'DE02120300000000202051', requestId: 'a' };
  const legacy = await keyApi((_request, response) =>
    json(response, { person, items: [{ price: 12 }, { price: 7 }], state: 'open', 'ada@example.com': 1 }),
  );
  const modern = await listen((_request, response) =>
    json(
      response,
      {
        person: { ...person, iban: 'DE89370400440532013000', requestId: 'b' },
        items: [{ price: '12' }, { price: '7' }],
        state: 'OPEN',
      },
      203,
    ),
  );
  const { bridge } = await openBridge({
    legacy: { endpoint: legacy.url, apiKey: KEY },
    modern: { endpoint: modern, fetch },
    mode: 'mirror',
    compare: { ignore: ['/person/requestId'], reveal: ['/state'] },
  });
  const { compared } = await bridge.send({ path: '/people/4711' });
  expect((await compared)?.differences).toEqual([
    { at: 'status', kind: 'changed', legacy: '200', modern: '203' },
    { at: '/person/iban', kind: 'changed', legacy: 'string(22)', modern: 'string(22)' },
    { at: '/items/0/price', kind: 'type', legacy: 'number', modern: 'string(2)' },
    { at: '/items/1/price', kind: 'type', legacy: 'number', modern: 'string(1)' },
    { at: '/state', kind: 'changed', legacy: '"open"', modern: '"OPEN"' },
    { at: '/<name(15)>', kind: 'missing', legacy: 'number', modern: '-' },
  ]);
  const text = formatShadowReport(bridge.report());
  expect(text).toContain('1 x /items/*/price type: number -> string(2)');
  expect(text).toContain('GET /people/:id: 0 of 1 the same');
  for (const secret of ['Ada', 'DE02', 'DE89', 'ada@', '4711', KEY]) expect(text).not.toContain(secret);
});

test('a path cannot leave the endpoint, and the key is not shown to another origin', async () => {
  const legacy = await keyApi((_request, response) => json(response, {}));
  const headers: unknown[] = [];
  const modern = await listen((request, response) => {
    headers.push(request.headers);
    json(response, {});
  });
  const { bridge } = await openBridge({
    legacy: { endpoint: `${legacy.url}/v1`, apiKey: KEY },
    modern: { endpoint: modern, fetch },
    aci: 1,
  });
  for (const input of ['http://127.0.0.1:9/x', '/../admin', 'https://example.com/v1'])
    expect(await idOfFailure(() => bridge.fetch(input))).toBe('OTHER_ORIGIN');
  await bridge.fetch('/a', { headers: { 'x-api-key': KEY } });
  expect(JSON.stringify(headers)).not.toContain(KEY);
  await bridge.close();
  expect(await idOfFailure(() => bridge.fetch('/a'))).toBe('BRIDGE_CLOSED');
});

test('a modern side that is called by key is told, for it looks like a success', async () => {
  const url = await listen((request, response) =>
    json(response, {}, request.url?.startsWith('/.well-known') ? 404 : 200),
  );
  const { bridge, events } = await openBridge({
    legacy: { endpoint: url, apiKey: KEY },
    modern: { apiKey: KEY },
    aci: 1,
  });
  expect(await bridge.send({})).toMatchObject({ status: 200, side: 'modern' });
  expect(events).toContainEqual({ type: 'key-used' });
  expect(bridge.status().byKey).toBe(1);
});

test('send() reads 16 MiB at most', async () => {
  const chunk = Buffer.alloc(2 ** 20, 'x');
  const legacy = await keyApi((_request, response) => {
    for (let at = 0; at < 17; at++) response.write(chunk);
    response.end();
  });
  const { bridge } = await openBridge({ legacy: { endpoint: legacy.url, apiKey: KEY }, modern: {} });
  expect(await idOfFailure(() => bridge.send({}))).toBe('BODY_TOO_LARGE');
});

test('redirects are followed, and the key stays at its origin', async () => {
  const seen: (string | undefined)[] = [];
  const other = await listen((request, response) => {
    seen.push(request.headers['x-api-key'] as string | undefined);
    json(response, { at: request.url, method: request.method });
  });
  const legacy = await keyApi((request, response) => {
    const [status, location] = request.url === '/there' ? [307, `${other}/x`] : [303, '/there'];
    response.writeHead(status as number, { location: location as string }).end();
  });
  const { bridge } = await openBridge({ legacy: { endpoint: legacy.url, apiKey: KEY }, modern: {} });
  expect((await bridge.send({ path: '/here', payload: 1 })).body).toEqual({ at: '/x', method: 'GET' });
  expect(seen).toEqual([undefined]);
  const answer = await bridge.fetch('/here', { redirect: 'manual' });
  expect(answer.status).toBe(303);
});
