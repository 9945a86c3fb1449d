import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import {
  type ApiService,
  fetchFor,
  type HandmadeAnswer,
  type HandmadeExchange,
  idOfRejection,
  KEY,
  postMisbehaving as post,
  postJson,
  problem,
  rejection,
  sentTo,
  serveApi,
  serveHandmade,
} from './support.js';

const INVALID = 'ANSWER_INVALID';
const sends = sentTo('/pay');

/** An agent that the client acme has enrolled by another client of its own. */
async function enrolledElsewhere(api: ApiService): Promise<Agent> {
  const agent = await Agent.quickstart();
  api.adapter.clearMode({ client: 'acme' });
  expect((await fetchFor(api.url, { agent })('/a')).status).toBe(200);
  api.adapter.setMode('observe', undefined, { client: 'acme' });
  return agent;
}

describe('a signed refusal', () => {
  test('is handed over, marked as signed', async () => {
    const { answer } = await post(({ refuse }) => refuse(403, 'SCOPE_DENIED'));
    const response = await answer;
    expect([response.status, response.headers.get('xlink-sealed')]).toEqual([403, 'signed']);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status: 403, code: 'SCOPE_DENIED' });
  });

  test('comes from the adapter once it has claimed the nonce', async () => {
    const api = await serveApi();
    const without = fetchFor(api.url, { agent: await enrolledElsewhere(api), apiKey: undefined as never });
    const refused = await without('/a');
    expect([refused.status, refused.headers.get('xlink-sealed')]).toEqual([415, 'signed']);
    expect(await refused.json()).toMatchObject({ code: 'XLINK_NOT_SUPPORTED', authMethod: 'xlink' });
  });

  test.each<[string, (exchange: HandmadeExchange) => Promise<HandmadeAnswer>]>([
    [
      'another service signed',
      async ({ agent, refuse }) =>
        refuse(403, 'SCOPE_DENIED', { agent: await Agent.quickstart({ registry: agent.registry }) }),
    ],
    [
      'is of another request',
      ({ refuse }) => refuse(403, 'SCOPE_DENIED', { inReplyTo: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    ],
    ['is of another path', ({ refuse }) => refuse(403, 'SCOPE_DENIED', { request: 'POST /other' })],
    [
      'came under another status',
      async ({ refuse }) => ({ ...(await refuse(403, 'SCOPE_DENIED')), status: 415 }),
    ],
    [
      'was changed',
      async ({ refuse }) => {
        const { body, ...rest } = await refuse(415, 'SCOPE_DENIED');
        const envelope = JSON.parse(String(body));
        const text = Buffer.from(envelope.payload, 'base64url').toString();
        const payload = Buffer.from(text.replace('SCOPE_DENIED', 'XLINK_NOT_SUPPORTED')).toString(
          'base64url',
        );
        return { ...rest, body: JSON.stringify({ ...envelope, payload }) };
      },
    ],
  ])('is not taken if it %s', async (_, misbehave) => {
    const { answer, handmade } = await post(misbehave);
    expect(await idOfRejection(answer)).toBe(INVALID);
    expect(sends(handmade)).toHaveLength(1);
  });
});

