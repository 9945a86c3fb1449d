import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { Agent, type XlinkFetchOptions, xlinkFetch } from '@private.me/xlink';
import express from 'express';
import { afterTest } from '../support/after-test.js';
import { ManInTheMiddle } from './man-in-the-middle.js';
import {
  type ApiService,
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

/** An API that says which bytes of which type its handler got. */
const serveRaw = () =>
  serveApi({}, (app) =>
    app.all('/raw', express.raw({ type: () => true }), (req, res) => {
      const body = Buffer.isBuffer(req.body) ? req.body.toString('base64') : null;
      res.json([body, req.headers['content-type'] ?? null]);
    }),
  );

const echoed = async ({ url }: ApiService, init: RequestInit) => {
  const answer = await fetchFor(url)('/raw', init);
  expect(answer.headers.get('xlink-sealed')).toBe('true');
  return (await answer.json()) as [body: string, type: string | null];
};

describe('bodies', () => {
  test('may be streams, which are sealed as one where there are no sessions', async () => {
    const api = await serveRaw();
    for (const body of [new Blob(['a secret']).stream(), Readable.from(['a secret']) as never]) {
      const sent = { method: 'POST', body, duplex: 'half', headers: { 'Content-Type': 'text/plain' } };
      expect(await echoed(api, sent as RequestInit)).toEqual([btoa('a secret'), 'text/plain']);
    }
    expect(api.seen.at(-1)!.body).not.toContain('a secret');
  });

  test.each([
    ['{"a": "secret"}', 'application/json'],
    [' {"a": "secret"} ', 'application/json; charset=utf-8'],
    ['{"a":"secret"}', 'application/vnd.api+json'],
    ['{"a":"secret"}', 'APPLICATION/JSON'],
    ['{"a":"secret"', 'application/json'],
    ['{"a":"secret"}\n{"a":1}\n', 'application/jsonl'],
    ['[{"op":"add","path":"/secret"}]', 'application/json-patch+json'],
    ['secret', 'text/plain'],
    ['secret=1&b=%20', 'application/x-www-form-urlencoded'],
  ])('are sealed as they are, whatever they are: %s as %s', async (body, type) => {
    const handmade = await serveHandmade();
    const got: unknown[] = [];
    handmade.misbehave = ({ content, contentType }) => void got.push(content, contentType);
    const headers = { 'Content-Type': type };
    expect((await fetchFor(handmade.url)('/a', { method: 'POST', body, headers })).status).toBe(200);
    expect(got).toEqual([body, type]);
    const sent = handmade.seen.at(-1)!;
    expect(sent.headers['content-type']).toBe('application/xlink-envelope');
    expect(JSON.stringify(sent)).not.toContain('secret');
  });

  test('of bytes without a type have none behind the adapter either, and arrive byte for byte', async () => {
    const api = await serveRaw();
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);
    const [body, type] = await echoed(api, { method: 'PUT', body: bytes });
    expect([Buffer.from(body, 'base64'), type]).toEqual([Buffer.from(bytes), null]);
  });

  test.each([
    'text/plain; charset="utf-8"',
    'multipart/form-data; boundary="a b:c"',
    'multipart/mixed; boundary=----=_Part_1_2.3',
    'text/plain; name="r\u00e9sum\u00e9.txt"',
    'text/plain; title="a\\"b%20c"',
    `text/plain; a="${'x'.repeat(230)}"`,
  ])('may have the type %s, which the handler sees as it is [B7]', async (type) => {
    const api = await serveRaw();
    const headers = { 'Content-Type': type };
    const [body, seen] = await echoed(api, { method: 'POST', body: 'x', headers });
    expect([Buffer.from(body, 'base64').toString(), seen]).toEqual(['x', type]);
    expect(api.seen.at(-1)!.headers['content-type']).toBe('application/xlink-envelope');
  });

  test.each([
    '12345678901234567.00',
    '1234567890123456.78',
    '1e-400',
    '1.000000000000000001',
    '9007199254740993',
    '[-12345678901234567890]',
    '{"a":1e400}',
    '1e300',
    '-0',
    '0.30000000000000004',
    '{"a":"x","b":[1,9007199254740993]}',
    '{"id":"9007199254740993","q":"\\"9007199254740993"}',
    '{"b":1,"a":2,"b":3}',
    '{ "spaced" : [ 1 , 2 ]\n}',
    '"\\u00e9 \\/"',
    '{"__proto__":{"a":1}}',
    'null',
  ])('keep every number and every spelling: %s [B8]', async (body) => {
    const api = await serveRaw();
    const [got, type] = await echoed(api, { method: 'POST', body, headers: JSON_HEADERS });
    expect([Buffer.from(got, 'base64').toString(), type]).toEqual([body, 'application/json']);
  });

  test('that are long take no time to look at', async () => {
    const handmade = await serveHandmade({ maxEnvelopeBytes: 2 ** 24 });
    const body = JSON.stringify({ text: '\\"'.repeat(500_000), n: 1234567890123456 });
    const started = performance.now();
    expect((await fetchFor(handmade.url)('/a', { method: 'POST', body, headers: JSON_HEADERS })).status).toBe(
      200,
    );
    expect(performance.now() - started).toBeLessThan(5000);
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

  const OWN = {
    'X-Trace': '7',
    'Idempotency-Key': 'k1',
    'If-Match': '"v1"',
    Prefer: 'return=minimal',
    Range: 'bytes=0-9',
    Cookie: 'theme=dark',
    'X-HTTP-Method-Override': 'DELETE',
  };
  const lower = Object.fromEntries(Object.entries(OWN).map(([name, value]) => [name.toLowerCase(), value]));
  const serveHeaders = () =>
    serveApi({}, (app) => app.all('/headers', (req, res) => void res.json(req.headers)));

  test('without a body sign every header that the caller set', async () => {
    const api = await serveHeaders();
    const answer = await fetchFor(api.url)('/headers', { headers: OWN });
    expect(await answer.json()).toMatchObject(lower);
    const text = api.seen.at(-1)!.headers.authorization!.slice('Xlink '.length);
    const { fields } = JSON.parse(Buffer.from(text, 'base64url').toString());
    expect(fields.split(' ')).toEqual(expect.arrayContaining(Object.keys(lower)));
  });

  test('with a body seal every header that the caller set', async () => {
    const api = await serveHeaders();
    const answer = await fetchFor(api.url)('/headers', {
      ...postJson({}),
      headers: { ...OWN, ...JSON_HEADERS },
    });
    expect(await answer.json()).toMatchObject(lower);
    for (const name of Object.keys(lower)) expect(api.seen.at(-1)!.headers).not.toHaveProperty(name);
  });

  test('keep the headers that fetch sets as well, and leave to proxies what is theirs', async () => {
    const api = await serveHeaders();
    const own = { 'accept-language': 'de', 'cache-control': 'no-cache', 'user-agent': 'mine' };
    const proxied = { 'x-real-ip': '203.0.113.9', 'x-amzn-trace-id': 'Root=1' };
    for (const init of [{}, postJson({})]) {
      const headers = { ...own, ...proxied, ...JSON_HEADERS };
      const answer = await fetchFor(api.url)('/headers', { ...init, headers, cache: 'no-store' });
      expect([answer.status, await answer.json()]).toMatchObject([200, { ...own, ...proxied }]);
    }
    expect(api.seen.at(-1)!.headers).toMatchObject({ 'accept-language': '*', ...proxied });
  });

  test.each(['GET', 'POST'])('whose headers somebody on the way changes are refused: %s', async (method) => {
    const api = await serveHeaders();
    const man = await ManInTheMiddle.before(api.url);
    const init = { method, ...(method === 'POST' ? { body: '{}' } : {}) };
    const sent = (headers: Record<string, string>) => {
      man.at('/headers', (request, forward) =>
        forward({ ...request, headers: { ...request.headers, ...headers } }),
      );
      return fetchFor(man.url)('/headers', { ...init, headers: { ...OWN, ...JSON_HEADERS } });
    };
    const changed = await sent({ 'if-match': '"v2"' });
    expect([changed.status, (await changed.json()).code]).toEqual([401, 'FIELDS_MISMATCH']);
    const added = await (await sent({ 'if-none-match': '"v1"', via: '1.1 proxy' })).json();
    expect(added).toMatchObject({ ...lower, via: '1.1 proxy' });
    expect(added).not.toHaveProperty('if-none-match');
  });

  test('cannot go to a private address or by http unless the options say so', async () => {
    expect(await idOfRejection(xlinkFetch({ apiKey: KEY })('http://example.com/'))).toBe(
      'DISCOVERY_FAILED:INSECURE',
    );
    expect(await idOfRejection(xlinkFetch()('https://127.0.0.1/'))).toBe('DISCOVERY_FAILED:PRIVATE_ADDRESS');
    expect(await idOfRejection(xlinkFetch()('data:text/plain,x'))).toBe('DISCOVERY_FAILED:INSECURE');
  });

  test('reach the API that they are set to call on this machine, outside production', async () => {
    const api = await serveApi();
    const call = (options: XlinkFetchOptions = {}) =>
      xlinkFetch({ apiKey: KEY, baseUrl: api.url, ...options });
    expect((await call()('/orders', postJson({}))).headers.get('xlink-sealed')).toBe('true');
    expect(await idOfRejection(call({ unsafeAllowHttp: false })('/orders'))).toBe(
      'DISCOVERY_FAILED:INSECURE',
    );
    expect(await idOfRejection(call({ baseUrl: 'http://10.0.0.1' })('/orders'))).toBe(
      'DISCOVERY_FAILED:INSECURE',
    );
    const other = await serveApi();
    expect(await idOfRejection(call()(`${other.url}/orders`))).toBe('DISCOVERY_FAILED:INSECURE');
    const { NODE_ENV } = process.env;
    process.env['NODE_ENV'] = 'production';
    afterTest(() => {
      process.env['NODE_ENV'] = NODE_ENV;
    });
    expect(await idOfRejection(call()('/orders'))).toBe('DISCOVERY_FAILED:INSECURE');
  });

  test.each([
    'http://127.evil.example',
    'http://localhost.evil.example',
    'http://[::2]',
    'http://192.168.0.1',
  ])('to %s are not taken for ones to this machine', async (baseUrl) => {
    const found = await idOfRejection(xlinkFetch({ apiKey: KEY, baseUrl })('/orders'));
    expect(found).toBe('DISCOVERY_FAILED:INSECURE');
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
    ['services', { services: { load: () => undefined } }],
    ['apiKeyOrigin', { apiKeyOrigin: ['https://a.example', 'b.example'] }],
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
