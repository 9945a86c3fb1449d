import { describe, expect, test } from '@jest/globals';
import { junk, randomOf } from './junk.js';
import { memberOf, request, startHere } from './support.js';

const CALLS = 10_000;
/** Longer waits for changes would only take time. */
const isSlow = (target: string) => /\/registry\/changes\?.*wait=/.test(target);

describe('10,000 junk calls over every route of the document', () => {
  test('no 500, no leak, no crash, and every answer as the document says', async () => {
    const server = await startHere();
    const member = await memberOf(server, 'member', ['*']);
    const known = [member.did];
    for (let n = 0; n < 20; n++)
      known.push((await server.send('POST', '/v1/agents', { name: 'there', scopes: ['*'] })).json.did);
    const tokens = [
      server.admin,
      await server.tokenOf('operator'),
      await server.tokenOf('auditor'),
      undefined,
    ];
    const random = randomOf(Number(process.env['SEED'] ?? 18));
    const statuses = new Map<number, number>();
    const routes = new Set<string>();
    const calls = [...junk(CALLS, random, known)].filter(({ target }) => !isSlow(target));
    await inParallel(16, calls, async ({ route, method, target, headers, body }, n) => {
      const token = n % 7 === 0 ? 'xlk_wrong' : tokens[n % tokens.length];
      const sent = await request(server.url, method, target, { token, headers, body });
      statuses.set(sent.status, (statuses.get(sent.status) ?? 0) + 1);
      routes.add(route);
      const place = `${method} ${target} ${JSON.stringify(body)?.slice(0, 500)} ${sent.status} ${sent.text.slice(0, 300)}`;
      if (sent.status >= 500) throw new Error(place);
      // Neither stacks nor places of files, and no token or key.
      const isProgram = /javascript/.test(sent.headers.get('content-type') ?? '');
      if (
        !isProgram &&
        /node_modules|\.[jt]s:\d|at \w+ \(|\/tmp\/|ENOENT|SyntaxError|TypeError/.test(sent.text)
      )
        throw new Error(place);
      for (const token of tokens) if (token && sent.text.includes(token)) throw new Error(place);
    });
    expect(calls.length).toBeGreaterThan(9_500);
    expect(routes.size).toBeGreaterThan(50);
    for (const status of [200, 400, 401, 403, 404, 405, 415])
      expect([status, statuses.get(status) ?? 0]).not.toEqual([status, 0]);
    expect(server.log()).not.toMatch(/"level":"error"/);
    // And it still does what it did before.
    expect((await server.get('/ready')).json).toEqual({ ready: true, why: [] });
    const other = await memberOf(server, 'other');
    expect((await other.send('GET', '/v1/me')).json.id).toBe(other.did);
  }, 240_000);
});

async function inParallel<T>(
  width: number,
  items: readonly T[],
  work: (item: T, n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const n = next++;
      await work(items[n]!, n);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
