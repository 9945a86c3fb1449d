import { request as httpRequest } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { type BridgeHandlerOptions, bridgeHandler, type Xfuse } from '../src/index.js';
import { idOfFailure, json, KEY, keyApi, listen, openBridge, textOf, until, xlinkApi } from './support.js';

const authenticate = ({ headers }: { headers: Record<string, unknown> }) =>
  headers['x-api-key'] === KEY ? 'customer-1' : null;

const front = (bridge: Xfuse, options: BridgeHandlerOptions = { authenticate }) => {
  const handler = bridgeHandler(bridge, options);
  return listen((request, response) => void handler(request, response));
};

async function sides(options: object = {}) {
  const legacy = await keyApi((_request, response) => json(response, { side: 'legacy' }));
  const modern = await xlinkApi((_request, response) => void response.json({ side: 'modern' }));
  const opened = await openBridge({
    legacy: { endpoint: legacy.url },
    modern: { endpoint: modern.url, apiKey: KEY },
    ...options,
  });
  return { ...opened, legacy, modern };
}

describe('the modern side serves nobody with the rights of the bridge whom the legacy side would refuse', () => {
  test('a ratio above 0 needs a check of callers', async () => {
    const { bridge } = await sides({ aci: 0.1 });
    expect(await idOfFailure(() => bridgeHandler(bridge))).toBe('INVALID_OPTION');
    const { bridge: later } = await sides();
    bridgeHandler(later);
    expect(await idOfFailure(() => later.setTrafficRatio({ aci: 0.1 }))).toBe('INVALID_OPTION');
    later.setTrafficRatio({ aci: 0 });
    expect(await idOfFailure(() => bridgeHandler({} as Xfuse))).toBe('INVALID_OPTION');
  });

  test('no key and a wrong key get the legacy refusal; a checked caller goes over', async () => {
    const { bridge, modern } = await sides({ aci: 1, mode: 'mirror' });
    const url = await front(bridge);
    for (const headers of [{}, { 'x-api-key': 'bogus' }, { authorization: 'Bearer x' }]) {
      const answer = await fetch(`${url}/orders`, { headers: headers as Record<string, string> });
      expect(answer.status).toBe(401);
      await answer.text();
    }
    await bridge.settle();
    expect(modern.seen).toHaveLength(0);
    const answer = await fetch(`${url}/orders`, { headers: { 'x-api-key': KEY } });
    expect(await answer.json()).toEqual({ side: 'modern' });
  });

  test('a check that throws is a no', async () => {
    const { bridge, modern } = await sides({ aci: 1 });
    const url = await front(bridge, { authenticate: () => Promise.reject(new Error('down')) });
    expect(await (await fetch(url, { headers: { 'x-api-key': KEY } })).json()).toEqual({ side: 'legacy' });
    expect(modern.seen).toHaveLength(0);
  });

  test('what the legacy side refused is not mirrored', async () => {
    const { bridge, modern, events } = await sides({ mode: 'mirror' });
    const url = await front(bridge, {});
    const headers = { 'x-api-key': 'bogus', 'idempotency-key': 'k1' };
    await (await fetch(`${url}/transfer`, { method: 'POST', headers, body: '{"to":"eve"}' })).text();
    await (await fetch(`${url}/transfer`, { headers })).text();
    await until('both', () => events.filter(({ type }) => type === 'compared').length === 2);
    const reasons = events.flatMap((event) => (event.type === 'compared' ? [event.comparison.reason] : []));
    expect(reasons).toEqual(['legacy-refused', 'legacy-refused']);
    await bridge.settle();
    expect(modern.seen).toHaveLength(0);
  });
});

describe('the error budget is not spent by', () => {
  const spend = async (listener: Parameters<typeof listen>[0], send: (url: string) => Promise<unknown>) => {
    const legacy = await keyApi(async (request, response) => json(response, { body: await textOf(request) }));
    const { bridge } = await openBridge({
      legacy: { endpoint: legacy.url },
      modern: { endpoint: await listen(listener), fetch },
      aci: 1,
    });
    const url = await front(bridge);
    for (let at = 0; at < 25; at++) await send(url);
    return bridge;
  };
  const raw = (method: string, body?: string) => (url: string) =>
    new Promise((resolve, reject) => {
      const headers = { 'x-api-key': KEY, ...(body ? { 'content-length': body.length } : {}) };
      const sent = httpRequest(`${url}/x`, { method, headers }, (answer) =>
        answer.resume().on('end', resolve),
      );
      sent.on('error', reject).end(body);
    });

  test('requests that cannot be sent: GET with a body, TRACE', async () => {
    for (const send of [raw('GET', 'hi'), raw('TRACE')]) {
      const bridge = await spend((_request, response) => json(response, {}), send);
      expect([bridge.trafficRatio.aci, bridge.status().errorRatio]).toEqual([1, 0]);
    }
  });

  test('an Authorization of the caller that the modern side refuses', async () => {
    const bridge = await spend(
      (_request, response) => json(response, {}, 401),
      async (url) =>
        (await fetch(url, { headers: { 'x-api-key': KEY, authorization: 'Bearer junk' } })).text(),
    );
    expect([bridge.trafficRatio.aci, bridge.status().errorRatio]).toEqual([1, 0]);
  });

  test('one caller alone', async () => {
    const bridge = await spend(
      (_request, response) => json(response, {}, 500),
      async (url) => (await fetch(url, { headers: { 'x-api-key': KEY } })).text(),
    );
    expect(bridge.trafficRatio.aci).toBe(1);
    for (let at = 0; at < 100; at++)
      await bridge.send({ caller: `caller-${at}`, headers: { 'x-api-key': KEY } });
    expect(bridge.trafficRatio.aci).toBe(0);
  });
});

test('headers that a Connection lists stay on their hop, and no key goes to the modern side', async () => {
  const keys: unknown[] = [];
  const legacy = await listen((_request, response) => {
    response.writeHead(200, { connection: 'x-hop', 'x-hop': '1', 'x-end': '2' }).end('{}');
  });
  const modern = await listen((request, response) => {
    keys.push(request.headers['x-api-key'], request.headers['x-other']);
    json(response, {});
  });
  const { bridge } = await openBridge({
    legacy: { endpoint: legacy, apiKey: KEY, apiKeyHeader: 'X-Other' },
    modern: { endpoint: modern, fetch },
  });
  const url = await front(bridge, {});
  const { headers } = await fetch(url);
  expect([headers.get('x-hop'), headers.get('x-end')]).toEqual([null, '2']);
  await bridge.fetch('/x', { headers: { 'x-api-key': 'own', 'x-other': 'own' }, xfuse: { mode: 'modern' } });
  expect(keys).toEqual([undefined, undefined]);
  expect(await idOfFailure(() => bridge.observe('x' as never))).toBe('INVALID_OPTION');
});
