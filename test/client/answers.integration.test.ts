import { describe, expect, test } from '@jest/globals';
import { Agent, ANSWER_TYPE, ENVELOPE_TYPE, MemoryNonceStore } from '@private.me/xlink';
import { framesOf, headOf, joined, withHead } from '../support/answers.js';
import {
  fetchFor,
  type HandmadeAnswer,
  type HandmadeExchange,
  idOfRejection,
  KEY,
  plainJson,
  postMisbehaving as post,
  postJson,
  rejection,
  sentTo,
  serveApi,
  serveHandmade,
} from './support.js';

const INVALID = 'ANSWER_INVALID';
const ANSWER = { 'Content-Type': ANSWER_TYPE };
const sends = sentTo('/pay');

type Misbehave = (exchange: HandmadeExchange) => Promise<HandmadeAnswer>;

const messageFor = async ({ agent, message }: HandmadeExchange, more: object = {}): Promise<string> =>
  JSON.stringify(
    await agent.createEnvelope({
      to: message.sender,
      payload: { paid: true },
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

  test.each<[string, Misbehave, string?]>([
    [
      'from another DID',
      async (exchange) => {
        const agent = await Agent.quickstart({ registry: exchange.agent.registry });
        return exchange.seal(plainJson({ paid: true }), { agent });
      },
    ],
    [
      'to another request',
      (exchange) => exchange.seal(plainJson({ paid: true }), { inReplyTo: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    ],
    ['to another method', (exchange) => exchange.seal(plainJson({}), { request: 'PUT /pay' })],
    ['to another path', (exchange) => exchange.seal(plainJson({}), { request: 'POST /pay?all' })],
    ...[0, 101, 199, 600, 65_736].map((status): [string, Misbehave] => [
      `with the status ${status}`,
      (exchange) => exchange.seal({ status }),
    ]),
    [
      'with a content type that is none',
      (exchange) => exchange.seal({ headers: [['content-type', 'a\nb: c']] }),
    ],
    ['with a header name that is none', (exchange) => exchange.seal({ headers: [['a b', 'c']] })],
    ['with a header value that is none', (exchange) => exchange.seal({ headers: [['a', 'b\r\nc: d']] })],
    [
      'that was cut',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        return { ...answer, body: answer.body.subarray(0, -40) };
      },
      'ANSWER_INVALID:BROKEN_OFF',
    ],
    [
      'that goes on after its end',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        return { ...answer, body: Buffer.concat([answer.body, Buffer.from([0])]) };
      },
    ],
    [
      'whose first chunk was changed',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        answer.body[answer.body.length - 1]! ^= 1;
        return answer;
      },
    ],
    [
      'whose commitment was changed',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        const [head, first] = framesOf(answer.body);
        first!.bytes[0]! ^= 1;
        return { ...answer, body: joined([head!, first!]) };
      },
    ],
    [
      'whose envelope was changed',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        return { ...answer, body: withHead(answer.body, { ...headOf(answer.body), scope: 'admin' }) };
      },
    ],
    [
      'whose envelope holds the payload, too',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        const payload = Buffer.from(framesOf(answer.body)[1]!.bytes).toString('base64url');
        return { ...answer, body: withHead(answer.body, { ...headOf(answer.body), payload }) };
      },
    ],
    [
      'with the envelope of a message in front',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        return { ...answer, body: withHead(answer.body, JSON.parse(await messageFor(exchange))) };
      },
    ],
    [
      'with a refusal in front',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        const { body } = await exchange.refuse(403, 'SCOPE_DENIED');
        return { ...answer, body: withHead(answer.body, JSON.parse(String(body))) };
      },
    ],
    [
      'without its envelope',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        return { ...answer, body: joined(framesOf(answer.body).slice(1)) };
      },
    ],
    [
      'with nothing but its envelope',
      async (exchange) => {
        const answer = await exchange.seal(plainJson({}));
        return { ...answer, body: joined(framesOf(answer.body).slice(0, 1)) };
      },
      'ANSWER_INVALID:BROKEN_OFF',
    ],
    ['that is empty', async () => ({ status: 200, headers: ANSWER, body: '' }), 'ANSWER_INVALID:BROKEN_OFF'],
    ['that is no answer', async () => ({ status: 200, headers: ANSWER, body: '{"paid":true}' })],
    [
      'that is called an envelope',
      async (exchange) => ({ ...(await exchange.seal(plainJson({}))), headers: {} }),
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
        body: JSON.stringify(await agent.createRefusal(message, { status: 200, paid: true })),
      }),
    ],
    ['that is the request itself', async ({ request }) => ({ status: 200, body: request.body })],
    ['that is an empty envelope', async () => ({ status: 200, body: '' })],
    ['that is not an envelope', async () => ({ status: 200, body: '{"paid":true}' })],
  ])('is refused if it is one %s', async (_, misbehave, id = INVALID) => {
    const { answer, handmade } = await post(misbehave);
    expect(await idOfRejection(answer)).toBe(id);
    expect(sends(handmade)).toHaveLength(1);
  });

  test('is refused for somebody else', async () => {
    const handmade = await serveHandmade();
    const other = await Agent.quickstart();
    await handmade.agent.registry.register({ did: other.did, keys: await other.keyRecord() });
    handmade.misbehave = (exchange) => exchange.seal(plainJson({}), { to: other.did });
    expect(await idOfRejection(fetchFor(handmade.url)('/pay', postJson({})))).toBe(INVALID);
  });

  test('is refused from another service, even one that the caller knows', async () => {
    const [handmade, other] = [await serveHandmade(), await serveHandmade()];
    const agent = await Agent.quickstart();
    for (const { url } of [handmade, other]) await fetchFor(url, { agent })('/a');
    handmade.misbehave = (exchange) => exchange.seal(plainJson({ paid: true }), { agent: other.agent });
    const error = await rejection(fetchFor(handmade.url, { agent })('/pay', postJson({})));
    expect(error).toMatchObject({ id: INVALID, field: 'from' });
  });

  test('is refused if it answered an earlier request', async () => {
    const handmade = await serveHandmade();
    const kept: HandmadeAnswer[] = [];
    handmade.misbehave = async (exchange) => {
      kept.push(await exchange.seal(plainJson({ paid: true })));
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
        void a.exchange.seal(plainJson({ for: 'a' })).then(b.answer);
        void b.exchange.seal(plainJson({ for: 'b' })).then(a.answer);
      });
    const both = [fetch('/pay', postJson({ n: 1 })), fetch('/pay', postJson({ n: 2 }))];
    expect(await Promise.all(both.map(idOfRejection))).toEqual([INVALID, INVALID]);
  });

  test('is refused beyond maxAnswerBytes', async () => {
    const [enough, tooLow] = [4002, 4001].map((maxAnswerBytes) =>
      post((exchange) => exchange.seal(plainJson('x'.repeat(4000))), { maxAnswerBytes }),
    );
    expect(await (await (await enough!).answer).json()).toHaveLength(4000);
    expect(await idOfRejection((await tooLow!).answer)).toBe('ANSWER_INVALID:TOO_LARGE');
  });

  test('may have several MiB', async () => {
    const text = 'x'.repeat(3 * 2 ** 20);
    const { answer } = await post((exchange) => exchange.seal(plainJson(text)));
    expect(await (await answer).json()).toBe(text);
  });

  test('may be longer than the envelopes that the agent of the caller takes', async () => {
    const agent = await Agent.quickstart({ maxEnvelopeBytes: 4096 });
    const text = 'x'.repeat(100_000);
    const { answer } = await post((exchange) => exchange.seal(plainJson(text)), { agent });
    expect(await (await answer).json()).toBe(text);
  });

  test('says so when its envelope is longer than those', async () => {
    const agent = await Agent.quickstart({ maxEnvelopeBytes: 1024 });
    const { answer } = await post((exchange) => exchange.seal(plainJson(1)), { agent });
    expect(await rejection(answer)).toMatchObject({ id: INVALID, cause: { id: 'ENVELOPE_TOO_LARGE' } });
  });

  test('has the headers that were sealed, and none of those around it', async () => {
    const { answer } = await post(async (exchange) => ({
      ...(await exchange.seal({
        headers: [
          ['ETag', '"1"'],
          ['X-Request-Id', '7'],
          ['Xlink-Sealed', 'false'],
          ['Content-Type', 'text/csv'],
        ],
        body: 'hi',
      })),
      headers: { ...ANSWER, ETag: '"2"', 'X-Request-Id': '8', 'X-Added': '1', 'Set-Cookie': 'a=b' },
    }));
    const { headers } = await answer;
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'text/csv',
      etag: '"1"',
      'x-request-id': '7',
      'xlink-sealed': 'true',
    });
  });

  test.each([201, 204, 401, 500, 503])(
    'has the status that was sealed, whatever is around it: %i',
    async (status) => {
      const { answer } = await post(async (exchange) => ({
        ...(await exchange.seal(plainJson(1, 202))),
        status,
      }));
      // What has no body by its status is no answer at all.
      if (status === 204) expect(await idOfRejection(answer)).toBe('ANSWER_INVALID:BROKEN_OFF');
      else expect([(await answer).status, await (await answer).json()]).toEqual([202, 1]);
    },
  );

  test('that says an error is the answer of the service', async () => {
    const { answer } = await post((exchange) => exchange.seal(plainJson({ sorry: true }, 500)));
    const response = await answer;
    expect([response.status, response.ok, await response.json()]).toEqual([500, false, { sorry: true }]);
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