describe('an answer that is not sealed', () => {
  test.each([200, 201, 204, 302, 400, 401, 403, 404, 409, 415, 429, 500, 502, 503])(
    'is refused with status %s',
    async (status) => {
      const { answer, handmade } = await post(() => ({
        status,
        headers: { 'Content-Type': 'application/json', 'Xlink-Sealed': 'true', Location: '/elsewhere' },
        ...(status === 204 ? {} : { body: '{}' }),
      }));
      expect(await idOfRejection(answer)).toBe('ANSWER_INVALID:NOT_SEALED');
      expect(handmade.seen.map(({ path }) => path)).not.toContain('/elsewhere');
      expect(sends(handmade)).toHaveLength(1);
    },
  );

  test('is refused with an error that names what to do, and what came [B10]', async () => {
    const { answer } = await post(() => problem(403, 'SCOPE_DENIED'));
    const error = await rejection(answer);
    expect(error).toMatchObject({ id: 'ANSWER_INVALID:NOT_SEALED', cause: { id: 'SCOPE_DENIED' } });
    expect(error.message).toMatch(/publicPaths.*sealed: 'optional'/);
  });

  test.each([200, 302, 400, 404, 500, 502])(
    'is shown as such with status %s if the call takes it',
    async (status) => {
      const headers = { 'Content-Type': 'text/html', 'Xlink-Sealed': 'true', Location: '/elsewhere' };
      const handmade = await serveHandmade();
      handmade.misbehave = () => ({ status, body: '<p>no', headers });
      const call = { ...postJson({ amount: 1 }), sealed: 'optional', redirect: 'manual' } as const;
      const response = await fetchFor(handmade.url)('/pay', call);
      expect([response.status, response.headers.get('xlink-sealed'), await response.text()]).toEqual([
        status,
        'false',
        '<p>no',
      ]);
      expect(sends(handmade)).toHaveLength(1);
      expect(handmade.seen.map(({ path }) => path)).not.toContain('/elsewhere');
    },
  );

  test('is sealed nevertheless where the service seals it', async () => {
    const handmade = await serveHandmade();
    const response = await fetchFor(handmade.url)('/pay', { ...postJson(1), sealed: 'optional' });
    expect([response.headers.get('xlink-sealed'), await response.json()]).toEqual(['true', { youSent: 1 }]);
  });

  test.each([
    ['/status', true],
    ['/public/a/b', true],
    ['/status/', false],
    ['/statuses', false],
    ['/public', false],
    ['/publicity', false],
    ['/public/../pay', false],
    ['/public/%2e%2e/pay', false],
    ['//status', false],
  ])('is taken from %s if the signed document lists it as public: %s [B10]', async (path, isPublic) => {
    const handmade = await serveHandmade();
    handmade.document = (document) => ({ ...document, publicPaths: ['/status', '/public/*'] });
    handmade.misbehave = () => ({ status: 200, body: 'up', headers: { 'Content-Type': 'text/plain' } });
    const answer = fetchFor(handmade.url)(handmade.url + path);
    if (!isPublic) return expect(await idOfRejection(answer)).toBe('ANSWER_INVALID:NOT_SEALED');
    const response = await answer;
    expect([response.headers.get('xlink-sealed'), await response.text()]).toEqual(['false', 'up']);
  });

  test('is not taken because somebody on the way says that the path is public', async () => {
    const handmade = await serveHandmade();
    handmade.spoil = (document) => ({ ...document, publicPaths: ['/*'] });
    expect(await idOfRejection(fetchFor(handmade.url)('/pay'))).toBe('DISCOVERY_FAILED:INVALID');
    expect(handmade.seen.map(({ path }) => path)).toEqual(['/.well-known/xlink.json']);
  });

  test('does not make a service count as proven, nor lets the key go', async () => {
    const handmade = await serveHandmade();
    handmade.misbehave = () => problem(415, 'XLINK_NOT_SUPPORTED');
    const response = await fetchFor(handmade.url)('/pay', { ...postJson(1), sealed: 'optional' });
    expect([response.status, response.headers.get('xlink-sealed')]).toEqual([415, 'false']);
    expect(sends(handmade)).toHaveLength(1);
    expect(JSON.stringify(sends(handmade))).not.toContain(KEY);
  });

  test('is taken where the options say so, and still does not follow redirects', async () => {
    const { answer, handmade } = await post(
      () => ({ status: 307, headers: { Location: '/elsewhere', 'Xlink-Sealed': 'true' } }),
      {
        sealedAnswers: false,
      },
    );
    expect(await rejection(answer)).toMatchObject({ id: 'FETCH_OPTION_UNSUPPORTED', field: 'redirect' });
    expect(handmade.seen.at(-1)!.path).toBe('/pay');
  });

  test('is not made by a service that has no keys of the caller: it refuses, signed, before anything is done', async () => {
    const api = await serveApi();
    const agent = await Agent.quickstart();
    const sendScopes = ['*'];
    await api.agent.registry.register({ did: agent.did, sendScopes });
    const fetch = fetchFor(api.url, { agent, apiKey: undefined as never });
    const refused = await fetch('/a');
    expect([refused.status, refused.headers.get('xlink-sealed')]).toEqual([500, 'signed']);
    expect(await refused.json()).toMatchObject({ code: 'ANSWER_NOT_SEALED' });
    expect(api.handled).toEqual([]);
  });

  test.each(['required', 'optional'] as const)('is not read without end: %s', async (sealed) => {
    const handmade = await serveHandmade();
    handmade.misbehave = () => ({
      status: 400,
      body: ' '.repeat(10 * 2 ** 20 + 1),
      headers: { 'Content-Type': 'application/problem+json' },
    });
    const answer = fetchFor(handmade.url)('/pay', { ...postJson(1), sealed });
    expect(await idOfRejection(answer)).toBe('ANSWER_INVALID:TOO_LARGE');
  });
});
