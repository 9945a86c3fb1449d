import { once } from 'node:events';
import { type RequestListener, request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { Agent, type FallbackEvent, type XlinkFetchOptions } from '@private.me/xlink';
import { listen } from '../support/listen.js';
import { restOf } from '../support/responses.js';
import {
  fetchFor,
  type Handmade,
  idOfRejection,
  JSON_HEADERS,
  KEY,
  postJson,
  problem,
  rejection,
  type Seen,
  serveApi,
  serveHandmade,
} from './support.js';

const ENROLL = '/.well-known/xlink/enroll';

/** A service of old: no xLink, one good key. `discovery` says how it answers what it does not know. */
async function serveOld(discovery = 404, seen: Seen[] = []): Promise<string> {
  const { url } = await listen(async (req, res) => {
    seen.push({
      method: req.method!,
      path: req.url!,
      headers: { ...req.headers },
      body: (await restOf(req)).toString(),
    });
    if (req.url!.startsWith('/.well-known')) return void res.writeHead(discovery).end();
    if (req.url === '/moved') return void res.writeHead(302, { Location: '/a' }).end();
    if (req.url === '/away') return void res.writeHead(302, { Location: 'http://127.0.0.1:9/a' }).end();
    res.writeHead(req.headers['x-api-key'] === KEY ? 200 : 401, { 'Xlink-Sealed': 'true' }).end('old');
  });
  return url;
}

function watched(options: XlinkFetchOptions = {}) {
  const events: FallbackEvent[] = [];
  return { events, options: { ...options, onFallback: (event: FallbackEvent) => void events.push(event) } };
}

const keyed = (seen: readonly Seen[]) =>
  seen.filter(({ headers, path }) => headers['x-api-key'] !== undefined && !path.startsWith('/.well-known'));

describe('the key takes over', () => {
  test.each([404, 410])('if discovery says %s', async (status) => {
    const seen: Seen[] = [];
    const url = await serveOld(status, seen);
    const { events, options } = watched();
    const fetch = fetchFor(url, options);
    const answer = await fetch('/a', postJson({ n: 1 }));
    expect([answer.status, answer.headers.get('xlink-sealed'), await answer.text()]).toEqual([
      200,
      'false',
      'old',
    ]);
    await fetch('/a');
    expect(events).toEqual([
      { reason: 'discovery', origin: url },
      { reason: 'discovery', origin: url },
    ]);
    expect(seen.map(({ path }) => path)).toEqual(['/.well-known/xlink.json', '/a', '/a']);
    expect(seen[1]).toMatchObject({
      body: '{"n":1}',
      headers: { 'content-type': 'application/json', accept: '*/*' },
    });
  });

  test('if there is nowhere to enroll an identity that was made just now', async () => {
    const api = await serveApi({ clients: undefined as never });
    const { events, options } = watched();
    expect(await (await fetchFor(api.url, options)('/a')).json()).toMatchObject({ mode: 'api-key' });
    expect(events).toEqual([{ reason: 'enrollment', origin: api.url }]);
    const agent = await Agent.quickstart();
    await api.agent.registry.register({ did: agent.did, keys: await agent.keyRecord() });
    expect(await (await fetchFor(api.url, { agent })('/a')).json()).toMatchObject({ mode: 'xlink' });
  });

  test('if the service refuses the envelope with a signed XLINK_NOT_SUPPORTED', async () => {
    const api = await serveApi();
    const { events, options } = watched();
    const fetch = fetchFor(api.url, options);
    await fetch('/a');
    api.adapter.setMode('observe');
    const answer = await fetch('/pay', postJson({ n: 1 }));
    expect(await answer.json()).toMatchObject({ mode: 'api-key', body: { n: 1 } });
    expect(events).toEqual([{ reason: 'refused', origin: api.url }]);
    expect(api.handled.filter((line) => line === 'POST /pay')).toHaveLength(1);
  });

  test('for a client or a route that the service has moved back, of which discovery says nothing', async () => {
    const api = await serveApi({ routeModes: [{ path: '/old', mode: 'observe' }] });
    const fetch = fetchFor(api.url);
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'xlink' });
    expect(await (await fetch('/old')).json()).toMatchObject({ mode: 'api-key' });
    api.adapter.setMode('observe', undefined, { client: 'acme' });
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'api-key' });
    api.adapter.clearMode({ client: 'acme' });
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'xlink' });
  });

  test('not if the refusal is older than a document that was seen since', async () => {
    const handmade = await serveHandmade();
    let aheadMs = 0;
    handmade.document = ({ issuedAt, notAfter, ...document }) => ({
      ...document,
      issuedAt: issuedAt + aheadMs,
      notAfter: notAfter + aheadMs,
    });
    handmade.misbehave = ({ refuse }) => refuse(415, 'XLINK_NOT_SUPPORTED');
    const { events, options } = watched();
    expect((await fetchFor(handmade.url, options)('/a')).headers.get('xlink-sealed')).toBe('false'); // by key
    aheadMs = 60_000;
    const refused = await fetchFor(handmade.url, options)('/b');
    expect([refused.status, refused.headers.get('xlink-sealed')]).toEqual([415, 'signed']);
    expect(events.map(({ reason }) => reason)).toEqual(['refused']);
    expect(keyed(handmade.seen).map(({ path }) => path)).toEqual(['/a']);
  });

  test('in observe mode, with an envelope beside it', async () => {
    const api = await serveApi({ mode: 'observe' });
    const { events, options } = watched();
    const fetch = fetchFor(api.url, options);
    for (const init of [{}, postJson({ n: 1 }), { method: 'PUT', body: 'text' }])
      expect(await (await fetch('/a?b=c', init)).json()).toMatchObject({ mode: 'api-key' });
    expect(
      api.events
        .filter(({ type }) => type === 'observed')
        .map((event) => (event as { reason: string }).reason),
    ).toEqual(['ok', 'ok', 'ok']);
    expect(events.map(({ reason }) => reason)).toEqual(['observe', 'observe', 'observe']);
    expect(api.seen.at(-1)!.headers).toMatchObject({
      'x-api-key': KEY,
      'xlink-envelope': expect.any(String),
    });
    expect(api.handled).toHaveLength(3);
  });

  test('in observe mode, whatever happens to the envelope', async () => {
    const api = await serveApi({ mode: 'observe', clients: undefined as never });
    const fetch = fetchFor(api.url, { version: 3 });
    expect((await fetch('/a', postJson({}))).status).toBe(201);
    expect(api.seen.at(-1)!.headers['xlink-envelope']).toBeUndefined();
  });
});

