import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { Agent, xlinkFetch } from '@private.me/xlink';
import {
  allText,
  fetchFor,
  idOfRejection,
  JSON_HEADERS,
  KEY,
  postJson,
  rejection,
  serveApi,
  serveHandmade,
} from './support.js';

describe('bodies', () => {
  test('cannot be streams', async () => {
    const handmade = await serveHandmade();
    const stream = () => new Blob(['x']).stream();
    for (const body of [stream(), Readable.from(['x']) as never]) {
      const sent = fetchFor(handmade.url)('/a', { method: 'POST', body, duplex: 'half' } as RequestInit);
      expect(await idOfRejection(sent)).toBe('REQUEST_BODY_UNSUPPORTED');
    }
    expect(handmade.seen).toEqual([]);
  });

  test.each([
    ['{"a":', 'application/json'],
    ['not json', 'application/json; charset=utf-8'],
    ['{"a":1}', 'text/plain'],
    ['{"a":1}', 'application/jsonl'],
  ])('that are not JSON are signed: %s as %s', async (body, type) => {
    const handmade = await serveHandmade();
    await fetchFor(handmade.url)('/a', { method: 'POST', body, headers: { 'Content-Type': type } });
    const sent = handmade.seen.at(-1)!;
    expect(sent).toMatchObject({ body, headers: { 'content-type': type } });
    const envelope = JSON.parse(Buffer.from(sent.headers.authorization!.slice(6), 'base64url').toString());
    expect(envelope).toMatchObject({
      contentType: type,
      contentDigest: expect.any(String),
      request: 'POST /a',
    });
  });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/vnd.api+json',
    'APPLICATION/JSON',
  ])('that are JSON are sealed: %s', async (type) => {
    const handmade = await serveHandmade();
    const headers = { 'Content-Type': type };
    const answer = await fetchFor(handmade.url)('/a', { method: 'POST', body: ' {"a": "secret"} ', headers });
    expect(await answer.json()).toEqual({ youSent: { a: 'secret' } });
    expect(JSON.stringify(handmade.seen.at(-1))).not.toContain('secret');
    expect(handmade.seen.at(-1)!.headers['content-type']).toBe('application/xlink-envelope');
  });

  test.each([
    '9007199254740993',
    '[-12345678901234567890]',
    '{"a":1e400}',
    '{"a":"x","b":[1,9007199254740993]}',
  ])('are not sealed if that would change a number: %s', async (body) => {
    const handmade = await serveHandmade();
    const sent = fetchFor(handmade.url)('/a', { method: 'POST', body, headers: JSON_HEADERS });
    expect(await idOfRejection(sent)).toBe('REQUEST_BODY_UNSUPPORTED');
    expect(handmade.seen.map(({ path }) => path)).not.toContain('/a');
  });

  test.each([
    '9007199254740992',
    '0.30000000000000004',
    '{"id":"9007199254740993","q":"\\"9007199254740993"}',
    '1e300',
    'null',
    '"x"',
    '{"__proto__":{"a":1}}',
  ])('are sealed as they are: %s', async (body) => {
    const handmade = await serveHandmade();
    const answer = await fetchFor(handmade.url)('/a', { method: 'POST', body, headers: JSON_HEADERS });
    expect(await answer.text()).toBe(`{"youSent":${body === '1e300' ? '1e+300' : body}}`);
  });

  test('that are long do not slow the check of numbers down', async () => {
    const handmade = await serveHandmade({ maxEnvelopeBytes: 2 ** 24 });
    const body = JSON.stringify({ text: '\\"'.repeat(500_000), n: 1234567890123456 });
    const started = performance.now();
    expect((await fetchFor(handmade.url)('/a', { method: 'POST', body, headers: JSON_HEADERS })).status).toBe(
      200,
    );
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('of a type that cannot be signed are refused', async () => {
    const api = await serveApi();
    const headers = { 'Content-Type': 'text/plain; charset="utf-8"' };
    const error = await rejection(fetchFor(api.url)('/a', { method: 'POST', body: 'x', headers }));
    expect(error).toMatchObject({ id: 'REQUEST_BODY_UNSUPPORTED', field: 'content-type' });
  });

  test('that are empty are no bodies', async () => {
    const api = await serveApi();
    for (const body of ['', new Uint8Array(0)])
      expect((await fetchFor(api.url)('/a', { method: 'POST', body, headers: JSON_HEADERS })).status).toBe(
        201,
      );
  });
});

