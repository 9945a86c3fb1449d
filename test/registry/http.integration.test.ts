import { createServer, type RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { HttpTrustRegistry, type HttpTrustRegistryOptions } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { listen } from '../support/http.js';
import { errorOf, idOf, thrownBy } from '../support/results.js';

const ALICE = (await identityOf('alice', 1)).did;
const BOB = (await identityOf('bob', 1)).did;
const TOKEN = 'token-canary-2b8e61f0';

const JSON_TYPE = { 'content-type': 'application/json' };
const PROBLEM = { 'content-type': 'application/problem+json' };
const UNKNOWN = { code: 'LOOKUP_FAILED', subCode: 'DID_NOT_IN_REGISTRY' };

/** A registry that is asked one thing and answers this. */
async function answering(listener: RequestListener, options: Partial<HttpTrustRegistryOptions> = {}) {
  const requests: {
    method?: string | undefined;
    url?: string | undefined;
    authorization?: string | undefined;
  }[] = [];
  const server = createServer((req, res) => {
    requests.push({ method: req.method, url: req.url, authorization: req.headers.authorization });
    listener(req, res);
  });
  const baseUrl = (await listen(server)).url;
  return {
    requests,
    baseUrl,
    registry: new HttpTrustRegistry({ baseUrl, authToken: TOKEN, timeoutMs: 2000, ...options }),
  };
}
const sends =
  (status: number, headers: Record<string, string>, body: unknown): RequestListener =>
  (_, res) =>
    void res.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));

const entry = { did: ALICE, status: 'active' };
/** Shows the entry at revision 5, and answers changes like this. */
const toChanges =
  (listener: RequestListener): RequestListener =>
  (req, res) =>
    (req.method === 'GET' ? sends(200, JSON_TYPE, { ...entry, revision: 5 }) : listener)(req, res);

