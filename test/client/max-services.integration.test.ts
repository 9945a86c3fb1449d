import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Agent, fileIdentity, type XlinkFetchOptions, xlinkFetch } from '@private.me/xlink';
import { temporaryFolder } from '../support/temporary-folder.js';
import { type ApiService, idOfRejection, KEY, LOCAL, serveApi } from './support.js';

const FULL = 'SERVICE_MEMORY_FAILED:FULL';

/** One caller of many services. */
async function caller(options: Partial<XlinkFetchOptions>) {
  const path = join(await temporaryFolder(), 'caller.der');
  const own = { ...LOCAL, apiKey: KEY, baseUrl: 'http://127.0.0.1:9', ...options };
  const fetch = xlinkFetch({ ...own, identity: fileIdentity(path) });
  const headers = { 'X-API-Key': KEY };
  return {
    fetch,
    call: async ({ url }: ApiService) => (await fetch(`${url}/a`, { headers })).status,
    known: async () => Object.keys(JSON.parse(await readFile(`${path}.services.json`, 'utf8')).services),
    restarted: () => xlinkFetch({ ...own, identity: fileIdentity(path) }),
  };
}

const originOf = ({ url }: ApiService) => new URL(url).origin;
/** Keys decide there, so it never proves itself by an answer. */
const unproven = () => serveApi({ mode: 'observe' });

test('of services that have not proven themselves, the one used longest ago makes room', async () => {
  const [a, b, c] = [await unproven(), await unproven(), await unproven()];
  const { call, known } = await caller({ maxServices: 2 });
  for (const service of [a, b, a, c]) expect(await call(service)).toBe(200);
  expect((await known()).sort()).toEqual([a, c].map(originOf).sort());
});

test('one that has proven itself is never forgotten, however long ago it was used', async () => {
  const [proven, b, c] = [await serveApi(), await unproven(), await unproven()];
  const { call, known } = await caller({ maxServices: 2 });
  for (const service of [proven, b, c, b, c]) expect(await call(service)).toBe(200);
  expect((await known()).sort()).toEqual([proven, c].map(originOf).sort());
});

test('where all have proven themselves, another one is an error until one of them is forgotten', async () => {
  const [a, b, c] = [await serveApi(), await serveApi(), await serveApi()];
  const { fetch, call, known, restarted } = await caller({ maxServices: 2 });
  for (const service of [a, b]) expect(await call(service)).toBe(200);
  expect(await idOfRejection(call(c))).toBe(FULL);
  expect(await idOfRejection(restarted()(`${c.url}/a`))).toBe(FULL);
  expect(c.handled).toEqual([]);
  expect((await known()).sort()).toEqual([a, b].map(originOf).sort());
  expect(await call(a)).toBe(200);
  await fetch.forget(a.url);
  expect(await call(c)).toBe(200);
  expect((await known()).sort()).toEqual([b, c].map(originOf).sort());
});

test('one that is pinned is not forgotten either', async () => {
  const agent = await Agent.quickstart();
  const [one, other] = [
    await serveApi({ mode: 'observe', agent }),
    await serveApi({ mode: 'observe', agent }),
  ];
  const { call } = await caller({ maxServices: 1, pinnedDid: agent.did });
  expect(await call(one)).toBe(200);
  expect(await idOfRejection(call(other))).toBe(FULL);
});

test('one that was forgotten while it was asked has proven itself by its answer all the same', async () => {
  const other = await unproven();
  const client = await caller({ maxServices: 1 });
  const slow = await serveApi({}, (app) => {
    app.get('/a', async (_req, res) => {
      await client.call(other);
      res.json({ done: true });
    });
  });
  expect(await client.call(slow)).toBe(200);
  expect(await client.known()).toEqual([originOf(slow)]);
  expect(await idOfRejection(client.call(await unproven()))).toBe(FULL);
});

test('holds without a file, too', async () => {
  const [proven, b, c] = [await serveApi(), await unproven(), await serveApi()];
  const fetch = xlinkFetch({ ...LOCAL, apiKey: KEY, baseUrl: 'http://127.0.0.1:9', maxServices: 1 });
  const call = async ({ url }: ApiService) =>
    (await fetch(`${url}/a`, { headers: { 'X-API-Key': KEY } })).status;
  expect(await call(b)).toBe(200);
  expect(await call(proven)).toBe(200);
  expect(await idOfRejection(call(c))).toBe(FULL);
});

test.each([0, 1.5, 100_001, '7'])('refuses maxServices: %j', (maxServices) => {
  expect(() => xlinkFetch({ maxServices: maxServices as number })).toThrow(/maxServices/);
});
