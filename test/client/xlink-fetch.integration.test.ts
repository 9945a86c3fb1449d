import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type FallbackEvent,
  MemoryTrustRegistry,
  requireScope,
  type TrustRegistry,
  xlinkFetch,
} from '@private.me/xlink';
import {
  fetchFor,
  idOfRejection,
  KEY,
  LOCAL,
  postJson,
  problem,
  rejection,
  type Seen,
  serveApi,
  serveHandmade,
} from './support.js';

const ENROLL = '/.well-known/xlink/enroll';
const DISCOVERY = '/.well-known/xlink.json';
const isXlink = ({ path }: Seen) => !path.startsWith('/.well-known');

/** An API that keeps the Content-Type of what its handlers see. */
async function serveTypes() {
  const types: (string | null)[] = [];
  const api = await serveApi({}, (app) =>
    app.use((req, _res, next) => {
      types.push(req.headers['content-type'] ?? null);
      next();
    }),
  );
  return { ...api, types };
}

describe('a service of two lines', () => {
  test('discovers, enrolls, seals the request and opens the answer', async () => {
    const api = await serveApi();
    const answer = await fetchFor(api.url)('/orders?limit=5', postJson({ item: 'tea' }));
    expect(answer.status).toBe(201);
    expect(answer.url).toBe(`${api.url}/orders?limit=5`);
    expect(answer.headers.get('xlink-sealed')).toBe('true');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toMatchObject({ mode: 'xlink', client: 'acme', body: { item: 'tea' } });
    expect(api.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${DISCOVERY}`,
      `POST ${ENROLL}`,
      'POST /orders?limit=5',
    ]);
    expect(api.adapter.getMetrics()).toMatchObject({ xlinkRequests: 1, apiKeyRequests: 0 });
  });

  test('signs requests without a body in a header', async () => {
    const api = await serveApi();
    const answer = await fetchFor(api.url)('/orders');
    expect(await answer.json()).toMatchObject({ mode: 'xlink' });
    expect(answer.headers.get('xlink-sealed')).toBe('true');
    expect(api.seen.at(-1)!.headers.authorization).toMatch(/^Xlink /);
  });

  test('leaves Authorization to the caller where it is taken', async () => {
    const api = await serveApi();
    await fetchFor(api.url)('/orders', { headers: { Authorization: 'Basic dTpw' } });
    expect(api.seen.at(-1)!.headers).toMatchObject({
      authorization: 'Basic dTpw',
      'xlink-envelope': expect.stringMatching(/^[\w-]+$/),
    });
  });

  test.each([
    ['text', 'a=1', 'text/plain;charset=UTF-8'],
    ['bytes', new TextEncoder().encode('raw'), null],
    ['a form', new URLSearchParams({ a: '1' }), 'application/x-www-form-urlencoded;charset=UTF-8'],
    ['a Blob', new Blob(['x,y'], { type: 'text/csv' }), 'text/csv'],
  ])('seals %s', async (_, body, type) => {
    const api = await serveTypes();
    const answer = await fetchFor(api.url)('/upload', { method: 'PUT', body });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ mode: 'xlink', body: await new Response(body).text() });
    expect(api.types).toEqual([type]);
    expect(api.seen.at(-1)!.headers['content-type']).toBe('application/xlink-envelope');
    expect(api.seen.at(-1)!.body).not.toContain(await new Response(body).text());
  });

  test('seals a multipart form', async () => {
    const form = new FormData();
    form.set('file', new Blob(['content']), 'a.txt');
    const api = await serveApi();
    const answer = await fetchFor(api.url)('/upload', { method: 'POST', body: form });
    expect(await answer.json()).toMatchObject({ mode: 'xlink', body: expect.stringContaining('content') });
  });

  test('takes a Request, an absolute URL and a URL object', async () => {
    const api = await serveApi();
    const fetch = fetchFor(api.url);
    for (const input of [new Request(`${api.url}/a`, postJson(1)), `${api.url}/a`, new URL(`${api.url}/a`)]) {
      expect((await (await fetch(input)).json()) as object).toMatchObject({ mode: 'xlink' });
    }
    expect(api.seen.filter(isXlink)[0]!.headers['content-type']).toBe('application/xlink-envelope');
  });

  test('puts the sealed type in front of what the caller accepts', async () => {
    const api = await serveApi();
    await fetchFor(api.url)('/a', { headers: { Accept: 'text/csv' } });
    expect(api.seen.at(-1)!.headers.accept).toBe('application/xlink-answer, text/csv');
  });

  test.each([204, 205, 304])('opens an answer of status %s, which has no body', async (status) => {
    const api = await serveApi({}, (app) => app.get('/none', (_req, res) => void res.status(status).end()));
    const answer = await fetchFor(api.url)('/none');
    expect([answer.status, answer.headers.get('xlink-sealed'), await answer.text()]).toEqual([
      status,
      'true',
      '',
    ]);
  });

  test('opens sealed errors of the application', async () => {
    const api = await serveApi({}, (app) =>
      app.get('/none', (_req, res) => void res.status(404).json({ no: 1 })),
    );
    const answer = await fetchFor(api.url)('/none');
    expect([answer.status, answer.headers.get('xlink-sealed')]).toEqual([404, 'true']);
    expect(await answer.json()).toEqual({ no: 1 });
  });

  test('takes the answer to HEAD as it is: it has nothing to seal', async () => {
    const api = await serveApi();
    const answer = await fetchFor(api.url)('/orders', { method: 'HEAD' });
    expect([answer.status, answer.headers.get('xlink-sealed')]).toEqual([200, 'false']);
  });

  test('gets plain answers where it does not want sealed ones', async () => {
    const api = await serveApi();
    const answer = await fetchFor(api.url, { sealedAnswers: false })('/orders', postJson(1));
    expect(answer.headers.get('xlink-sealed')).toBe('false');
    expect(await answer.json()).toMatchObject({ mode: 'xlink' });
  });

  test('speaks version 3', async () => {
    const api = await serveApi({}, undefined, { postQuantumSig: true });
    const answer = await fetchFor(api.url, { version: 3 })('/orders', postJson(1));
    expect(await answer.json()).toMatchObject({ mode: 'xlink' });
    expect(JSON.parse(api.seen.at(-1)!.body)).toMatchObject({ version: 3 });
    expect((await fetchFor(api.url, { version: 3 })('/orders')).status).toBe(200);
  });
});

describe('scopes', () => {
  const validator = {
    legacyKeyValidator: () => ({ id: 'acme', scopes: ['orders:read', 'orders:write'] }),
  };

  test('asks for all that was granted, and passes every guard that the key passed [A4]', async () => {
    const api = await serveApi(validator, (app) => {
      for (const can of ['read', 'write'])
        app.get(`/${can}`, requireScope(`orders:${can}`), (_req, res) => void res.json(can));
    });
    for (const options of [{}, { scope: '*' }, { scope: () => '*' }]) {
      const fetch = fetchFor(api.url, options);
      expect(await (await fetch('/a')).json()).toMatchObject({ scope: '*' });
      for (const can of ['read', 'write']) expect(await (await fetch(`/${can}`)).json()).toBe(can);
    }
  });

  test('gets with `*` no more than was granted', async () => {
    const granted = { legacyKeyValidator: () => ({ id: 'acme', scopes: ['orders:read'] }) };
    const api = await serveApi(granted, (app) => {
      for (const can of ['read', 'write'])
        app.get(`/${can}`, requireScope(`orders:${can}`), (_req, res) => void res.json(can));
    });
    const fetch = fetchFor(api.url, { scope: '*' });
    expect(await (await fetch('/read')).json()).toBe('read');
    const refused = await fetch('/write');
    expect([refused.status, await refused.json()]).toMatchObject([403, { scope: 'orders:write' }]);
  });

  test.each([undefined, null, '', 'a b', Promise.resolve('orders:read')])(
    'sends nothing where the function of the options returns no scope: %p',
    async (nothing) => {
      const api = await serveApi(validator);
      const fetch = fetchFor(api.url, { scope: () => nothing as never });
      await expect(fetch('/a')).rejects.toMatchObject({ id: 'INVALID_OPTION', field: 'scope' });
    },
  );

  test('uses the scope of the options, for all requests or for each', async () => {
    const api = await serveApi(validator);
    const fixed = fetchFor(api.url, { scope: 'orders:write' });
    expect(await (await fixed('/a')).json()).toMatchObject({ scope: 'orders:write' });
    const scope = (request: Request) => (request.method === 'GET' ? 'orders:read' : 'orders:write');
    const chosen = fetchFor(api.url, { scope });
    expect(await (await chosen('/a')).json()).toMatchObject({ scope: 'orders:read' });
    expect(await (await chosen('/a', postJson(1))).json()).toMatchObject({ scope: 'orders:write' });
  });

  test('says `*` where none was granted, which opens no guard, and the refusal names the scope [A4]', async () => {
    const api = await serveApi({}, (app) =>
      app.get('/guarded', requireScope('orders:read'), (_req, res) => void res.json('in')),
    );
    const fetch = fetchFor(api.url);
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'xlink', scope: '*' });
    const refused = await fetch('/guarded');
    expect([refused.status, await refused.json()]).toMatchObject([403, { scope: 'orders:read' }]);
  });
});

describe('the key', () => {
  test.each([
    ['X-API-Key', { 'X-API-Key': KEY }],
    ['Authorization: Bearer', { Authorization: `Bearer ${KEY}` }],
    ['Authorization: ApiKey', { Authorization: `ApiKey ${KEY}` }],
    ['a header of its own', { 'X-Custom-Key': KEY }],
  ])('is taken out of %s', async (_, headers) => {
    const api = await serveApi();
    const fetch = fetchFor(api.url);
    await fetch('/a', { ...postJson(1), headers: { ...headers, 'Content-Type': 'application/json' } });
    await fetch('/a', { headers });
    for (const request of api.seen.filter(isXlink)) expect(JSON.stringify(request)).not.toContain(KEY);
  });

  test('is taken out of the configured header, whatever that holds', async () => {
    const api = await serveApi({ apiKey: { headers: ['X-Token'] } });
    await fetchFor(api.url, { apiKeyHeader: 'X-Token' })('/a', { headers: { 'X-Token': 'another' } });
    const [, enroll, request] = api.seen;
    expect(enroll!.headers['x-token']).toBe(KEY);
    expect(request!.headers['x-token']).toBeUndefined();
  });

  const strangerOf = () => serveApi({ legacyKeyValidator: () => ({ customerId: 'anybody' }) });

  test('goes to its own origin only', async () => {
    const [home, other] = [await serveApi(), await strangerOf()];
    const fetch = xlinkFetch({ ...LOCAL, apiKey: KEY, apiKeyOrigin: home.url });
    const error = await rejection(fetch(`${other.url}/a`));
    expect(error).toMatchObject({ cause: { id: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY' } });
    expect((await fetch(`${home.url}/a`)).status).toBe(200);
    expect(JSON.stringify(other.seen)).not.toContain(KEY);
    expect(other.handled).toEqual([]);
  });

  test('goes nowhere if nothing is said, not even to the origin of the first request', async () => {
    const api = await strangerOf();
    const fetch = xlinkFetch({ ...LOCAL, apiKey: KEY });
    expect(await idOfRejection(fetch(`${api.url}/a`))).toBe('ANSWER_INVALID:NOT_SEALED');
    expect(JSON.stringify(api.seen)).not.toContain(KEY);
    expect(api.handled).toEqual([]);
  });

  test('goes along to where a call carries it, to enroll, and not beside the envelope', async () => {
    const [home, other] = [await serveApi(), await serveApi()];
    const fetch = xlinkFetch({ ...LOCAL, apiKey: KEY, apiKeyOrigin: home.url });
    expect((await fetch(`${other.url}/a`, { headers: { 'X-API-Key': KEY } })).status).toBe(200);
    const [, enroll, request] = other.seen;
    expect(enroll!.headers['x-api-key']).toBe(KEY);
    expect(JSON.stringify(request)).not.toContain(KEY);
  });

  test('can travel as a Bearer token', async () => {
    const api = await serveApi();
    expect((await fetchFor(api.url, { apiKeyHeader: 'Authorization' })('/a')).status).toBe(200);
    expect(api.seen[1]!.headers.authorization).toBe(`Bearer ${KEY}`);
  });
});

describe('identities', () => {
  test('uses an agent that was given, and gives the service no rights in its registry', async () => {
    const api = await serveApi();
    const agent = await Agent.quickstart();
    await fetchFor(api.url, { agent })('/a');
    expect(await agent.registry.lookup(api.agent.did)).toBeUndefined();
    expect(await api.agent.registry.lookup(agent.did)).toMatchObject({ status: 'active' });
  });

  test('saves a new identity once, and loads it the next time', async () => {
    const api = await serveApi();
    let stored: Uint8Array | undefined;
    let saved = 0;
    const identity = {
      load: async () => stored,
      save: async (pkcs8: Uint8Array) => {
        stored = pkcs8;
        saved += 1;
      },
    };
    for (let start = 0; start < 3; start++)
      expect((await fetchFor(api.url, { identity })('/a')).status).toBe(200);
    expect(saved).toBe(1);
    const dids = new Set(
      api.seen.filter(({ path }) => path === ENROLL).map(({ body }) => JSON.parse(body).from),
    );
    expect(dids.size).toBe(1);
  });

  test('works without a key for an identity that the service knows', async () => {
    const api = await serveApi();
    const agent = await Agent.quickstart();
    await fetchFor(api.url, { agent })('/a');
    const answer = await xlinkFetch({ ...LOCAL, agent })(`${api.url}/a`);
    expect(answer.status).toBe(200);
    expect(api.count(ENROLL)).toBe(2); // the second asks what the first was granted, without a key
    expect(api.seen.filter(({ path }) => path === ENROLL)[1]!.headers['x-api-key']).toBeUndefined();
  });

  test('finds out its scopes after a restart, although its key is over', async () => {
    const api = await serveApi({ legacyKeyValidator: () => ({ clientId: 'acme', scopes: ['orders'] }) });
    const agent = await Agent.quickstart();
    await fetchFor(api.url, { agent })('/a');
    api.adapter.setMode('xlink-only');
    for (const apiKey of [KEY, undefined]) {
      const restarted = xlinkFetch({ ...LOCAL, agent, ...(apiKey ? { apiKey } : {}) });
      const answer = await restarted(`${api.url}/a`);
      expect(answer.status).toBe(200);
    }
  });

  test('goes on with a known identity when keys are over', async () => {
    const api = await serveApi();
    const agent = await Agent.quickstart();
    await fetchFor(api.url, { agent })('/a');
    api.adapter.setMode('xlink-only');
    expect((await fetchFor(api.url, { agent })('/a')).status).toBe(200);
  });

  const forgotten = () => problem(401, 'VERIFICATION_FAILED', 'DID_NOT_IN_REGISTRY');

  test('enrolls again with a service that has forgotten it and has not proven itself', async () => {
    const handmade = await serveHandmade();
    const fetch = fetchFor(handmade.url);
    handmade.misbehave = forgotten;
    const error = await rejection(fetch('/a'));
    expect(error).toMatchObject({
      id: 'ANSWER_INVALID:NOT_SEALED',
      cause: { subCode: 'DID_NOT_IN_REGISTRY' },
    });
    expect(error.message).not.toContain('forget(origin)');
    handmade.misbehave = () => undefined;
    expect((await fetch('/a')).status).toBe(200);
    expect(handmade.seen.filter(({ path }) => path === ENROLL)).toHaveLength(2);
  });

  test('does not bring the key back to one that has proven itself, until the operator says so', async () => {
    let entries = new MemoryTrustRegistry();
    const registry: TrustRegistry = {
      lookup: (did) => entries.lookup(did),
      register: (entry) => entries.register(entry),
      updateKeys: (record) => entries.updateKeys(record),
    };
    const api = await serveApi({}, undefined, { registry });
    const fetch = fetchFor(api.url);
    expect((await fetch('/a')).status).toBe(200);
    entries = new MemoryTrustRegistry();
    await entries.register({ did: api.agent.did, keys: await api.agent.keyRecord() });
    const before = api.seen.length;
    for (let call = 0; call < 2; call++) {
      const error = await rejection(fetch('/a'));
      expect(error).toMatchObject({
        id: 'ANSWER_INVALID:NOT_SEALED',
        cause: { subCode: 'DID_NOT_IN_REGISTRY' },
      });
      expect(error.message).toContain('call forget(origin)');
    }
    expect(JSON.stringify(api.seen.slice(before))).not.toContain(KEY);
    await fetch.forget(api.url);
    expect((await fetch('/a')).status).toBe(200);
    const enrolled = api.seen
      .filter(({ path }) => path === ENROLL)
      .map(({ headers }) => 'x-api-key' in headers);
    expect(enrolled).toEqual([true, false, true]); // in between it asks without the key
  });
});

describe('at the same time', () => {
  test('makes one discovery and one enrollment for 20 first calls', async () => {
    const api = await serveApi();
    const events: FallbackEvent[] = [];
    const fetch = fetchFor(api.url, { onFallback: (event) => events.push(event) });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (await fetch(`/n/${i}`, postJson(i))).json()),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => expect.objectContaining({ body: i })));
    expect([api.count(DISCOVERY), api.count(ENROLL), api.handled.length]).toEqual([1, 1, 20]);
    expect(events).toEqual([]);
  });
});
