// What each request leaves in memory until the next full collection. V8 has ways to keep all of a request alive for so
// long that nobody sees in the code, such as a function that is added to an object which exists already.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { xlinkFetch } from '../../src/index.js';
import { afterTest } from '../support/after-test.js';
import { BuiltPackage } from '../support/built-package.js';

/**
 * Bytes, at most: a number or a nonce and the like. A request in a session that was kept whole left 5,000 and more, in an
 * envelope 8,000. Node 20 and 22 keep more of any closure.
 */
const MOST =
  Number(process.versions.node.split('.')[0]) >= 24
    ? { key: 1000, session: 1500, envelope: 2500 }
    : { key: 1800, session: 4200, envelope: 7200 };
const ROUND = 400;

describe('what a request leaves behind', () => {
  let built: BuiltPackage;
  beforeAll(() => {
    built = new BuiltPackage();
  }, 120_000);
  afterAll(() => built.remove());

  async function api(framework: string) {
    const program = built.program(new URL('leftovers-app.mjs', import.meta.url));
    const env = { ...process.env, FRAMEWORK: framework };
    const child = fork(program, { execArgv: ['--expose-gc'], env });
    afterTest(() => void child.kill());
    const message = async () => (await once(child, 'message'))[0];
    const { port } = await message();
    const old = async (ask: 'collect' | 'now'): Promise<number> => {
      const answer = message();
      child.send(ask);
      return (await answer).old;
    };
    return { baseUrl: `http://127.0.0.1:${port}`, old };
  }

  test.each(
    ['koa', 'fastify'].flatMap((framework) =>
      (['key', 'session', 'envelope'] as const).map((by) => [framework, by] as const),
    ),
  )(
    '%s, by %s',
    async (framework, by) => {
      const { baseUrl, old } = await api(framework);
      const local = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
      const call =
        by === 'key'
          ? (url: string, init: RequestInit) => fetch(url, init)
          : xlinkFetch({ apiKey: 'k', baseUrl, session: by === 'session', ...local });
      const headers = { 'content-type': 'application/json', ...(by === 'key' ? { 'x-api-key': 'k' } : {}) };
      const init = { method: 'POST', headers, body: JSON.stringify({ text: 'x'.repeat(1000) }) };
      const send = async (requests: number) => {
        for (let sent = 0; sent < requests; sent++) {
          const answer = await call(`${baseUrl}/`, init);
          expect([answer.status, await answer.json()]).toEqual([
            200,
            { length: 1000, by: expect.stringMatching(sent > 9 ? by : '') },
          ]);
        }
      };
      await send(2 * ROUND); // code and shapes
      const left: number[] = [];
      for (let round = 0; round < 5; round++) {
        const before = await old('collect');
        await send(ROUND);
        left.push(Math.round(((await old('now')) - before) / ROUND));
      }
      process.stdout.write(`${framework}, by ${by}: ${left.join(', ')} bytes for each request\n`);
      expect(left.sort((a, b) => a - b)[2]).toBeLessThan(MOST[by]);
    },
    180_000,
  );
});
