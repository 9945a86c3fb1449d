// The package against a second implementation, written from docs/PROTOCOL.md alone (./second).
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type Agent, DualModeAdapter, requestBinding } from '@private.me/xlink';
import express from 'express';
import * as second from './second/index.mjs';

import { world } from './support.js';

const VERSIONS = [1, 2, 3] as const;
const CONTENT = { text: 'Grüße ☃ "\\', list: [1, null, true], nested: { a: -0.5 } };
describe('HTTP: the second implementation calls an Express app', () => {
  async function serve<T>(use: (call: Call) => Promise<T>): Promise<T> {
    const { agent, peer } = world();
    const api = await agent(3);
    const adapter = new DualModeAdapter({
      agent: api,
      mode: 'hybrid',
      legacyKeyValidator: (key) => (key === 'sesame' ? { customer: 7 } : null),
    });
    const app = express();
    app.post('/messages', api.middleware(), (req, res) => void res.json({ body: req.body }));
    app.use(adapter.middleware());
    app.use(express.json());
    app.use(express.text({ type: 'text/*' }));
    app.all('/*path', (req, res) => {
      const { auth } = req as { auth?: unknown };
      res.json({ auth, body: req.body ?? null, method: req.method, headers: req.headers });
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      return await use({
        base,
        api,
        peer,
        body: (p, method, path, content, options) =>
          second.sendBodyForm(p, api.did, method, base + path, 'orders:write', content, options),
        header: (p, method, path, options) =>
          second.sendHeaderForm(p, api.did, method, base + path, 'orders:read', options),
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  interface Call {
    base: string;
    api: Agent;
    peer: ReturnType<typeof world>['peer'];
    body(
      p: second.Peer,
      method: string,
      path: string,
      content: unknown,
      options?: second.HttpOptions,
    ): Promise<second.Answer>;
    header(
      p: second.Peer,
      method: string,
      path: string,
      options?: second.HttpOptions,
    ): Promise<second.Answer>;
  }

  test('body form and header form, with and without a body, in every version', () =>
    serve(async ({ body, header, peer }) => {
      for (const version of VERSIONS) {
        const p = await peer(version);
        const auth = (encrypted: boolean, scope: string) => ({
          mode: 'xlink',
          did: p.did,
          scopes: [scope],
          version,
          encrypted,
        });
        const sealed = await body(p, 'POST', '/orders?dry=1&x=%7e"\\', CONTENT);
        expect(sealed).toMatchObject({
          status: 200,
          json: { auth: auth(true, 'orders:write'), body: CONTENT, method: 'POST' },
        });
        const get = await header(p, 'GET', '/orders?limit=5');
        expect(get).toMatchObject({ status: 200, json: { auth: auth(false, 'orders:read'), method: 'GET' } });
        expect(await header(p, 'GET', '/orders?')).toMatchObject({ status: 200 });
        expect(await header(p, 'HEAD', '/orders')).toMatchObject({ status: 200 });

        const json = { body: '{"a":[1, 2]}', contentType: 'application/json; charset="utf-8"' };
        expect(await header(p, 'PUT', '/orders/1', json)).toMatchObject({
          status: 200,
          json: { auth: auth(false, 'orders:read'), body: { a: [1, 2] } },
        });
        const beside = { ...json, apiKeyHeader: 'ApiKey sesame' };
        expect(await header(p, 'PATCH', '/orders/1', beside)).toMatchObject({
          status: 200,
          json: { auth: auth(false, 'orders:read'), body: { a: [1, 2] } },
        });
        expect(await header(p, 'DELETE', '/orders/1', json)).toMatchObject({ status: 200 });
        expect(await body(p, 'DELETE', '/orders/1', CONTENT)).toMatchObject({ status: 200 });
        const text = { body: 'plain ☃', contentType: 'text/plain' };
        expect(await header(p, 'POST', '/orders/2', text)).toMatchObject({
          status: 200,
          json: { body: 'plain ☃' },
        });
        expect(await header(p, 'POST', '/orders/3', { body: 'untyped' })).toMatchObject({ status: 200 });
        expect(await header(p, 'POST', '/orders/4', { body: '' })).toMatchObject({ status: 200 });
      }
    }));

  test('headers that the caller set are the ones that the handler sees, in both forms', () =>
    serve(async ({ body, header, peer }) => {
      const p = await peer(3);
      const headers = {
        'Idempotency-Key': 'order-1',
        Prefer: 'return=minimal',
        'X-Tenant': 'Zürich',
        Accept: '*/*',
      };
      const onTheWay = { cookie: 'forged=1', 'if-match': '"x"', range: 'bytes=0-', 'x-trace': 'by a proxy' };
      const forms = [
        await body(p, 'POST', '/o', CONTENT, { headers, wire: onTheWay }),
        await header(p, 'GET', '/o', { headers: { ...headers, 'X-Tenant': 'Zurich' }, wire: onTheWay }),
      ];
      for (const [at, answer] of forms.entries()) {
        expect(answer.status).toBe(200);
        expect(answer.json.headers).toMatchObject({
          'idempotency-key': 'order-1',
          prefer: 'return=minimal',
          'x-tenant': at === 0 ? 'Zürich' : 'Zurich',
          'x-trace': 'by a proxy',
        });
        for (const name of ['cookie', 'if-match', 'range'])
          expect(answer.json.headers).not.toHaveProperty(name);
      }
      for (const wire of [{ 'idempotency-key': 'order-2' }, { 'x-tenant': 'forged' }])
        expect(await body(p, 'POST', '/o', CONTENT, { headers, wire })).toMatchObject({
          status: 401,
          json: { code: 'FIELDS_MISMATCH' },
        });
    }));

  test('`*` in a request stands for all that was granted', () =>
    serve(async ({ body, peer }) => {
      const p = await peer(2);
      const answer = await body(p, 'POST', '/o', CONTENT, { seal: { scope: '*' } });
      expect(answer).toMatchObject({
        status: 200,
        json: { auth: { scopes: ['orders:read', 'orders:write'] } },
      });
    }));

  test('refusals, with the ids and statuses of the document', () =>
    serve(async ({ body, header, peer, api }) => {
      const p = await peer(2);
      const json = { body: '{"a":1}', contentType: 'application/json' };
      const digest = new Uint8Array(32);
      const answers = {
        REQUEST_BINDING_MISMATCH: await header(p, 'GET', '/orders', { target: '/orders?' }),
        REQUEST_BINDING_REQUIRED: await body(p, 'POST', '/messages', 1, {
          seal: { kind: 'message', headers: undefined, request: undefined },
        }),
        KIND_NOT_ACCEPTED: await body(p, 'POST', '/o', 1, { seal: { kind: 'message' } }),
        FIELDS_MISMATCH: await header(p, 'GET', '/o', {
          headers: { 'Idempotency-Key': 'order-1' },
          wire: { 'idempotency-key': 'order-2' },
        }),
        CONTENT_DIGEST_MISMATCH: await header(p, 'PUT', '/o', { ...json, sentBody: '{"a":2}' }),
        CONTENT_TYPE_MISMATCH: await header(p, 'PUT', '/o', { ...json, seal: { contentType: 'text/plain' } }),
        CONTENT_DIGEST_MISSING: await header(p, 'PUT', '/o', { sentBody: 'x' }),
        CONTENT_DIGEST_UNEXPECTED: await header(p, 'GET', '/o', { seal: { contentDigest: digest } }),
        ENVELOPE_FORM_NOT_ALLOWED: await header(p, 'GET', '/o', { seal: { content: 1 } }),
        CLEARTEXT_NOT_ALLOWED: await body(p, 'POST', '/o', 1, { seal: { signedOnly: true } }),
        CONTENT_ENCODING_UNSUPPORTED: await body(p, 'POST', '/o', 1, {
          wire: { 'Content-Encoding': 'gzip' },
        }),
        ENVELOPE_AMBIGUOUS: await body(p, 'POST', '/o', 1, { wire: { 'Xlink-Envelope': 'e30' } }),
        'PARSE_FAILED:SYNTAX': await header(p, 'GET', '/o', { wire: { Authorization: 'Xlink e30=' } }),
        'PARSE_FAILED:MISSING_FIELD': await body(p, 'POST', '/o', 1, { seal: { request: undefined } }),
      };
      for (const [id, answer] of Object.entries(answers)) {
        expect([id, answer.error]).toEqual([id, id]);
        const status = /MISMATCH|REQUIRED/.test(id) ? 401 : id === 'CONTENT_ENCODING_UNSUPPORTED' ? 415 : 400;
        expect([id, answer.status, answer.json.status]).toEqual([id, status, status]);
        expect(answer.json).toMatchObject({ authMethod: 'xlink', title: expect.any(String) });
        expect(answer.json.type.endsWith(id)).toBe(true);
        expect(answer.headers['cache-control']).toBe('no-store');
        if (status === 401)
          expect(answer.headers['www-authenticate']).toContain(`Xlink realm="api", error="${id}"`);
      }
      const alone = await header(p, 'GET', '/o', { seal: { contentType: 'text/plain' } });
      expect([alone.status, alone.error]).toEqual([400, 'PARSE_FAILED:MISSING_FIELD']);
      const asMessage = { kind: 'message', headers: undefined };
      expect(await body(p, 'POST', '/messages', CONTENT, { seal: asMessage })).toMatchObject({
        status: 200,
        json: { body: CONTENT },
      });
      const asRequest = await body(p, 'POST', '/messages', CONTENT);
      expect([asRequest.status, asRequest.error]).toEqual([400, 'KIND_NOT_ACCEPTED']);
      const beside = { seal: { contentDigest: digest } }; // no encrypted envelope has it (5.1)
      const unexpected = await body(p, 'POST', '/o', 1, beside);
      expect([unexpected.status, unexpected.error]).toEqual([400, 'PARSE_FAILED:UNKNOWN_FIELD']);
      const long = `Xlink ${'A'.repeat(32_772)}`;
      // Node refuses headers of more than 16 KiB before anybody sees them (12.2)
      expect((await header(p, 'GET', '/o', { wire: { Authorization: long } })).status).toBe(431);

      // a good envelope is not spoiled by a refused request, and is accepted once
      const sealed = await p.seal(api.did, {
        ...{ kind: 'request', scope: 'orders:read', signedOnly: true, request: 'GET /once' },
      });
      const Authorization = `xLINK ${second.toBase64url(second.utf8(sealed.text))}`;
      const send = (path: string) => header(p, 'GET', path, { wire: { Authorization } });
      expect((await send('/twice')).error).toBe('REQUEST_BINDING_MISMATCH');
      expect((await send('/once')).status).toBe(200);
      expect(await send('/once')).toMatchObject({ status: 409, error: 'REPLAY_DETECTED' });
    }));
});

describe('HTTP: the package calls, the second implementation receives', () => {
  test('body form and header form, with and without a body', async () => {
    const { agent, peer } = world();
    for (const version of VERSIONS) {
      const [a, b] = [await agent(version), await peer(version)];
      const target = '/orders?a="b"';
      const common = { to: b.did, scope: 'orders:read', request: requestBinding('post', target) };
      const headers = [
        ['X-Tenant', 'Zürich'],
        ['Idempotency-Key', 'order-1'],
        ['Accept', '*/*'],
      ] as const;
      const sealed = await a.createRequest({ ...common, payload: CONTENT, headers });
      const request = { method: 'POST', target, headers: { 'content-type': 'application/xlink-envelope' } };
      const inBody = (envelope: object) =>
        second.receiveRequest(b, { ...request, body: second.utf8(JSON.stringify(envelope)) });
      const seen = { 'x-tenant': 'Zürich', 'idempotency-key': 'order-1', accept: '*/*' };
      expect(await inBody(sealed)).toMatchObject({
        ...{ from: a.did, version, content: CONTENT, encrypted: true },
        ...{ seen, covered: ['accept', 'idempotency-key', 'x-tenant'] },
      });

      const body = second.utf8('{"a": 1}');
      const contentType = 'multipart/form-data; boundary="é%\\"';
      const beside = await a.createRequest({ ...common, signedOnly: true, content: body, contentType });
      const inHeader = (envelope: object, type: string, bytes?: Uint8Array, more = {}) =>
        second.receiveRequest(b, {
          method: 'POST',
          target,
          headers: {
            'content-type': type,
            authorization: `Xlink ${second.toBase64url(second.utf8(JSON.stringify(envelope)))}`,
            ...more,
          },
          ...(bytes ? { body: bytes } : {}),
        });
      expect(await second.outcome(inHeader(beside, 'text/plain', body))).toBe('CONTENT_TYPE_MISMATCH');
      expect(await second.outcome(inHeader(beside, contentType, second.utf8('{"a": 2}')))).toBe(
        'CONTENT_DIGEST_MISMATCH',
      );
      expect(await second.outcome(inHeader(beside, contentType))).toBe('CONTENT_DIGEST_UNEXPECTED');
      expect(await inHeader(beside, contentType, body)).toMatchObject({
        from: a.did,
        version,
        encrypted: false,
      });
      const alone = await a.createRequest({ ...common, signedOnly: true, headers: [['X-Tenant', 'acme']] });
      const withHeader = (value: string) => inHeader(alone, 'text/plain', undefined, { 'x-tenant': value });
      expect(await second.outcome(withHeader('other'))).toBe('FIELDS_MISMATCH');
      const got = await withHeader('acme');
      expect(got).toMatchObject({ from: a.did, seen: { 'x-tenant': 'acme' }, covered: ['x-tenant'] });
      expect(got).not.toHaveProperty('content');
    }
  });
});