/** A service that offers enrollment and never finishes it. */
async function serveStuckEnrollment(mode: string, seen: Seen[]): Promise<string> {
  const handmade = await serveHandmade();
  handmade.document = (document) => ({ ...document, mode, acceptsEnvelopes: mode !== 'observe' });
  return serveBefore(handmade, seen, (req, res) => {
    if (req.url !== ENROLL) res.writeHead(200).end();
  });
}

/** Answers in the place of a service everything but discovery. */
async function serveBefore(handmade: Handmade, seen: Seen[], answer: RequestListener): Promise<string> {
  const { url } = await listen(async (req, res) => {
    const body = (await restOf(req)).toString();
    seen.push({ method: req.method!, path: req.url!, headers: { ...req.headers }, body });
    if (req.url !== '/.well-known/xlink.json') return void answer(req, res);
    const asked = request(handmade.url + req.url, { headers: { host: req.headers.host } });
    asked.end();
    const [found] = await once(asked, 'response');
    res.writeHead(found.statusCode, { 'Content-Type': 'application/json' }).end(await restOf(found));
  });
  return url;
}

describe('an enrollment that hangs', () => {
  test('is given up, and the key does not take over', async () => {
    const seen: Seen[] = [];
    const { events, options } = watched({ timeoutMs: 300 });
    const fetch = fetchFor(await serveStuckEnrollment('hybrid', seen), options);
    expect(await idOfRejection(fetch('/a', postJson({})))).toBe('ENROLLMENT_FAILED');
    expect([keyed(seen), events]).toEqual([[], []]);
  });

  test('holds requests up once in observe mode, and then not for a minute', async () => {
    const seen: Seen[] = [];
    const fetch = fetchFor(await serveStuckEnrollment('observe', seen), { timeoutMs: 300 });
    for (let i = 0; i < 3; i++) expect((await fetch('/a')).status).toBe(200);
    expect(seen.filter(({ path }) => path === '/.well-known/xlink/enroll')).toHaveLength(1);
    expect(keyed(seen)).toHaveLength(3);
  });
});