describe('a lookup', () => {
  test('takes an entry of the DID, and sends no token', async () => {
    const { registry, requests } = await answering(sends(200, JSON_TYPE, entry));
    expect(await registry.lookup(ALICE)).toStrictEqual(entry);
    expect(requests).toEqual([
      { method: 'GET', url: `/registry/resolve/${ALICE}`, authorization: undefined },
    ]);
  });

  test('of what is no DID asks nobody', async () => {
    const { registry, requests } = await answering(sends(200, JSON_TYPE, entry));
    for (const did of ['', '../list', 'did:web:x', 5])
      expect(await registry.lookup(did as string)).toBeUndefined();
    expect(requests).toEqual([]);
  });

  test('knows that a DID is unknown when the registry itself says so', async () => {
    const { registry } = await answering(sends(404, PROBLEM, { ...UNKNOWN, did: ALICE }));
    expect(await registry.lookup(ALICE)).toBeUndefined();
  });

  test.each<[string, number, Record<string, string>, unknown]>([
    ['a 404 page', 404, { 'content-type': 'text/html' }, '<h1>Not found</h1>'],
    ['a 404 of some other API', 404, JSON_TYPE, { error: 'not found' }],
    ['a 404 of a route that is not there', 404, PROBLEM, { type: 'about:blank', status: 404 }],
    ['a 404 about another DID', 404, PROBLEM, { ...UNKNOWN, did: BOB }],
    ['a 404 about no DID', 404, PROBLEM, UNKNOWN],
    ['a 404 that repeats the DID', 404, PROBLEM, { did: ALICE }],
    ['"unknown" with another status', 410, PROBLEM, { ...UNKNOWN, did: ALICE }],
    ['"unknown" with status 200', 200, JSON_TYPE, { ...UNKNOWN, did: ALICE }],
    ['an entry of another DID', 200, JSON_TYPE, { ...entry, did: BOB }],
    ['an entry with status 201', 201, JSON_TYPE, entry],
    ['an entry in HTML', 200, { 'content-type': 'text/html' }, entry],
    ['an entry without a type', 200, {}, entry],
    ['a list of entries', 200, JSON_TYPE, [entry]],
    ['null', 200, JSON_TYPE, 'null'],
    ['nothing', 200, JSON_TYPE, ''],
    ['half an entry', 200, JSON_TYPE, JSON.stringify(entry).slice(0, -3)],
    ['a byte-order mark', 200, JSON_TYPE, '\ufeff{}'],
    ['no status', 200, JSON_TYPE, { did: ALICE }],
    ['another status', 200, JSON_TYPE, { ...entry, status: 'ACTIVE' }],
    ['scopes as text', 200, JSON_TYPE, { ...entry, sendScopes: '*' }],
    ['scopes as null', 200, JSON_TYPE, { ...entry, sendScopes: null }],
    ['a revision that is none', 200, JSON_TYPE, { ...entry, revision: 0 }],
    ['a restriction it does not know', 200, JSON_TYPE, { ...entry, notAfter: 5 }],
    [
      'another prototype',
      200,
      JSON_TYPE,
      `{"did":"${ALICE}","status":"active","__proto__":{"sendScopes":["*"]}}`,
    ],
    [
      'keys of another DID',
      200,
      JSON_TYPE,
      { ...entry, keys: { did: BOB, epoch: 1, x25519: 'x', signature: 'y' } },
    ],
    [
      'keys without an epoch',
      200,
      JSON_TYPE,
      { ...entry, keys: { did: ALICE, x25519: 'x', signature: 'y' } },
    ],
    ['a redirect', 302, { location: '/elsewhere' }, ''],
    ['a redirect with an entry', 307, { ...JSON_TYPE, location: '/elsewhere' }, entry],
    ['unauthorized', 401, PROBLEM, { code: 'REGISTRATION_FAILED', subCode: 'UNAUTHORIZED' }],
    ['a failure', 500, PROBLEM, { ...UNKNOWN, did: ALICE }],
    ['a failure of a proxy', 502, { 'content-type': 'text/html' }, 'Bad gateway'],
    ['too much', 200, JSON_TYPE, ' '.repeat(9 * 1024 * 1024) + JSON.stringify(entry)],
  ])('that is answered with %s is not possible now', async (_, status, headers, body) => {
    const { registry, requests } = await answering(sends(status, headers, body));
    expect(await thrownBy(() => registry.lookup(ALICE))).toMatchObject({ id: 'LOOKUP_FAILED', status: 503 });
    expect(requests).toHaveLength(1); // no redirect was followed
  });

  test.each<[string, RequestListener]>([
    ['never answers', () => {}],
    ['never ends its answer', (_, res) => void res.writeHead(200, JSON_TYPE).write('{')],
  ])('of a registry that %s ends when the time is up', async (_, listener) => {
    const { registry } = await answering(listener, { timeoutMs: 150 });
    const error = await thrownBy(() => registry.lookup(ALICE));
    expect(error).toMatchObject({
      id: 'LOOKUP_FAILED',
      cause: { message: 'the registry did not answer within 150 ms' },
    });
  });

  test('ends in time whatever the fetch it was given does', async () => {
    const registry = new HttpTrustRegistry({
      baseUrl: 'https://trust.example',
      timeoutMs: 50,
      fetch: () => new Promise(() => {}),
    });
    expect(idOf(await registry.revoke(ALICE))).toBe('REGISTRATION_FAILED');
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
  });

  test('of a registry that is not there says why', async () => {
    const server = createServer();
    const { port } = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const registry = new HttpTrustRegistry({ baseUrl: `http://127.0.0.1:${port}` });
    const error = await thrownBy(() => registry.lookup(ALICE));
    expect(error).toMatchObject({ id: 'LOOKUP_FAILED', cause: { cause: { code: 'ECONNREFUSED' } } });
  });
});

