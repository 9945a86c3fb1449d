import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { requestBinding } from '@private.me/xlink';
import { fieldsTranscript, type Header } from '../../src/envelope/plaintext.js';
import { identityOf } from '../support/agents.js';
import { FRAMEWORKS } from '../support/express.js';
import { altered, resigned, sealed } from '../support/forge.js';
import {
  bodyForm,
  headerForm,
  json,
  ORDER,
  type Sent,
  sealedRequest,
  signedEnvelope,
} from '../support/http.js';
import { World, type WorldWithCaller } from '../support/world.js';

/** A POST of the caller whose envelope seals these headers: the library's own client leaves some of them out. */
async function sealing(headers: readonly Header[], onTheWire: OutgoingHttpHeaders = {}): Promise<Sent> {
  const [caller, api] = await Promise.all([identityOf('caller', 2), identityOf('api', 2)]);
  const draft = { kind: 'request' as const, request: requestBinding('POST', '/orders'), scope: '*' };
  const content = Buffer.from(JSON.stringify(ORDER));
  const envelope = await sealed(caller, api, content, draft, 'application/json', headers);
  return bodyForm(envelope, { headers: onTheWire });
}

/** A request of the caller whose envelope signs these headers, and brings them. */
async function signing(known: WorldWithCaller, headers: readonly Header[], beside: Sent = {}): Promise<Sent> {
  const fieldsDigest = createHash('sha256').update(fieldsTranscript(headers)).digest('base64url');
  const fields = headers.map(([name]) => name).join(' ');
  const sent = { ...beside, headers: { ...beside.headers, ...Object.fromEntries(headers) } };
  const envelope = altered(await signedEnvelope(known, beside), { fields, fieldsDigest });
  return headerForm(await resigned(await identityOf('caller', 2), envelope), sent);
}

const FOR_NOBODY = [
  'host',
  'authorization',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-client-cert',
  'x-real-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'client-cert',
  'x-client-cert-dn',
  'x-ssl-client-verify',
  'ssl-client-verify',
  'x-auth-request-user',
  'remote-user',
  'x-envoy-external-address',
  'x-arr-clientcert',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-amzn-oidc-identity',
  'x-azure-clientip',
  'x-ms-client-principal-name',
  'x-goog-authenticated-user-email',
];

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('headers that only a proxy may set', () => {
    test.each(FOR_NOBODY)('%s is not taken out of a sealed body', async (name) => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      await service.refused(await sealing([[name, '6.6.6.6']]), '400 FIELD_NOT_ALLOWED');
      expect(service.calls).toHaveLength(0);
    });

    test.each(FOR_NOBODY.filter((name) => !/^(host|auth|content|transfer|connection)/.test(name)))(
      '%s is not vouched for by an envelope in a header',
      async (name) => {
        const known = await World.withCaller();
        const service = await known.serve({ express });
        await service.refused(await signing(known, [[name, '6.6.6.6']]), '400 FIELD_NOT_ALLOWED');
      },
    );

    test('reach the handler as the proxy set them: callers leave them out', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      const edge = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9', 'cf-ray': '8a' };
      const own: Header[] = [
        ['X-Forwarded-For', '6.6.6.6'],
        ['X-Real-IP', '6.6.6.6'],
        ['CF-Ray', '6'],
        ['x-trace', '7'],
      ];
      const call = await service.accepted(sealedRequest(known, { headers: edge }, { headers: own }));
      expect(call.headers).toMatchObject({ ...edge, 'x-trace': '7' });
      expect(call.auth).toMatchObject({ signedHeaders: ['x-trace'] });
    });

    test('are those of the option, too, by name and by beginning, and the others still', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, proxyHeaders: ['X-Internal-User', 'x-mesh-*'] });
      for (const name of ['x-internal-user', 'x-mesh-peer', 'x-real-ip']) {
        await service.refused(await sealing([[name, 'root']]), '400 FIELD_NOT_ALLOWED');
        await service.refused(await signing(known, [[name, 'root']]), '400 FIELD_NOT_ALLOWED');
      }
      const call = await service.accepted(sealing([['x-internal', 'a']], { 'x-internal-user': 'guest' }));
      expect(call.headers).toMatchObject({ 'x-internal': 'a', 'x-internal-user': 'guest' });
    });
  });

  describe('a header that is sealed and came beside', () => {
    test('with another value is refused: somebody on the way put it there', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      for (const name of ['x-tenant', 'cookie', 'idempotency-key', 'if-match'])
        await service.refused(await sealing([[name, 'a']], { [name]: 'b' }), '401 FIELDS_MISMATCH');
    });

    test('with the same value is what both say', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      const call = await service.accepted(sealing([['x-tenant', 'a']], { 'x-tenant': 'a' }));
      expect(call.headers).toMatchObject({ 'x-tenant': 'a' });
    });

    test.each(['accept', 'user-agent', 'traceparent', 'accept-language', 'cache-control', 'sec-fetch-mode'])(
      '%s, which a library may set by itself, is what was sealed',
      async (name) => {
        const known = await World.withCaller();
        const service = await known.serve({ express });
        const call = await service.accepted(sealing([[name, 'a']], { [name]: 'b' }));
        expect(call.headers).toMatchObject({ [name]: 'a' });
      },
    );
  });

  test('the refusal says what to do, where details are shown', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ express, exposeDetails: true });
    const answer = await service.send(sealing([['x-real-ip', '6.6.6.6']]));
    expect(JSON.parse(answer.text)).toMatchObject({
      field: 'x-real-ip',
      detail: 'Leave it out.', // what operators can do is for them: operatorHint()
    });
    expect((await service.send(signedFor(known))).status).toBe(200);
  });
});

const signedFor = async (known: WorldWithCaller): Promise<Sent> =>
  signing(known, [['x-trace', '7']], json(ORDER));
