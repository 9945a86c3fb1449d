// Calls wait for a connection when there are more of them than connections, and grow old meanwhile.
import { runInThisContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { Agent, type XlinkFetchOptions } from '@private.me/xlink';
import { Gate } from '../../src/client/gate.js';
import { frozenClock, HOUR } from '../support/clock.js';
import { until } from '../support/until.js';
import { fetchFor, idOfRejection, KEY, postJson, serveApi } from './support.js';

const CONNECTIONS = 2;
const CALLS = 100;
const WORK_MS = 60;
/** The last call waits for more than that, if it was sealed at the beginning. */
const WINDOW_MS = 1500;

/** A `fetch` with so many connections, by the `Agent` of undici that Node brings along. */
function withConnections(connections: number): typeof fetch {
  const known = Symbol.for('undici.globalDispatcher.1');
  const { constructor: Dispatcher } = (runInThisContext('globalThis') as Record<symbol, object>)[known]!;
  const dispatcher = new (Dispatcher as new (options: object) => object)({ connections });
  return (input, init) => fetch(input, { ...init, dispatcher } as RequestInit);
}

async function slowApi() {
  let most = 0;
  let underWay = 0;
  const api = await serveApi(
    {},
    (app) =>
      void app.use(async (_req, res, next) => {
        most = Math.max(most, ++underWay);
        res.once('close', () => (underWay -= 1));
        await new Promise((resolve) => setTimeout(resolve, WORK_MS));
        next();
      }),
    { timestampWindowMs: WINDOW_MS },
  );
  const many = async (options: XlinkFetchOptions) => {
    const call = fetchFor(api.url, { agent: await Agent.quickstart(), apiKey: KEY, ...options });
    await call('/first');
    return Promise.all(
      Array.from({ length: CALLS }, async (_, at) => {
        try {
          const answer = await call(`/pay/${at}`, postJson({ at }));
          await answer.text();
          return answer.status;
        } catch (error) {
          return String(((error as Error).cause as { id?: string })?.id ?? error);
        }
      }),
    );
  };
  return { api, many, most: () => most };
}

describe('more calls than connections', () => {
  test('are sealed when their turn has come, so that none is too old on arrival [B9]', async () => {
    const { api, many, most } = await slowApi();
    await (await fetch(api.url)).text(); // Node makes its dispatcher at the first call
    const few = { fetch: withConnections(CONNECTIONS) };
    const old = await many(few);
    expect(old).toContain('TIMESTAMP_EXPIRED'); // what it is about: they waited in the queue of fetch
    expect(await many({ ...few, maxConcurrentCalls: CONNECTIONS })).toEqual(Array(CALLS).fill(201));
    expect(most()).toBe(CONNECTIONS);
  });

  test('are 256 at a time, unless chosen otherwise', async () => {
    const api = await serveApi();
    const held: (() => void)[] = [];
    let isHeld = false;
    const holding: typeof fetch = async (input, init) => {
      if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
      return fetch(input, init);
    };
    const call = fetchFor(api.url, { agent: await Agent.quickstart(), fetch: holding });
    await call('/first');
    isHeld = true;
    const all = Promise.all(Array.from({ length: 300 }, async (_, at) => (await call(`/${at}`)).status));
    await until(() => held.length === 256);
    isHeld = false;
    for (const go of held) go();
    expect(new Set(await all)).toEqual(new Set([200]));
    expect(held).toHaveLength(256);
  });

  test('go on in order after calls that failed or were given up, which are never sent', async () => {
    const api = await serveApi();
    const sent: string[] = [];
    const answers: (() => void)[] = [];
    let isSlow = false;
    const held: typeof fetch = async (input, init) => {
      sent.push(new URL(String(input)).pathname);
      if (isSlow) await new Promise<void>((resolve) => answers.push(resolve));
      if (String(input).endsWith('/lost')) throw new TypeError('fetch failed');
      return fetch(input, init);
    };
    const call = fetchFor(api.url, { agent: await Agent.quickstart(), fetch: held, maxConcurrentCalls: 1 });
    await call('/first');
    isSlow = true;
    sent.length = 0;
    const given = new AbortController();
    const lost = idOfRejection(call('/lost'));
    const second = call('/second');
    const aborted = call('/aborted', { signal: given.signal }).catch((error: Error) => error.name);
    const last = call('/last');
    given.abort();
    expect(await aborted).toBe('AbortError');
    for (let at = 0; at < 3; at++) {
      while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve));
      answers.shift()!();
    }
    await lost;
    expect([(await second).status, (await last).status]).toEqual([200, 200]);
    expect(sent).toEqual(['/lost', '/second', '/last']);
  });

  test('of a service that hangs hold up no call to another one', async () => {
    const [slow, quick] = [await serveApi(), await serveApi()];
    let hangs = false;
    const hanging: typeof fetch = (input, init) =>
      hangs && String(input).startsWith(slow.url) ? new Promise(() => {}) : fetch(input, init);
    const call = fetchFor(slow.url, {
      agent: await Agent.quickstart(),
      apiKeyOrigin: [slow.url, quick.url],
      fetch: hanging,
      maxConcurrentCalls: 1,
    });
    for (const { url } of [slow, quick]) await call(`${url}/first`);
    hangs = true;
    void call(`${slow.url}/hangs`).catch(() => {});
    void call(`${slow.url}/waits`).catch(() => {});
    expect((await call(`${quick.url}/second`)).status).toBe(200);
  });

  test('that are given up are let go of at once, and take nobody’s turn', async () => {
    const gate = new Gate(1);
    const done: string[] = [];
    let end = () => {};
    const first = gate.pass(() => new Promise<void>((resolve) => (end = resolve)), undefined);
    const work = (name: string) => async () => void done.push(name);
    const signals = [new AbortController(), new AbortController()];
    const given = signals.map(({ signal }, at) =>
      gate.pass(work(`given up ${at}`), signal).catch(() => 'given up'),
    );
    const last = gate.pass(work('last'), undefined);
    signals[0]!.abort();
    expect(await given[0]).toBe('given up');
    end();
    signals[1]!.abort(); // in the moment in which it may have its turn
    await Promise.all([first, given[1], last]);
    expect(done).toEqual(['last']);
    await gate.pass(work('after'), undefined);
    expect(done).toEqual(['last', 'after']);
  });

  test('neither does an answer grow old that takes longer than the window to come [B9]', async () => {
    const clock = frozenClock();
    let rest: (() => void) | undefined;
    const api = await serveApi(
      { clock },
      (app) =>
        void app.get('/download', (_req, res) => {
          res.write('first, ');
          rest = () => res.end('last');
        }),
      { clock },
    );
    const agent = await Agent.quickstart({ clock });
    const call = fetchFor(api.url, { agent, clock });
    const answer = await call('/download');
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect(await reader.read()).toMatchObject({ value: 'first, ' });
    clock.advance(HOUR);
    rest!();
    expect(await reader.read()).toMatchObject({ value: 'last' });
    expect((await reader.read()).done).toBe(true);
  });

  test.each([0, 65_537, 1.5, '6'])('%p is no number of calls', async (maxConcurrentCalls) => {
    expect(() => fetchFor('https://api.example.com', { maxConcurrentCalls } as never)).toThrow(
      'maxConcurrentCalls must be a whole number from 1 to 65536',
    );
  });
});