describe('a change', () => {
  test.each<[string, number, Record<string, string>, unknown, string]>([
    ['a page', 200, { 'content-type': 'text/html' }, 'Welcome', 'REGISTRATION_FAILED'],
    ['some JSON', 200, JSON_TYPE, { ok: true }, 'REGISTRATION_FAILED'],
    ['the DID of another', 200, JSON_TYPE, { ok: true, did: BOB }, 'REGISTRATION_FAILED'],
    ['a redirect', 308, { location: '/elsewhere' }, '', 'REGISTRATION_FAILED'],
    ['a failure', 503, PROBLEM, { code: 'LOOKUP_FAILED' }, 'REGISTRATION_FAILED'],
    ['a refusal with status 200', 200, PROBLEM, UNKNOWN, 'REGISTRATION_FAILED'],
    ['an error that no registry has', 400, PROBLEM, { code: 'REPLAY_DETECTED' }, 'REGISTRATION_FAILED'],
    ['an error by a name of Object', 400, PROBLEM, { code: 'constructor' }, 'REGISTRATION_FAILED'],
    ['unknown DID', 404, PROBLEM, UNKNOWN, 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY'],
    [
      'unauthorized',
      401,
      PROBLEM,
      { code: 'REGISTRATION_FAILED', subCode: 'UNAUTHORIZED' },
      'REGISTRATION_FAILED:UNAUTHORIZED',
    ],
    ['success', 200, JSON_TYPE, { ok: true, did: ALICE }, 'ok'],
  ])('that is answered with %s', async (_, status, headers, body, id) => {
    const { registry, requests } = await answering(toChanges(sends(status, headers, body)));
    const result = await registry.revoke(ALICE);
    expect(idOf(result)).toBe(id);
    if (id === 'REGISTRATION_FAILED') expect(errorOf(result).cause).toBeInstanceOf(Error);
    expect(requests).toEqual([
      { method: 'GET', url: `/registry/resolve/${ALICE}`, authorization: undefined },
      { method: 'POST', url: '/registry/revoke', authorization: `Bearer ${TOKEN}` },
    ]);
  });

  test('tells of a member at fault, but does not repeat what the registry made up', async () => {
    const refused = (field: unknown) => sends(400, PROBLEM, { code: 'REGISTRATION_FAILED', field });
    const fieldFor = async (field: unknown) =>
      errorOf(await (await answering(toChanges(refused(field)))).registry.revoke(ALICE)).field;
    expect(await fieldFor('scopes')).toBe('scopes');
    for (const field of ['<b>', 'x'.repeat(33), 5, {}]) expect(await fieldFor(field)).toBeUndefined();
  });

  test('shows the token in no error', async () => {
    const { registry } = await answering(toChanges(sends(500, JSON_TYPE, {})));
    const error = errorOf(await registry.revoke(ALICE));
    expect(JSON.stringify([error, error.message, error.stack, String(error.cause)])).not.toContain(TOKEN);
  });
});

describe('a list', () => {
  test('ends even if the registry turns its pages for ever', async () => {
    const { registry } = await answering(sends(200, JSON_TYPE, { entries: [entry], next: ALICE }));
    expect((await thrownBy(() => registry.list())).id).toBe('LOOKUP_FAILED');
  });

  test('with one bad entry is not possible', async () => {
    for (const entries of [[entry, { did: 'x', status: 'active' }], [null], 'x', undefined]) {
      const { registry } = await answering(sends(200, JSON_TYPE, { entries }));
      expect((await thrownBy(() => registry.list())).id).toBe('LOOKUP_FAILED');
    }
  });
});

describe('options', () => {
  test.each<[object, string]>([
    [{}, 'baseUrl'],
    [{ baseUrl: 'trust.example' }, 'baseUrl'],
    [{ baseUrl: 'ftp://trust.example' }, 'baseUrl'],
    [{ baseUrl: 'https://user:pass@trust.example' }, 'baseUrl'],
    [{ baseUrl: 'https://trust.example?x=1' }, 'baseUrl'],
    [{ baseUrl: 'http://trust.example' }, 'baseUrl'],
    [{ baseUrl: 'http://127.0.0.1.evil.example' }, 'baseUrl'],
    [{ baseUrl: 'https://trust.example', authToken: 'a\r\nb: c' }, 'authToken'],
    [{ baseUrl: 'https://trust.example', token: 'x' }, 'token'],
    [{ baseUrl: 'https://trust.example', timeoutMs: 0 }, 'timeoutMs'],
  ])('%j are refused', (options, field) => {
    expect(() => new HttpTrustRegistry(options as HttpTrustRegistryOptions)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field }),
    );
  });

  test('http is for this machine, unless asked for', () => {
    for (const baseUrl of [
      'http://localhost:1',
      'http://127.0.0.1:1/',
      'http://[::1]:1',
      'https://trust.example/a/',
    ])
      expect(() => new HttpTrustRegistry({ baseUrl })).not.toThrow();
    expect(() => new HttpTrustRegistry({ baseUrl: 'http://trust', unsafeAllowHttp: true })).not.toThrow();
  });
});
