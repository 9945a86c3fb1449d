import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { Agent, xlinkFetch } from '@private.me/xlink';
import express from 'express';
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

  /** An API that says which bytes reached a handler, and under which type. */
  const serveRaw = () =>
    serveApi({}, (app) => {
      app.all('/raw', express.raw({ type: () => true }), (req, res) => {
        res.json({ type: req.headers['content-type'], hex: (req.body as Buffer).toString('hex') });
      });
    });

  test.each([
    ['{"a":', 'application/json'],
    ['not json', 'application/json; charset=utf-8'],
    [' {"a": "secret"} ', 'APPLICATION/JSON'],
    ['{"a":1}', 'application/vnd.api+json'],
    ['{"a":1}', 'text/plain'],
    ['{"a":1}', 'application/jsonl'],
    ['x', 'text/plain; charset="utf-8"'],
    ['x', 'text/plain; name=é'],
    ['9007199254740993', 'application/json'],
    ['[-12345678901234567890, 12345678901234567.00]', 'application/json'],
    ['{"a":1e400,"b":1e-400,"c":1.000000000000000001}', 'application/merge-patch+json'],
    ['{"__proto__":{"a":1},"a":1,"a":2}', 'application/json'],
    [new Uint8Array([0xff, 0x00, 0xc3, 0x28]), 'application/octet-stream'],
  ])('[B7] [B8] are sealed as they are, whatever they are: %s as %s', async (body, type) => {
    const api = await serveRaw();
    const headers = { 'Content-Type': type };
    const answer = await fetchFor(api.url)('/raw', { method: 'POST', body, headers });
    expect(await answer.json()).toEqual({ type, hex: Buffer.from(body).toString('hex') });
    const sent = api.seen.at(-1)!;
    expect(sent.headers['content-type']).toBe('application/xlink-envelope');
    expect(sent.body).not.toContain('secret');
    expect(JSON.parse(sent.body)).not.toHaveProperty('contentType');
  });

  test('that are long take no longer than they must', async () => {
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
