import type { RequestListener } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { formatBridgeRow } from '../src/index.js';
import { idOfFailure, json, KEY, keyApi, listen, openBridge, until } from './support.js';

const MODERN: Record<string, RequestListener> = {
  'never answers': () => undefined,
  'hangs in the middle of the body': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":');
  },
  'breaks off in the middle of the body': (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('x');
    setImmediate(() => response.destroy());
  },
  'closes the connection': (request) => void request.socket.destroy(),
  'answers 500': (_request, response) => json(response, {}, 500),
  'speaks no HTTP': (request) => void request.socket.end('hello\r\n\r\n'),
};

/** What no legacy answer may take: more than a busy machine adds. */
const SLOW_MS = 2000;

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe('the legacy answer is unharmed by a modern side that', () => {
  for (const [what, listener] of Object.entries(MODERN))
    test(what, async () => {
      const legacy = await keyApi((_request, response) => json(response, { total: 12 }));
      const { bridge } = await openBridge({
        legacy: { endpoint: legacy.url, apiKey: KEY },
        modern: { endpoint: await listen(listener), fetch, timeoutMs: 800 },
        mode: 'mirror',
      });
      await bridge.send({ mode: 'legacy' });
      const started = performance.now();
      const { body, status, compared } = await bridge.send({ path: '/orders' });
      const took = performance.now() - started;
      expect({ body, status }).toEqual({ body: { total: 12 }, status: 200 });
      const comparison = await compared!;
      const isAnswer = what === 'answers 500';
      expect(comparison.outcome).toBe(isAnswer ? 'different' : 'modern-error');
      expect(comparison.error === undefined).toBe(isAnswer);
      expect(took).toBeLessThan(800);
      expect(bridge.status()).toMatchObject({ mirrors: 0, legacy: 2, modern: 0 });
    });

  test('is down', async () => {
    const legacy = await keyApi((_request, response) => json(response, {}));
    const { bridge } = await openBridge({
      legacy: { endpoint: legacy.url, apiKey: KEY },
      modern: { endpoint: 'http://127.0.0.1:9', apiKey: KEY },
      mode: 'mirror',
    });
    const { status, compared } = await bridge.send({});
    expect([status, (await compared)?.outcome]).toEqual([200, 'modern-error']);
  });

  test('is slow: no request takes longer than without it, but for the overhead', async () => {
    const legacy = await keyApi((_request, response) => void setTimeout(json, 5, response, { total: 12 }));
    const modern = await listen(
      (_request, response) => void setTimeout(json, SLOW_MS, response, { total: 12 }),
    );
    const settings = { legacy: { endpoint: legacy.url, apiKey: KEY }, modern: { endpoint: modern, fetch } };
    const { bridge } = await openBridge({ ...settings, maxMirrors: 1000 });
    const alone: number[] = [];
    const mirrored: number[] = [];
    for (let round = 0; round < 60; round++) {
      for (const [mode, times] of [
        ['legacy', alone],
        ['mirror', mirrored],
      ] as const) {
        const started = performance.now();
        await bridge.send({ path: '/orders', mode });
        times.push(performance.now() - started);
      }
    }
    const overhead = median(mirrored) - median(alone);
    console.info(
      `mirroring adds ${overhead.toFixed(2)} ms at the median (${median(alone).toFixed(2)} ms alone)`,
    );
    expect(overhead).toBeLessThan(10 + median(alone));
    expect(Math.max(...mirrored)).toBeLessThan(SLOW_MS);
    await bridge.settle();
    expect(bridge.report()).toMatchObject({ compared: 60, agreement: 1 });
  });
});

test('large answers stream: chunks pass as they come, and little is kept of them', async () => {
  const chunk = Buffer.alloc(256 * 1024, 1);
  const big: RequestListener = (_request, response) => {
    let left = 200;
    const more = (): void => {
      while (left-- > 0) if (!response.write(chunk)) return void response.once('drain', more);
      response.end();
    };
    more();
  };
  const legacy = await keyApi(big);
  const { bridge } = await openBridge({
    legacy: { endpoint: legacy.url, apiKey: KEY },
    modern: { endpoint: await listen(big), fetch },
    mode: 'mirror',
    compare: { maxBytes: 64 * 1024 },
  });
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = () => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  const answer = await bridge.fetch('/export');
  let bytes = 0;
  let most = 0;
  for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
    const isDue = Math.floor(bytes / 2 ** 22) < Math.floor((bytes + part.length) / 2 ** 22);
    bytes += part.length;
    if (isDue) most = Math.max(most, held() - before);
  }
  expect(bytes).toBe(200 * chunk.length);
  expect(most).toBeLessThan(16 * 2 ** 20);
  expect(await bridge.comparisonOf(answer)).toMatchObject({ outcome: 'same', body: 'large' });
});

