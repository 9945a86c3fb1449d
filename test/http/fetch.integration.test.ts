import { getEventListeners } from 'node:events';
import type { RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { httpCall } from '../../src/http/fetch.js';
import { listen } from '../support/http.js';

const serve = async (listener: RequestListener): Promise<string> => (await listen(listener)).url;

const call = (url: string, more: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  httpCall(fetch, {
    callee: 'the relay',
    method: 'GET',
    url,
    timeoutMs: 20_000,
    maxAnswerBytes: 100,
    ...more,
  });

describe('one exchange', () => {
  test('goes to one address: a redirect is the answer, and no cookie of the answer is kept', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve((req, res) => {
      asked.push(req.url);
      res.writeHead(302, { Location: '/elsewhere', 'Set-Cookie': 'a=b' }).end('over there');
    });
    expect(await call(`${url}/here`)).toMatchObject({ status: 302, text: 'over there' });
    expect(asked).toEqual(['/here']);
  });

  test('gives up an answer that is too long before it has ended', async () => {
    const url = await serve((_req, res) => void res.write('x'.repeat(101)));
    await expect(call(url)).rejects.toThrow('the answer has more than 100 bytes');
  });

  test('ends in time, also by a fetch that does not listen to its signal', async () => {
    const url = await serve(() => {});
    await expect(call(url, { timeoutMs: 50 })).rejects.toThrow('the relay did not answer within 50 ms');
    const deaf = () => new Promise<Response>(() => {});
    const options = { callee: 'the relay', method: 'GET', url, timeoutMs: 50, maxAnswerBytes: 1 } as const;
    await expect(httpCall(deaf, options)).rejects.toThrow('the relay did not answer within 50 ms');
  });

  test('any number of them at a time may share a signal, and all end with it', async () => {
    const url = await serve(() => {});
    const controller = new AbortController();
    const calls = Array.from({ length: 20 }, () => call(url, { signal: controller.signal }));
    const settled = Promise.allSettled(calls);
    // From eleven on Node warns of a leak.
    expect(getEventListeners(controller.signal, 'abort').length).toBeLessThan(11);
    controller.abort(new Error('enough'));
    const ended = await settled;
    expect(new Set(ended.map((each) => String((each as PromiseRejectedResult).reason)))).toEqual(
      new Set(['Error: enough']),
    );
  });
});
