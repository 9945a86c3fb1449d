import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { discover } from '@private.me/xlink';
import { fetchFor, LOCAL, postJson, serveHandmade } from './support.js';

/** A `fetch` that stands still where the URL ends so, whether or not somebody gives up. */
function stuckAt(end: string) {
  const sent: string[] = [];
  let release: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const fetch: typeof globalThis.fetch = async (input, init) => {
    sent.push(`${init?.method ?? 'GET'} ${new URL(String(input)).pathname}`);
    if (String(input).endsWith(end)) await gate;
    return globalThis.fetch(input, init);
  };
  return { fetch, sent, release: () => release() };
}

const reason = new Error('had enough');

describe('a caller who gives up', () => {
  test('before it began sends nothing', async () => {
    const { fetch, sent } = stuckAt('nowhere');
    const call = fetchFor('http://127.0.0.1:9', { fetch });
    await expect(call('/a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const request = new Request('http://127.0.0.1:9/a', { signal: AbortSignal.abort(reason) });
    await expect(call(request)).rejects.toBe(reason);
    expect(sent).toEqual([]);
  });

  test.each([
    ['discovery', 'xlink.json', ['GET /.well-known/xlink.json']],
    ['enrollment', 'enroll', ['GET /.well-known/xlink.json', 'POST /.well-known/xlink/enroll']],
    ['the request', '/pay', ['GET /.well-known/xlink.json', 'POST /.well-known/xlink/enroll', 'POST /pay']],
  ])('during %s is let go at once, and nothing is sent for him later', async (_, end, sent) => {
    const handmade = await serveHandmade();
    const stuck = stuckAt(end);
    const controller = new AbortController();
    const call = fetchFor(handmade.url, { fetch: stuck.fetch });
    const answer = call('/pay', { ...postJson({}), signal: controller.signal });
    while (!stuck.sent.at(-1)?.endsWith(end)) await sleep(5);
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    stuck.release();
    await sleep(500);
    expect(stuck.sent.filter((line) => line.endsWith('/pay'))).toHaveLength(end === '/pay' ? 1 : 0);
    expect(stuck.sent.slice(0, sent.length)).toEqual(sent);
  });

  test('while the answer comes in is let go at once', async () => {
    const handmade = await serveHandmade();
    const controller = new AbortController();
    let streaming = false;
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (!String(input).endsWith('/pay')) return globalThis.fetch(input, init);
      streaming = true;
      return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), {
        headers: { 'Content-Type': 'application/xlink-envelope' },
      });
    };
    const answer = fetchFor(handmade.url, { fetch })('/pay', { ...postJson({}), signal: controller.signal });
    while (!streaming) await sleep(5);
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  test('does not stop others who wait for the same discovery', async () => {
    const handmade = await serveHandmade();
    const stuck = stuckAt('xlink.json');
    const call = fetchFor(handmade.url, { fetch: stuck.fetch });
    const controller = new AbortController();
    const gone = call('/a', { signal: controller.signal });
    const stays = call('/b');
    controller.abort(reason);
    await expect(gone).rejects.toBe(reason);
    stuck.release();
    expect((await stays).status).toBe(200);
    expect(stuck.sent).not.toContain('GET /a');
  });

  test('gets an AbortError where he gave no reason', async () => {
    const handmade = await serveHandmade();
    const controller = new AbortController();
    const answer = fetchFor(handmade.url)('/a', { signal: controller.signal });
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    await expect(fetchFor(handmade.url)('/a', { signal: AbortSignal.timeout(1) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  test('can stop discover()', async () => {
    const { fetch } = stuckAt('xlink.json');
    const controller = new AbortController();
    const found = discover('https://a.example', { ...LOCAL, fetch, signal: controller.signal });
    controller.abort(reason);
    await expect(found).rejects.toBe(reason);
    await expect(discover('https://a.example', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('leaves no listener on his signal', async () => {
    const handmade = await serveHandmade();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: never[]) => {
      listeners += 1;
      return (addEventListener as (...all: never[]) => void).apply(signal, args);
    };
    signal.removeEventListener = (...args: never[]) => {
      listeners -= 1;
      return (removeEventListener as (...all: never[]) => void).apply(signal, args);
    };
    const call = fetchFor(handmade.url, {
      fetch: (input, { signal: _, ...init } = {}) => globalThis.fetch(input, init),
    });
    for (let i = 0; i < 3; i++) await (await call('/a', { signal })).text();
    await sleep(10);
    expect(listeners).toBeLessThanOrEqual(3); // what the platform's Request keeps for itself
  });
});
