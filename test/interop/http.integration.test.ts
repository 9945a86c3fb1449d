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
    app.use(adapter.middleware());
    app.use(express.json());
    app.use(express.text({ type: 'text/*' }));
    app.all('/*path', (req, res) => {
      res.json({ auth: (req as { auth?: unknown }).auth, body: req.body ?? null, method: req.method });
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
          scope,
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

  test('refusals, with the ids and statuses of the document', () =>
    serve(async ({ body, header, peer, api }) => {
      const p = await peer(2);
      const json = { body: '{"a":1}', contentType: 'application/json' };
      const digest = new Uint8Array(32);
      const answers = {
        REQUEST_BINDING_MISMATCH: await header(p, 'GET', '/orders', { target: '/orders?' }),
        REQUEST_BINDING_REQUIRED: await body(p, 'POST', '/orders', 1, { seal: { request: undefined } }),
        CONTENT_DIGEST_MISMATCH: await header(p, 'PUT', '/o', { ...json, sentBody: '{"a":2}' }),
        CONTENT_TYPE_MISMATCH: await header(p, 'PUT', '/o', { ...json, seal: { contentType: 'text/plain' } }),
        CONTENT_DIGEST_MISSING: await header(p, 'PUT', '/o', { sentBody: 'x' }),
        CONTENT_DIGEST_UNEXPECTED: await header(p, 'GET', '/o', { seal: { contentDigest: digest } }),
        ENVELOPE_FORM_NOT_ALLOWED: await header(p, 'GET', '/o', { seal: { content: 1 } }),
        CLEARTEXT_NOT_ALLOWED: await body(p, 'POST', '/o', 1, { seal: { signedOnly: true } }),
        CONTENT_ENCODING_UNSUPPORTED: await body(p, 'POST', '/o', 1, {
          headers: { 'Content-Encoding': 'gzip' },
        }),
        ENVELOPE_AMBIGUOUS: await body(p, 'POST', '/o', 1, { headers: { 'Xlink-Envelope': 'e30' } }),
        'PARSE_FAILED:SYNTAX': await header(p, 'GET', '/o', { headers: { Authorization: 'Xlink e30=' } }),
        'PARSE_FAILED:MISSING_FIELD': await header(p, 'GET', '/o', { seal: { contentType: 'text/plain' } }),
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
      const unexpected = await body(p, 'POST', '/o', 1, { seal: { contentDigest: digest } });
      expect([unexpected.status, unexpected.error]).toEqual([400, 'CONTENT_DIGEST_UNEXPECTED']);
      const long = `Xlink ${'A'.repeat(32_772)}`;
      // Node refuses headers of more than 16 KiB before anybody sees them (12.2)
      expect((await header(p, 'GET', '/o', { headers: { Authorization: long } })).status).toBe(431);

      // a good envelope is not spoiled by a refused request, and is accepted once
      const sealed = await p.seal(api.did, { scope: 'orders:read', signedOnly: true, request: 'GET /once' });
      const Authorization = `xLINK ${second.toBase64url(second.utf8(sealed.text))}`;
      const send = (path: string) => header(p, 'GET', path, { headers: { Authorization } });
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
      const sealed = await a.createEnvelope({ ...common, payload: CONTENT });
      const request = { method: 'POST', target, headers: { 'content-type': 'application/xlink-envelope' } };
      const inBody = (envelope: object) =>
        second.receiveRequest(b, { ...request, body: second.utf8(JSON.stringify(envelope)) });
      expect(await inBody(sealed)).toMatchObject({ from: a.did, version, content: CONTENT, encrypted: true });

      const body = second.utf8('{"a": 1}');
      const contentType = 'multipart/form-data; boundary="é%\\"';
      const beside = await a.createEnvelope({ ...common, signedOnly: true, content: body, contentType });
      const inHeader = (envelope: object, type: string, bytes?: Uint8Array) =>
        second.receiveRequest(b, {
          method: 'POST',
          target,
          headers: {
            'content-type': type,
            authorization: `Xlink ${second.toBase64url(second.utf8(JSON.stringify(envelope)))}`,
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
      const alone = await a.createEnvelope({ ...common, signedOnly: true });
      expect(await inHeader(alone, 'text/plain')).toMatchObject({ from: a.did, content: undefined });
    }
  });
});