describe('the key does not take over', () => {
  const cases: [string, Handmade['misbehave'], string?][] = [
    ...[400, 401, 403, 404, 405, 409, 410, 415, 426, 429, 500, 502, 503].map(
      (status): [string, Handmade['misbehave']] => [
        `after ${status}`,
        () => ({ status, headers: { 'Content-Type': 'text/plain' } }),
      ],
    ),
    ['after a 415 XLINK_NOT_SUPPORTED that nobody signed', () => problem(415, 'XLINK_NOT_SUPPORTED')],
    ['after 401 with XLINK_NOT_SUPPORTED', () => problem(401, 'XLINK_NOT_SUPPORTED')],
    ['after 401 with API_KEY_REQUIRED', () => problem(401, 'CREDENTIALS_MISSING')],
    ['after 415 of another kind', () => problem(415, 'CONTENT_ENCODING_UNSUPPORTED')],
    [
      'after 415 that is no problem document',
      () => ({
        status: 415,
        body: '{"code":"XLINK_NOT_SUPPORTED"}',
        headers: { 'Content-Type': 'application/json' },
      }),
    ],
    ['after REPLAY_DETECTED', () => problem(409, 'REPLAY_DETECTED')],
    ['after the nonce store was down', () => problem(503, 'NONCE_STORE_UNAVAILABLE')],
    ['after an unsealed 200', () => ({ status: 200, headers: { 'Content-Type': 'application/json' } })],
    ['after a bad answer', () => ({ status: 200, body: '{}' }), 'ANSWER_INVALID'],
    [
      'after a refusal that another service signed',
      async ({ agent, refuse }) => {
        const other = await Agent.quickstart({ registry: agent.registry });
        return refuse(415, 'XLINK_NOT_SUPPORTED', { agent: other });
      },
      'ANSWER_INVALID',
    ],
    [
      'after a signed refusal of another request',
      ({ refuse }) => refuse(415, 'XLINK_NOT_SUPPORTED', { inReplyTo: 'AAAAAAAAAAAAAAAAAAAAAA' }),
      'ANSWER_INVALID',
    ],
    [
      'after a signed refusal of another path',
      ({ refuse }) => refuse(415, 'XLINK_NOT_SUPPORTED', { request: 'POST /a' }),
      'ANSWER_INVALID',
    ],
  ];

  test.each(cases)(
    '%s, and nothing is sent twice',
    async (_, misbehave, id = 'ANSWER_INVALID:NOT_SEALED') => {
      const handmade = await serveHandmade();
      handmade.misbehave = misbehave;
      const { events, options } = watched();
      expect(await idOfRejection(fetchFor(handmade.url, options)('/pay', postJson({})))).toBe(id);
      expect(handmade.seen.filter(({ path }) => path === '/pay')).toHaveLength(1);
      expect([keyed(handmade.seen), events]).toEqual([[], []]);
    },
  );

  test.each([401, 403, 409, 429, 503])(
    'after a signed refusal with %s, which is handed over',
    async (status) => {
      const handmade = await serveHandmade();
      handmade.misbehave = ({ refuse }) => refuse(status, 'SCOPE_DENIED');
      const { events, options } = watched();
      const answer = await fetchFor(handmade.url, options)('/pay', postJson({}));
      expect([answer.status, answer.headers.get('xlink-sealed')]).toEqual([status, 'signed']);
      expect(handmade.seen.filter(({ path }) => path === '/pay')).toHaveLength(1);
      expect([keyed(handmade.seen), events]).toEqual([[], []]);
    },
  );

  test('after the connection broke', async () => {
    const handmade = await serveHandmade();
    handmade.misbehave = () => Promise.reject(new Error('gone'));
    const { events, options } = watched();
    await rejection(fetchFor(handmade.url, options)('/pay', postJson({})));
    expect(handmade.seen.filter(({ path }) => path === '/pay')).toHaveLength(1);
    expect(events).toEqual([]);
  });

  test.each([401, 403, 405, 415, 451, 500, 503])('if discovery says %s', async (status) => {
    const seen: Seen[] = [];
    const { events, options } = watched();
    const fetch = fetchFor(await serveOld(status, seen), options);
    expect(await idOfRejection(fetch('/a'))).toBe('DISCOVERY_FAILED');
    expect([keyed(seen), events]).toEqual([[], []]);
  });

  test('if discovery takes too long', async () => {
    const { url } = await listen(() => {});
    const { events, options } = watched({ timeoutMs: 100 });
    expect(await idOfRejection(fetchFor(url, options)('/a'))).toBe('DISCOVERY_FAILED:TIMEOUT');
    expect(events).toEqual([]);
  });

  test.each([
    [401, 'API_KEY_INVALID', 'API_KEY_INVALID'],
    [409, 'ENROLLMENT_REFUSED:TOO_MANY', 'ENROLLMENT_REFUSED:TOO_MANY'],
    [403, 'VERIFICATION_FAILED:DID_REVOKED', 'VERIFICATION_FAILED:DID_REVOKED'],
    [500, 'NONSENSE', 'ENROLLMENT_FAILED'],
    [404, 'NONSENSE', 'ENROLLMENT_FAILED'],
    [410, 'NONSENSE', 'ENROLLMENT_FAILED'],
    [415, 'NONSENSE', 'ENROLLMENT_FAILED'],
    [415, 'XLINK_NOT_SUPPORTED', 'XLINK_NOT_SUPPORTED'],
    [302, 'XLINK_REQUIRED', 'ANSWER_INVALID:NOT_SEALED'], // keys are over: it goes on with the envelope
  ])('if enrollment says %s %s', async (status, code, id) => {
    const seen: Seen[] = [];
    const [main, subCode] = code.split(':') as [string, string?];
    const url = await serveBefore(await serveHandmade(), seen, (req, res) => {
      if (req.url === '/a') return void res.writeHead(401).end();
      const { headers, body } = problem(status, main, subCode);
      res.writeHead(status, { ...headers, Location: '/a' }).end(body);
    });
    const { events, options } = watched();
    expect(await idOfRejection(fetchFor(url, options)('/a', postJson({})))).toBe(id);
    expect([keyed(seen), events]).toEqual([[], []]);
  });

  test('where it is for another origin, or there is none', async () => {
    const url = await serveOld();
    expect(await idOfRejection(fetchFor(url, { apiKeyOrigin: 'https://other.example' })('/a'))).toBe(
      'DISCOVERY_FAILED:NOT_SUPPORTED',
    );
    expect(await idOfRejection(fetchFor(url, { apiKey: undefined as never })('/a'))).toBe(
      'DISCOVERY_FAILED:NOT_SUPPORTED',
    );
  });
});

