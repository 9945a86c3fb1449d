import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  connect,
  DualModeClient,
  type FallbackEvent,
  fileIdentity,
  type IdentityStore,
} from '@private.me/xlink';
import { temporaryFolder } from '../support/temporary-folder.js';
import { type HeldAnswer, handOver, ManInTheMiddle } from './man-in-the-middle.js';
import { fetchFor, idOfRejection, KEY, LOCAL, postJson, serveApi, serveHandmade } from './support.js';

const DOCUMENT = '/.well-known/xlink.json';
const gone = () => ({ status: 404 });

async function inFolder() {
  const path = join(await temporaryFolder(), 'state', 'caller.der');
  const identity = () => fileIdentity(path);
  const known = async () => JSON.parse(await readFile(`${path}.services.json`, 'utf8')).services;
  return { path, identity, known };
}

describe('what a client knows of services', () => {
  test('is kept beside its identity without more code, and without secrets [B4]', async () => {
    const { path, identity, known } = await inFolder();
    const api = await serveApi();
    const man = await ManInTheMiddle.before(api.url);
    expect((await fetchFor(man.url, { identity: identity() })('/a')).status).toBe(200);
    const { origin } = new URL(man.url);
    expect(await known()).toEqual({
      [origin]: {
        did: api.agent.did,
        issuedAt: expect.any(Number),
        says: expect.stringMatching(/^[\w-]{43}$/),
        proven: true,
      },
    });
    for (const file of [path, `${path}.services.json`]) expect((await stat(file)).mode & 0o777).toBe(0o600);
    man.at(DOCUMENT, gone);
    man.seen.length = 0;
    const restarted = fetchFor(man.url, { identity: identity() });
    expect(await idOfRejection(restarted('/pay', postJson(1)))).toBe('DISCOVERY_FAILED:WITHHELD');
    expect(man.saw(KEY)).toBe(false);
  });

  test('is kept for an agent of its own by the option services [B4]', async () => {
    const agent = await Agent.quickstart();
    const { services } = (await inFolder()).identity() as Required<IdentityStore>;
    const man = await ManInTheMiddle.before((await serveApi()).url);
    expect((await fetchFor(man.url, { agent, services })('/a')).status).toBe(200);
    man.at(DOCUMENT, gone);
    expect(await idOfRejection(fetchFor(man.url, { agent, services })('/a'))).toBe(
      'DISCOVERY_FAILED:WITHHELD',
    );
  });

  test('is as new as the newest document, also after a restart long after it was proven [B4]', async () => {
    const { identity } = await inFolder();
    const api = await serveApi();
    const man = await ManInTheMiddle.before(api.url);
    const call = () => fetchFor(man.url, { identity: identity() })('/pay', postJson(1)); // each time after a restart
    expect(await (await call()).json()).toMatchObject({ mode: 'xlink' });
    const kept: HeldAnswer[] = [];
    man.at(DOCUMENT, async (_request, forward) => {
      kept.push(await forward());
      return kept.at(-1)!;
    });
    for (const [mode, decides] of [
      ['observe', 'api-key'],
      ['hybrid', 'xlink'],
    ] as const) {
      api.adapter.setMode(mode);
      expect(await (await call()).json()).toMatchObject({ mode: decides });
    }
    man.at(DOCUMENT, () => kept[0]);
    man.seen.length = 0;
    expect(await idOfRejection(call())).toBe('DISCOVERY_FAILED:ROLLED_BACK');
    expect(man.saw(KEY)).toBe(false);
  });

  test('lets other instances of a service say the same in older documents, and nothing else [B4]', async () => {
    const { identity, known } = await inFolder();
    const handmade = await serveHandmade();
    const call = () => fetchFor(handmade.url, { identity: identity() })('/a'); // each time after a restart
    expect((await call()).status).toBe(200);
    const before = await known();
    const older = (change: object) => {
      handmade.document = ({ issuedAt, notAfter, ...document }) => ({
        ...document,
        ...change,
        issuedAt: issuedAt - 60_000,
        notAfter: notAfter - 60_000,
      });
    };
    older({ name: 'another instance' });
    expect((await call()).status).toBe(200);
    expect(await known()).toEqual(before);
    for (const change of [
      { mode: 'observe' },
      { acceptsEnvelopes: false },
      { publicPaths: ['/*'] },
      { endpoints: {} },
      { versions: [1] },
    ]) {
      older(change);
      expect(await idOfRejection(call())).toBe('DISCOVERY_FAILED:ROLLED_BACK');
    }
    expect(await known()).toEqual(before);
  });

  test('is not lost by processes that learn at the same time', async () => {
    const { identity, known } = await inFolder();
    const apis = [await serveApi(), await serveApi()];
    const fetches = apis.map(({ url }) => fetchFor(url, { identity: identity() }));
    const stranger = await serveApi({ legacyKeyValidator: () => null });
    for (const fetch of fetches) await idOfRejection(fetch(`${stranger.url}/a`)); // both have read what there was
    for (const fetch of fetches) expect((await fetch('/a')).status).toBe(200);
    expect(await known()).toMatchObject(
      Object.fromEntries(apis.map(({ url }) => [new URL(url).origin, { proven: true }])),
    );
  });

  test.each(['', '{', '[]', '{"version":2,"services":{}}', '{"version":1,"services":{"a":{"did":7}}}'])(
    'stops everything if it cannot be understood: %j',
    async (text) => {
      const { path, identity } = await inFolder();
      const api = await serveApi();
      expect((await fetchFor(api.url, { identity: identity() })('/a')).status).toBe(200);
      await writeFile(`${path}.services.json`, text);
      const before = api.seen.length;
      expect(await idOfRejection(fetchFor(api.url, { identity: identity() })('/a'))).toBe(
        'SERVICE_MEMORY_FAILED',
      );
      expect(api.seen).toHaveLength(before);
    },
  );

  test('is not believed if a document cannot be kept', async () => {
    const services = { load: () => undefined, save: () => Promise.reject(new Error('full')) };
    const api = await serveApi({ mode: 'observe' });
    expect(await idOfRejection(fetchFor(api.url, { services })('/a'))).toBe('SERVICE_MEMORY_FAILED');
    expect(api.handled).toEqual([]);
  });
});