test('a head comes back before its body, and a caller that does not read leaves nothing behind', async () => {
  let finish = (): void => undefined;
  const legacy = await keyApi((_request, response) => {
    response.writeHead(200).write('a');
    finish = () => void response.end('b');
  });
  const { bridge } = await openBridge({
    legacy: { endpoint: legacy.url, apiKey: KEY },
    modern: { endpoint: await listen((_, response) => void response.end('ab')), fetch, timeoutMs: 200 },
    mode: 'mirror',
  });
  const answer = await bridge.fetch('/slow');
  const reader = answer.body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('a');
  finish();
  await reader.cancel();
  expect((await bridge.comparisonOf(answer))?.outcome).toBe('incomplete');
  const ignored = await bridge.fetch('/slow');
  expect((await bridge.comparisonOf(ignored))?.outcome).toBe('incomplete');
  finish();
  expect(bridge.status().mirrors).toBe(0);
});

test('no more requests are mirrored than the limit says; the others are answered all the same', async () => {
  const waiting: (() => void)[] = [];
  const legacy = await keyApi((_request, response) => json(response, {}));
  const modern = await listen((_request, response) => void waiting.push(() => json(response, {})));
  const { bridge, events } = await openBridge({
    legacy: { endpoint: legacy.url, apiKey: KEY },
    modern: { endpoint: modern, fetch },
    mode: 'mirror',
    maxMirrors: 3,
  });
  await Promise.all(Array.from({ length: 20 }, () => bridge.send({})));
  await until('three requests', () => waiting.length === 3);
  await pause(20);
  expect(waiting).toHaveLength(3);
  for (const answer of waiting) answer();
  await bridge.settle();
  const busy = events.filter((event) => event.type === 'compared' && event.comparison.reason === 'busy');
  expect(busy).toHaveLength(17);
});

describe('a request that was sent to the modern side', () => {
  const sides = async (listener: RequestListener) => {
    const legacy = await keyApi((_request, response) => json(response, { side: 'legacy' }));
    const modern = { endpoint: await listen(listener), fetch, timeoutMs: 200 };
    const opened = await openBridge({ legacy: { endpoint: legacy.url, apiKey: KEY }, modern, aci: 1 });
    return { ...opened, legacy };
  };

  test('is answered by the legacy side if it may be repeated', async () => {
    const { bridge, legacy } = await sides(MODERN['closes the connection']!);
    expect(await bridge.send({})).toMatchObject({ side: 'legacy', status: 200 });
    expect(await bridge.send({ payload: 1, idempotencyKey: 'k' })).toMatchObject({ side: 'legacy' });
    expect(bridge.status().fellBack).toBe(2);
    expect(await idOfFailure(() => bridge.send({ payload: 1 }))).toBe('MODERN_FAILED');
    expect(legacy.seen).toHaveLength(2);
  });

  test('is counted as failed if its body breaks off, and the mirror forgets nothing', async () => {
    const { bridge } = await sides(MODERN['breaks off in the middle of the body']!);
    for (let at = 0; at < 3; at++) await bridge.send({}).catch(() => undefined);
    await until('the count', () => bridge.status().errorRatio === 1);
  });

  test('that never comes back fails in time, and says so', async () => {
    const { bridge } = await sides(MODERN['never answers']!);
    expect(await idOfFailure(() => bridge.send({ payload: 1 }))).toBe('MODERN_FAILED:TIMEOUT');
  });

  test('steps back by itself when the budget is spent, and not for requests that callers got wrong', async () => {
    let status = 404;
    const { bridge, events } = await sides((_request, response) => json(response, {}, status));
    bridge.setTrafficRatio({ aci: 0.5 });
    const callAs = (at: number) => bridge.send({ caller: `caller-${at}` });
    for (let at = 0; at < 100; at++) await callAs(at);
    expect(bridge.trafficRatio.aci).toBe(0.5);
    status = 503;
    for (let at = 0; bridge.trafficRatio.aci === 0.5 && at < 100; at++) await callAs(at);
    expect(bridge.trafficRatio.aci).toBe(0.25);
    expect(bridge.status()).toMatchObject({ steppedBack: true, stepBack: { from: 0.5 } });
    expect(formatBridgeRow(bridge.status())).toMatch(/STEPPED BACK from 50 %: \d+ of \d+ failed$/);
    for (let at = 0; bridge.trafficRatio.aci > 0 && at < 400; at++)
      expect(await callAs(at)).toMatchObject({ status: 200 });
    expect(events.filter(({ type }) => type === 'ratio').at(-1)).toMatchObject({ to: 0, by: 'budget' });
  });
});

test('a legacy side that is down is no reason to mirror less later', async () => {
  let isDown = true;
  const legacy = await keyApi((request, response) =>
    isDown ? request.socket.destroy() : json(response, {}),
  );
  const { bridge } = await openBridge({
    legacy: { endpoint: legacy.url, apiKey: KEY },
    modern: { endpoint: await listen((_, response) => json(response, {})), fetch },
    mode: 'mirror',
    maxMirrors: 2,
  });
  for (const request of [{}, { payload: 1, idempotencyKey: 'a' }, {}, { payload: 1, idempotencyKey: 'b' }])
    expect(await idOfFailure(() => bridge.send(request))).toBe('LEGACY_FAILED');
  await until('none under way', () => bridge.status().mirrors === 0);
  isDown = false;
  expect(await (await bridge.send({})).compared).toMatchObject({ outcome: 'same' });
  expect(bridge.report().routes.map(({ notMirrored }) => notMirrored)).toEqual([
    { 'legacy-failed': 2 },
    { 'legacy-failed': 2 },
  ]);
});