describe('requests', () => {
  test('are bound to path and query as they are on the wire', async () => {
    const api = await serveApi();
    const fetch = fetchFor(api.url);
    for (const path of [
      '/a?b=c&d',
      '/ü?q=ö',
      "/it's?a='b'",
      '/a%2Fb',
      '/a?x="y"',
      '/a?[z]=\\',
      '/#frag',
      '//double',
    ])
      expect([path, (await fetch(`${api.url}${path}`)).status]).toEqual([path, 200]);
    expect((await fetch('/a', { method: 'put', body: 'x' })).status).toBe(200);
  });

  test('carry no envelope but their own', async () => {
    const api = await serveApi();
    const fetch = fetchFor(api.url);
    const headers = { Authorization: 'Xlink AAAA', 'Xlink-Envelope': 'BBBB', 'Xlink-Sealed': 'true' };
    expect((await fetch('/a', { headers })).status).toBe(200);
    expect((await fetch('/a', { ...postJson({}), headers: { ...headers, ...JSON_HEADERS } })).status).toBe(
      201,
    );
    expect(JSON.stringify(api.seen)).not.toMatch(/AAAA"|BBBB|xlink-sealed/i);
  });

  test('keep the headers of the caller', async () => {
    const api = await serveApi();
    await fetchFor(api.url)('/a', { headers: { 'X-Trace': '7', 'Idempotency-Key': 'k1' } });
    expect(api.seen.at(-1)!.headers).toMatchObject({ 'x-trace': '7', 'idempotency-key': 'k1' });
  });

  test('cannot go to a private address or by http unless the options say so', async () => {
    expect(await idOfRejection(xlinkFetch({ apiKey: KEY })('http://example.com/'))).toBe(
      'DISCOVERY_FAILED:INSECURE',
    );
    expect(await idOfRejection(xlinkFetch()('https://127.0.0.1/'))).toBe('DISCOVERY_FAILED:PRIVATE_ADDRESS');
    expect(await idOfRejection(xlinkFetch()('data:text/plain,x'))).toBe('DISCOVERY_FAILED:INSECURE');
  });

  test('fail as those of the platform where the network fails', async () => {
    const api = await serveApi();
    const fetch = fetchFor(api.url, {
      fetch: (input, init) =>
        String(input).endsWith('/a')
          ? Promise.reject(new TypeError('fetch failed'))
          : globalThis.fetch(input, init),
    });
    expect(await rejection(fetch('/a'))).toBeInstanceOf(TypeError);
  });
});

describe('options', () => {
  test.each<[string, object]>([
    ['apikey', { apikey: 'k' }],
    ['apiKey', { apiKey: 'secret\nkey' }],
    ['apiKey', { apiKey: 'sécret' }],
    ['apiKeyHeader', { apiKeyHeader: 'X Key' }],
    ['apiKeyOrigin', { apiKeyOrigin: 'api.example.com' }],
    ['agent', { agent: {} }],
    ['identity', { identity: { load: () => undefined } }],
    ['scope', { scope: 'a b' }],
    ['version', { version: 4 }],
    ['baseUrl', { baseUrl: 'https://u:p@a.example' }],
    ['pinnedDid', { pinnedDid: 'did:key:z6Mk' }],
    ['maxAnswerBytes', { maxAnswerBytes: 1 }],
    ['registryUrl', { registryUrl: 'https://a.example' }],
  ])('are checked at once: %s in %j', (field, options) => {
    let thrown: unknown;
    try {
      xlinkFetch(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ id: 'INVALID_OPTION', field });
    expect(allText(thrown)).not.toMatch(/secret|sécret/);
  });

  test('are not agent and identity at once', async () => {
    const agent = await Agent.quickstart();
    expect(() => xlinkFetch({ agent, identity: { load: () => undefined, save: () => {} } })).toThrow();
  });

  test('whose store fails stop the request, and are asked again', async () => {
    const api = await serveApi();
    let broken = true;
    const identity = {
      load: () => {
        if (broken) throw new Error('disk');
        return undefined;
      },
      save: () => {},
    };
    const fetch = fetchFor(api.url, { identity });
    expect(await idOfRejection(fetch('/a'))).toBe('IDENTITY_FAILED');
    broken = false;
    expect((await fetch('/a')).status).toBe(200);
  });
});