describe('forget(), by the operator', () => {
  /** A service that has proven itself and then is gone: keys only. */
  async function wentBack() {
    const folder = await inFolder();
    const man = await ManInTheMiddle.before((await serveApi()).url);
    const events: FallbackEvent[] = [];
    const options = { ...LOCAL, onFallback: (event: FallbackEvent) => void events.push(event) };
    return { ...folder, man, events, options };
  }

  test('lets xlinkFetch meet the service anew, also after a restart', async () => {
    const { identity, man, events, options, known } = await wentBack();
    const fetch = fetchFor(man.url, { ...options, identity: identity() });
    expect((await fetch('/a')).status).toBe(200);
    man.at(DOCUMENT, gone);
    await fetch.forget(`${man.url}/any/path`);
    expect(await known()).toEqual({});
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'api-key' });
    expect(await (await fetchFor(man.url, { ...options, identity: identity() })('/a')).json()).toMatchObject({
      mode: 'api-key',
    });
    expect(events.map(({ reason }) => reason)).toEqual(['discovery', 'discovery']);
  });

  test('lets it have another identity', async () => {
    const { identity, man, options } = await wentBack();
    const fetch = fetchFor(man.url, { ...options, identity: identity() });
    expect((await fetch('/a')).status).toBe(200);
    const other = await serveApi();
    man.rule = (request) => handOver(other.url, request);
    expect(await idOfRejection(fetchFor(man.url, { identity: identity() })('/a'))).toBe(
      'DISCOVERY_FAILED:OTHER_IDENTITY',
    );
    await fetch.forget(man.url);
    expect((await fetch('/a')).headers.get('xlink-sealed')).toBe('true');
    expect(other.handled).toEqual(['GET /a']);
  });

  test('is there on connections and on DualModeClient', async () => {
    const { identity, man, options, known } = await wentBack();
    const connection = (await connect(man.url, { ...options, apiKey: KEY, identity: identity() })).value!;
    expect((await connection.fetch('/a')).status).toBe(200);
    await connection.fetch.forget(man.url);
    expect(await known()).toEqual({});
    const fallback = { type: 'api-key', key: KEY, url: man.url } as const;
    const client = new DualModeClient({ ...options, fallback, identity: identity() });
    expect((await client.call('a', {})).value).toMatchObject({ mode: 'xlink' });
    man.at(DOCUMENT, gone);
    await client.forget();
    expect((await client.call('a', {})).value).toMatchObject({ mode: 'api-key' });
  });

  test('refuses what is no origin, and forgets nothing', async () => {
    const { identity, man, options, known } = await wentBack();
    const fetch = fetchFor(man.url, { ...options, identity: identity() });
    await fetch('/a');
    for (const origin of ['', 'api.example.com', undefined as never])
      expect(await idOfRejection(fetch.forget(origin))).toBe('INVALID_OPTION');
    await fetch.forget('https://other.example');
    expect(Object.keys(await known())).toEqual([new URL(man.url).origin]);
  });
});
