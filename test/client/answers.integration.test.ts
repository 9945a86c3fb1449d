import { describe, expect, test } from '@jest/globals';
import { Agent, ENVELOPE_TYPE, MemoryNonceStore } from '@private.me/xlink';
import {
  fetchFor,
  type HandmadeAnswer,
  type HandmadeExchange,
  idOfRejection,
  KEY,
  postMisbehaving as post,
  postJson,
  rejection,
  sealedJson,
  sentTo,
  serveApi,
  serveHandmade,
} from './support.js';

const INVALID = 'ANSWER_INVALID';
const sends = sentTo('/pay');

const sealed = async (
  exchange: HandmadeExchange,
  ...[payload, change]: Parameters<HandmadeExchange['seal']>
): Promise<HandmadeAnswer> => ({ status: 200, body: JSON.stringify(await exchange.seal(payload, change)) });

const messageFor = async ({ agent, message }: HandmadeExchange, more: object = {}): Promise<string> =>
  JSON.stringify(
    await agent.createEnvelope({
      to: message.sender,
      payload: sealedJson({ paid: true }),
      inReplyTo: message.envelopeId,
      request: message.request!,
      ...more,
    }),
  );

describe('a sealed answer', () => {
  test('is opened', async () => {
    const { answer } = await post(() => undefined);
    const response = await answer;
    expect([response.status, response.ok, response.headers.get('xlink-sealed')]).toEqual([200, true, 'true']);
    expect(await response.json()).toEqual({ youSent: { amount: 1 } });
  });

  test.each<[string, (exchange: HandmadeExchange) => Promise<HandmadeAnswer>]>([
    [
      'from another DID',
      async (exchange) => {
        const agent = await Agent.quickstart({ registry: exchange.agent.registry });
        return sealed(exchange, sealedJson({ paid: true }), { agent });
      },
    ],
    [
      'to another request',
      (exchange) => sealed(exchange, sealedJson({ paid: true }), { inReplyTo: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    ],
    ['to another method', (exchange) => sealed(exchange, sealedJson({}), { request: 'PUT /pay' })],
    ['to another path', (exchange) => sealed(exchange, sealedJson({}), { request: 'POST /pay?all' })],
    ['with another status inside', (exchange) => sealed(exchange, sealedJson({}, 201))],
    [
      'with another status outside',
      async (exchange) => ({ ...(await sealed(exchange, sealedJson({}))), status: 201 }),
    ],
    [
      'with an error outside',
      async (exchange) => ({ ...(await sealed(exchange, sealedJson({}))), status: 500 }),
    ],
    ['that hides an error', (exchange) => sealed(exchange, sealedJson({}, 500))],
    ['with a status that is none', (exchange) => sealed(exchange, { status: '200' })],
    ['with an informational status', (exchange) => sealed(exchange, { status: 101 })],
    ['without a status', (exchange) => sealed(exchange, {})],
    ['of nothing', (exchange) => sealed(exchange, null)],
    ['with a body that is not base64url', (exchange) => sealed(exchange, { status: 200, body: '{}' })],
    [
      'with a content type that is none',
      (exchange) => sealed(exchange, { status: 200, contentType: 'a\nb: c' }),
    ],
    [
      'that was cut',
      async (exchange) => {
        const { body } = await sealed(exchange, sealedJson({}));
        return { status: 200, body: body!.slice(0, -40) };
      },
    ],
    [
      'that was changed',
      async (exchange) => {
        const envelope = await exchange.seal(sealedJson({}));
        const payload = envelope.payload!.startsWith('A')
          ? `B${envelope.payload!.slice(1)}`
          : `A${envelope.payload!.slice(1)}`;
        return { status: 200, body: JSON.stringify({ ...envelope, payload }) };
      },
    ],
    ['that is a message, sealed', async (exchange) => ({ status: 200, body: await messageFor(exchange) })],
    [
      'that is a message, signed and not sealed',
      async (exchange) => ({ status: 200, body: await messageFor(exchange, { signedOnly: true }) }),
    ],
    [
      'that is a refusal of nothing',
      async ({ agent, message }) => ({
        status: 200,
        body: JSON.stringify(await agent.createRefusal(message, sealedJson({ paid: true }))),
      }),
    ],
    ['that is the request itself', async ({ request }) => ({ status: 200, body: request.body })],
    ['that is empty', async () => ({ status: 200, body: '' })],
    ['that is not an envelope', async () => ({ status: 200, body: '{"paid":true}' })],
  ])('is refused if it is one %s', async (_, misbehave) => {
    const { answer, handmade } = await post(misbehave);
    expect(await idOfRejection(answer)).toBe(INVALID);
    expect(sends(handmade)).toHaveLength(1);
  });

  test('is refused for somebody else', async () => {
    const handmade = await serveHandmade();
    const other = await Agent.quickstart();
    await handmade.agent.registry.register({ did: other.did, keys: await other.keyRecord() });
    handmade.misbehave = (exchange) => sealed(exchange, sealedJson({}), { to: other.did });
    expect(await idOfRejection(fetchFor(handmade.url)('/pay', postJson({})))).toBe(INVALID);
  });

  test('is refused from another service, even one that the caller knows', async () => {
    const [handmade, other] = [await serveHandmade(), await serveHandmade()];
    const agent = await Agent.quickstart();
    for (const { url } of [handmade, other]) await fetchFor(url, { agent })('/a');
    handmade.misbehave = (exchange) => sealed(exchange, sealedJson({ paid: true }), { agent: other.agent });
    const error = await rejection(fetchFor(handmade.url, { agent })('/pay', postJson({})));
    expect(error).toMatchObject({ id: INVALID, field: 'from' });
  });

  test('is refused if it answered an earlier request', async () => {
    const handmade = await serveHandmade();
    const kept: HandmadeAnswer[] = [];
    handmade.misbehave = async (exchange) => {
      kept.push(await sealed(exchange, sealedJson({ paid: true })));
      return kept[0]!;
    };
    const fetch = fetchFor(handmade.url);
    expect(await (await fetch('/pay', postJson({}))).json()).toEqual({ paid: true });
    expect(await idOfRejection(fetch('/pay', postJson({})))).toBe(INVALID);
    expect(sends(handmade)).toHaveLength(2);
  });

  test('is refused if it was swapped with that of a concurrent request', async () => {
    const handmade = await serveHandmade();
    const fetch = fetchFor(handmade.url);
    await fetch('/first');
    const waiting: { exchange: HandmadeExchange; answer: (answer: HandmadeAnswer) => void }[] = [];
    handmade.misbehave = (exchange) =>
      new Promise((resolve) => {
        waiting.push({ exchange, answer: resolve });
        if (waiting.length < 2) return;
        const [a, b] = waiting as [(typeof waiting)[0], (typeof waiting)[0]];
        void sealed(a.exchange, sealedJson({ for: 'a' })).then(b.answer);
        void sealed(b.exchange, sealedJson({ for: 'b' })).then(a.answer);
      });
    const both = [fetch('/pay', postJson({ n: 1 })), fetch('/pay', postJson({ n: 2 }))];
    expect(await Promise.all(both.map(idOfRejection))).toEqual([INVALID, INVALID]);
  });

  test('is refused beyond maxAnswerBytes, and read no further', async () => {
    const { answer } = await post((exchange) => sealed(exchange, sealedJson('x'.repeat(4000))), {
      maxAnswerBytes: 4096,
    });
    expect(await idOfRejection(answer)).toBe('ANSWER_INVALID:TOO_LARGE');
  });

  test('may have several MiB', async () => {
    const text = 'x'.repeat(3 * 2 ** 20);
    const { answer } = await post((exchange) => sealed(exchange, sealedJson(text)));
    expect(await (await answer).json()).toBe(text);
  });

  test('says so when the agent of the caller is what limits it', async () => {
    const agent = await Agent.quickstart({ maxEnvelopeBytes: 4096 });
    const { answer } = await post((exchange) => sealed(exchange, sealedJson('x'.repeat(4000))), { agent });
    expect(await idOfRejection(answer)).toBe('ANSWER_INVALID:TOO_LARGE');
  });

  test('keeps other headers, but none about the body and none that says it was sealed', async () => {
    const { answer } = await post(async (exchange) => ({
      ...(await sealed(exchange, { status: 200, body: 'aGk' })),
      headers: { ETag: '"1"', 'Content-Digest': 'x', 'X-Request-Id': '7', 'Xlink-Sealed': 'false' },
    }));
    const { headers } = await answer;
    expect(
      ['etag', 'content-digest', 'content-type', 'content-length', 'x-request-id', 'xlink-sealed'].map(
        (name) => headers.get(name),
      ),
    ).toEqual([null, null, null, null, '7', 'true']);
  });
});

describe('a stolen enrollment envelope', () => {
  test('is of no use with another key', async () => {
    const other = 'key-of-mallory-0123456789';
    const api = await serveApi({
      legacyKeyValidator: (key) => (key === other ? { id: 'mallory' } : { id: 'acme' }),
    });
    await fetchFor(api.url)('/a');
    const stolen = api.seen.find(({ method }) => method === 'POST')!;
    const again = await fetch(`${api.url}${stolen.path}`, {
      method: 'POST',
      headers: { 'Content-Type': ENVELOPE_TYPE, 'X-API-Key': other },
      body: stolen.body,
    });
    expect(again.status).toBe(409); // used already
    const handmade = await serveHandmade();
    await fetchFor(handmade.url)('/a');
    const unused = handmade.seen.find(({ method }) => method === 'POST')!;
    const agent = await Agent.importIdentity({
      pkcs8: await handmade.agent.exportPKCS8(),
      nonceStore: new MemoryNonceStore({ coldStart: 'accept' }),
    });
    const intended = await serveApi({ agent: agent.value!, legacyKeyValidator: () => ({ id: 'mallory' }) });
    const attempt = await fetch(`${intended.url}${unused.path}`, {
      method: 'POST',
      headers: { 'Content-Type': ENVELOPE_TYPE, 'X-API-Key': other },
      body: unused.body,
    });
    expect(await attempt.json()).toMatchObject({ code: 'ENROLLMENT_REFUSED', subCode: 'KEY_PROOF' });
    expect(unused.body).not.toContain(KEY);
  });
});