describe('a service that has just started', () => {
  const coldStart = () => problem(503, 'NONCE_STORE_UNAVAILABLE', 'COLD_START');

  test('gets a read once more, sealed anew', async () => {
    const handmade = await serveHandmade();
    const nonces: string[] = [];
    handmade.misbehave = ({ message }) => (nonces.push(message.envelopeId) === 1 ? coldStart() : undefined);
    expect((await fetchFor(handmade.url)('/read')).status).toBe(200);
    expect(new Set(nonces).size).toBe(2);
  });

  test('gets a write once more only if it carries an Idempotency-Key', async () => {
    const handmade = await serveHandmade();
    let calls = 0;
    handmade.misbehave = () => (++calls === 1 ? coldStart() : undefined);
    const fetch = fetchFor(handmade.url);
    const headers = { ...JSON_HEADERS, 'Idempotency-Key': 'order-1' };
    expect((await fetch('/pay', { ...postJson({}), headers })).status).toBe(200);
    calls = 0;
    expect(await rejection(fetch('/pay', postJson({})))).toMatchObject({
      id: 'ANSWER_INVALID:NOT_SEALED',
      cause: { id: 'NONCE_STORE_UNAVAILABLE:COLD_START' },
    });
    expect(calls).toBe(1);
  });

  test.each(['GET', 'POST'])('gets no third time: %s', async (method) => {
    const handmade = await serveHandmade();
    handmade.misbehave = coldStart;
    const headers = { 'Idempotency-Key': 'order-1' };
    expect(await rejection(fetchFor(handmade.url)('/pay', { method, headers }))).toMatchObject({
      id: 'ANSWER_INVALID:NOT_SEALED',
      cause: { subCode: 'COLD_START' },
    });
    expect(handmade.seen.filter(({ path }) => path === '/pay')).toHaveLength(2);
  });
});

describe('a request with the key', () => {
  test('follows redirects within the origin, and takes the key nowhere else', async () => {
    const fetch = fetchFor(await serveOld());
    expect(await (await fetch('/moved')).text()).toBe('old');
    expect((await fetch('/moved', { redirect: 'manual' })).status).toBe(302);
    await rejection(fetch('/moved', { redirect: 'error' }));
    expect(await rejection(fetch('/away'))).toMatchObject({
      id: 'FETCH_OPTION_UNSUPPORTED',
      field: 'redirect',
    });
    expect(await (await fetch('/moved', postJson({}))).text()).toBe('old'); // by GET, as fetch does
  });

  test('survives an observer that throws', async () => {
    const onFallback = () => {
      throw new Error('broken');
    };
    expect((await fetchFor(await serveOld(), { onFallback })('/a')).status).toBe(200);
  });
});

describe('a client that the service has moved on', () => {
  test('is served by its envelope from the next request on, though the service as a whole observes', async () => {
    const api = await serveApi({ mode: 'observe' });
    const fetch = fetchFor(api.url);
    expect(await (await fetch('/a')).json()).toMatchObject({ mode: 'api-key' });
    api.adapter.setMode('xlink-only', undefined, { client: 'acme' });
    for (let request = 0; request < 2; request++) {
      const moved = await (await fetch('/a')).json(); // its key counts no more, the envelope beside it does
      expect(moved).toMatchObject({ mode: 'xlink', client: 'acme' });
    }
  });
});
