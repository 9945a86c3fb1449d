import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  createSuccession,
  generateIdentity,
  Identity,
  MemorySequenceStore,
  type MemoryTrustRegistry,
  PolicyEngine,
  requireScope,
  type XlinkFetchOptions,
  xlinkFetch,
} from '@private.me/xlink';
import { fetchFor, idOfRejection, KEY, LOCAL, postJson } from '../client/support.js';
import { unwrap } from '../support/results.js';
import { memoryTickets, RawCaller, type SessionApi, serveSessions } from './support.js';

const PATH = '/.well-known/xlink/session';
const formOf = async (answer: Promise<Response>) => ((await (await answer).json()) as { form: string }).form;

describe('a client of a service with sessions', () => {
  let api: SessionApi;
  let call: ReturnType<typeof fetchFor>;
  const clientOf = (more: XlinkFetchOptions = {}) => fetchFor(api.url, more);

  beforeEach(async () => {
    api = await serveSessions({ never: ['pay'] }, { clientScopes: () => ['*'] }, (app) => {
      app.use('/pay', requireScope('pay'));
      app.use('/no', (_req, res) => void res.sendStatus(403));
      app.post('/echo', (req, res) => {
        res.setHeader('content-type', req.headers['content-type'] ?? '');
        req.pipe(res);
      });
      app.get('/events', (_req, res) => {
        res.write('data: 1\n\n');
        setTimeout(() => res.end('data: 2\n\n'), 20);
      });
    });
    call = clientOf();
  });

  test('opens one at its second call, and goes on in it', async () => {
    const forms = [];
    for (let i = 0; i < 4; i++) forms.push(await formOf(call('/form', postJson({ i }))));
    expect(forms).toEqual(['envelope', 'session', 'session', 'session']);
    expect(api.count(PATH)).toBe(1);
    const opened = api.events.filter(({ type }) => type === 'session');
    expect(opened.map((event) => Object.keys(event).sort())).toEqual([
      ['client', 'did', 'notAfter', 'type', 'version'],
    ]);
  });

  test('uses one for all calls at the same time', async () => {
    await call('/form');
    const forms = await Promise.all(
      Array.from({ length: 40 }, (_, i) => formOf(call('/form', postJson({ i })))),
    );
    expect(new Set(forms)).toEqual(new Set(['session']));
    expect(api.count(PATH)).toBe(1);
  });

  test('can be told to use none', async () => {
    const without = clientOf({ session: false });
    for (let i = 0; i < 3; i++) expect(await formOf(without('/form'))).toBe('envelope');
    expect(api.count(PATH)).toBe(0);
  });

  test.each([
    ['text', 'a=1', 'text/plain;charset=UTF-8'],
    ['bytes', new Uint8Array([0, 255, 1]), ''],
    ['a form', new URLSearchParams({ a: '1' }), 'application/x-www-form-urlencoded;charset=UTF-8'],
    ['a Blob', new Blob(['x,y'], { type: 'text/csv' }), 'text/csv'],
    ['much', new Uint8Array(300_000).fill(7), ''],
  ])('seals %s and what comes back', async (_, body, type) => {
    await call('/form');
    const answer = await call('/echo', { method: 'POST', body });
    expect(answer.headers.get('xlink-sealed')).toBe('true');
    expect(answer.headers.get('content-type') ?? '').toBe(type);
    const sent = new Uint8Array(await new Response(body).arrayBuffer());
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(sent);
    expect(api.seen.at(-1)!.headers).toMatchObject({ 'content-type': 'application/xlink-session' });
  });

  test('gets answers as they are written, and sends its headers sealed', async () => {
    await call('/form');
    const answer = await call('/events', { headers: { 'X-Mine': 'secret' } });
    const reader = answer.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n');
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 2\n\n');
    expect((await reader.read()).done).toBe(true);
    expect(api.seen.at(-1)!.headers).not.toHaveProperty('x-mine');
  });

  test('leaves Authorization to the caller where it is taken', async () => {
    await call('/form');
    await call('/form', { headers: { Authorization: 'Basic dTpw' } });
    expect(api.seen.at(-1)!.headers).toMatchObject({
      authorization: 'Basic dTpw',
      'xlink-session': expect.any(String),
    });
  });

  test('sends what needs a signature under an envelope, and remembers where that is', async () => {
    await call('/form');
    await call('/form');
    expect((await call('/pay', postJson({}))).status).toBe(201);
    const tries = api.count('/pay');
    expect((await call('/pay', postJson({}))).status).toBe(201);
    expect([tries, api.count('/pay')]).toEqual([2, 3]);
  });

  test('does not notice that the service was started anew', async () => {
    const restarted = await serveSessions(true, { agent: api.agent });
    let target = api.url;
    const moved: typeof fetch = (input, init) => fetch(String(input).replace(api.url, target), init);
    const roaming = xlinkFetch({ ...LOCAL, baseUrl: api.url, apiKey: KEY, fetch: moved });
    await roaming('/form');
    expect(await formOf(roaming('/form', postJson({ a: 1 })))).toBe('session');
    target = restarted.url;
    // the ticket is not known there: the write goes under an envelope, once, and the next call opens another session
    expect(await formOf(roaming('/form', postJson({ a: 2 })))).toBe('envelope');
    const forms = [await formOf(roaming('/form', postJson({ a: 3 }))), await formOf(roaming('/form'))];
    expect(forms.filter((form) => form === 'session' || form === 'envelope')).toHaveLength(2);
    expect(restarted.handled.filter((line) => line === 'POST /form')).toHaveLength(2);
  });

  test('does not notice it by HEAD either, whose refusals have no reason', async () => {
    const restarted = await serveSessions(true, { agent: api.agent });
    let target = api.url;
    const moved: typeof fetch = (input, init) => fetch(String(input).replace(api.url, target), init);
    const roaming = xlinkFetch({ ...LOCAL, baseUrl: api.url, apiKey: KEY, fetch: moved });
    for (let i = 0; i < 2; i++) await roaming('/form');
    target = restarted.url;
    for (let i = 0; i < 3; i++) expect((await roaming('/form', { method: 'HEAD' })).status).toBe(200);
    expect(await formOf(roaming('/form'))).toBe('envelope'); // the next handshake is for later
  });

  test('leaves refusals of HEAD by the application as they are, and its session', async () => {
    for (let i = 0; i < 2; i++) await call('/form');
    expect((await call('/no', { method: 'HEAD' })).status).toBe(403);
    expect(await formOf(call('/form'))).toBe('session');
    expect(api.count(PATH)).toBe(1);
  });

  test('goes on with envelopes where the store of numbers has no room', async () => {
    const sequences = new MemorySequenceStore({ maxBlocks: 1 });
    const full = await serveSessions({ sequences, tickets: memoryTickets() });
    const [one, reading, writing] = [fetchFor(full.url), fetchFor(full.url), fetchFor(full.url)];
    for (const form of ['envelope', 'session']) expect(await formOf(one('/form'))).toBe(form);
    for (let i = 0; i < 5; i++) expect(await formOf(reading('/form'))).toBe('envelope');
    expect(full.count(PATH)).toBe(2); // and no handshake for each
    await writing('/form');
    // whether its number was used cannot be told, so nothing may take its place; the next write is under an envelope
    expect((await writing('/form', postJson({ i: 1 }))).status).toBe(429);
    expect(await formOf(writing('/form', postJson({ i: 2 })))).toBe('envelope');
  });

  test('goes on with envelopes while handshakes fail', async () => {
    const refusing: typeof fetch = (input, init) =>
      String(input).endsWith(PATH)
        ? Promise.resolve(new Response('no', { status: 503 }))
        : fetch(input, init);
    const one = clientOf({ fetch: refusing });
    for (let i = 0; i < 3; i++) expect(await formOf(one('/form', postJson({ i })))).toBe('envelope');
  });

  describe('where somebody on the way forges refusals', () => {
    /** Lets requests in sessions through, and says that they were refused. */
    const forging =
      (code: string, lets: boolean): typeof fetch =>
      async (input, init) => {
        const credential = new Headers(init?.headers).get('authorization') ?? '';
        if (!credential.startsWith('Xlink-Session')) return fetch(input, init);
        if (lets) await fetch(input, init).then((answer) => answer.arrayBuffer());
        const [name, subCode] = code.split(':');
        return Response.json(
          { code: name, subCode, status: 401 },
          { status: 401, headers: { 'content-type': 'application/problem+json' } },
        );
      };

    test('a write that was carried out is not carried out again, and the call says that it does not know', async () => {
      const one = clientOf({ fetch: forging('SESSION_UNKNOWN', true) });
      await one('/form', postJson({ i: 0 }));
      const before = api.handled.length;
      expect(await idOfRejection(one('/form', postJson({ i: 1 })))).toBe('SESSION_OUTCOME_UNKNOWN');
      expect(api.handled.length).toBe(before + 1);
    });

    test('a write that was not is carried out once, under an envelope', async () => {
      const one = clientOf({ fetch: forging('SESSION_EXPIRED', false) });
      await one('/form', postJson({ i: 0 }));
      const before = api.handled.length;
      expect(await formOf(one('/form', postJson({ i: 1 })))).toBe('envelope');
      expect(api.handled.length).toBe(before + 1);
      expect(api.seen.at(-1)!.headers).not.toHaveProperty('xlink-supersedes');
    });

    test('there is one handshake in ten seconds, and never a key', async () => {
      const one = clientOf({ fetch: forging('SESSION_STALE', false) });
      for (let i = 0; i < 5; i++) expect((await one('/form')).status).toBe(200);
      expect(api.count(PATH)).toBe(1);
      expect(api.seen.filter(({ headers, path }) => headers['x-api-key'] && path === '/form')).toEqual([]);
    });
  });

  test('what takes the place of a request is refused if that was received, and hidden from handlers', async () => {
    const caller = await RawCaller.of(api.url, api.registry);
    const timestamp = Date.now();
    const seq = caller.session.next++;
    const supersedes = [['xlink-supersedes', `${caller.session.id}.${seq}.${timestamp}`]] as [
      string,
      string,
    ][];
    const first = await caller.call({ headers: supersedes });
    expect(first.status).toBe(201);
    expect(first.body['headers']).not.toHaveProperty('xlink-supersedes');
    expect((await caller.call({ seq, timestamp })).code).toBe('REPLAY_DETECTED');
    expect((await caller.call({ headers: supersedes })).code).toBe('REPLAY_DETECTED');
    const old = [['xlink-supersedes', `${caller.session.id}.9.${timestamp - 60_000}`]] as [string, string][];
    expect((await caller.call({ headers: old })).code).toBe('REPLAY_DETECTED');
    const wrong = [['xlink-supersedes', 'x']] as [string, string][];
    expect((await caller.call({ headers: wrong })).code).toBe('SESSION_MALFORMED');
    const forged = await caller.call({}, { headers: { 'Xlink-Supersedes': 'x' } });
    expect(forged.status).toBe(201); // nobody vouches for it: it is removed
    expect(forged.body['headers']).not.toHaveProperty('xlink-supersedes');
  });

  test('and also where its caller has a new identity by then', async () => {
    const caller = await RawCaller.of(api.url, api.registry);
    const timestamp = Date.now();
    const seq = caller.session.next++;
    expect((await caller.call({ seq, timestamp })).status).toBe(201);
    const registry = api.registry as MemoryTrustRegistry;
    const old = await Identity.fromPKCS8(await caller.agent.exportPKCS8());
    const next = unwrap(await generateIdentity());
    const successor = new Agent({ identity: next, registry });
    unwrap(await registry.succeed(await createSuccession(old, next), await successor.keyRecord()));
    const again = await RawCaller.for(successor, api.url);
    const supersedes: [string, string][] = [['xlink-supersedes', `${caller.session.id}.${seq}.${timestamp}`]];
    expect((await again.call({ headers: supersedes })).code).toBe('REPLAY_DETECTED');
  });

  test('a caller that takes plain answers sends what needs a signature under an envelope, writes too', async () => {
    const plain = clientOf({ sealedAnswers: false });
    for (const form of ['envelope', 'session']) expect(await formOf(plain('/form'))).toBe(form);
    expect((await plain('/pay', postJson({}))).status).toBe(201);
  });

  test('what a policy wants signed goes under an envelope, and the caller notices nothing', async () => {
    const policy = await PolicyEngine.create({
      rules: [{ route: '/form', method: 'POST', require: ['signature-now'] }],
    });
    const strict = await serveSessions(true, { policy });
    const one = fetchFor(strict.url);
    for (const form of ['envelope', 'session']) expect(await formOf(one('/form'))).toBe(form);
    for (let i = 0; i < 2; i++) expect(await formOf(one('/form', postJson({ i })))).toBe('envelope');
    expect(await formOf(one('/form'))).toBe('session');
    expect(strict.handled.filter((line) => line === 'POST /form')).toHaveLength(2);
  });
});
