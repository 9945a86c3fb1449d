import { gzipSync } from 'node:zlib';
import { type Envelope, MemoryTrustRegistry, requestBinding } from '@private.me/xlink';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { NOON } from '../support/clock.js';
import { altered, sealed, withBitFlipped } from '../support/forge.js';
import {
  bodyForm,
  headerForm,
  headerText,
  json,
  ORDER,
  type RefusalText,
  type Sent,
  sealedEnvelope,
  sealedRequest,
  signedEnvelope,
  signedRequest,
} from '../support/http.js';
import type { WorldWithCaller } from '../support/world.js';

/** A request with an envelope that must not be accepted. */
export interface BadRequest {
  readonly name: string;
  readonly refusal: RefusalText;
  readonly make: (parties: WorldWithCaller) => Promise<Sent>;
}

/** Limits that the oversized requests below exceed. */
export const LIMITS = { maxBodyBytes: 2048, maxEnvelopeBytes: 8192 };

const GET: Sent = {};
const POST = json(ORDER);
const WINDOW_MS = 30_000;
const badSignature = (envelope: Envelope) =>
  altered(envelope, { signature: withBitFlipped(envelope.signature, 77) });

/** The caller with another clock. */
async function at(time: number, world: WorldWithCaller): Promise<Pick<WorldWithCaller, 'api' | 'caller'>> {
  return { api: world.api, caller: await world.agent('caller', { clock: () => time }) };
}

/** Somebody who knows the API and whom the API does not know. */
async function stranger(world: WorldWithCaller): Promise<Pick<WorldWithCaller, 'api' | 'caller'>> {
  const registry = new MemoryTrustRegistry();
  const { status: _, ...entry } = world.registry.lookup(world.api.did)!;
  await registry.register(entry);
  return { api: world.api, caller: await world.agent('stranger', { registry }) };
}

async function elsewhere(world: WorldWithCaller): Promise<Pick<WorldWithCaller, 'api' | 'caller'>> {
  return { caller: world.caller, api: await world.agent('another api') };
}

const bytes = (length: number) => new Uint8Array(length).fill(7);
const binary = (body: Uint8Array): Sent => ({
  headers: { 'content-type': 'application/octet-stream' },
  body,
});

export const BAD_HEADERS: readonly BadRequest[] = [
  {
    name: 'text that is not base64url',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async () => ({ headers: { authorization: 'Xlink not+base64url/at=all' } }),
  },
  {
    name: 'nothing behind the scheme',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async () => ({ headers: { authorization: 'Xlink' } }),
  },
  {
    name: 'an empty Xlink-Envelope',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async () => ({ headers: { 'xlink-envelope': '' } }),
  },
  {
    name: 'two Xlink-Envelope headers',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async (parties) => {
      const text = headerText(await signedEnvelope(parties));
      return { headers: { 'xlink-envelope': [text, text] } };
    },
  },
  {
    name: 'JSON that is no envelope',
    refusal: '400 PARSE_FAILED:UNKNOWN_FIELD',
    make: async () => headerForm('{"admin":1}'),
  },
  {
    name: 'a member twice',
    refusal: '400 PARSE_FAILED:DUPLICATE_FIELD',
    make: async (parties) => {
      const text = JSON.stringify(await signedEnvelope(parties));
      return headerForm(text.replace('{', '{"scope":"admin",'));
    },
  },
  {
    name: 'a changed signature',
    refusal: '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    make: async (parties) => headerForm(badSignature(await signedEnvelope(parties))),
  },
  {
    name: 'a changed scope',
    refusal: '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    make: async (parties) => headerForm(altered(await signedEnvelope(parties), { scope: 'admin' })),
  },
  {
    name: 'another audience',
    refusal: '401 RECIPIENT_MISMATCH',
    make: async (parties) => signedRequest(await elsewhere(parties)),
  },
  {
    name: 'another method',
    refusal: '401 REQUEST_BINDING_MISMATCH',
    make: async (parties) => ({ ...(await signedRequest(parties, GET)), method: 'DELETE' }),
  },
  {
    name: 'another path',
    refusal: '401 REQUEST_BINDING_MISMATCH',
    make: async (parties) => ({ ...(await signedRequest(parties, GET)), path: '/orders/7' }),
  },
  {
    name: 'another query',
    refusal: '401 REQUEST_BINDING_MISMATCH',
    make: async (parties) => ({
      ...(await signedRequest(parties, { path: '/orders?limit=5' })),
      path: '/orders?limit=500',
    }),
  },
  {
    name: 'no binding to a request',
    refusal: '401 REQUEST_BINDING_REQUIRED',
    make: async ({ caller, api }) =>
      headerForm(await caller.createEnvelope({ to: api.did, signedOnly: true })),
  },
  {
    name: 'a timestamp one millisecond too old',
    refusal: '401 TIMESTAMP_EXPIRED',
    make: async (parties) => signedRequest(await at(NOON - WINDOW_MS - 1, parties)),
  },
  {
    name: 'a timestamp one millisecond too far ahead',
    refusal: '401 TIMESTAMP_EXPIRED:FUTURE',
    make: async (parties) => signedRequest(await at(NOON + WINDOW_MS + 1, parties)),
  },
  {
    name: 'a timestamp before the nonce store started',
    refusal: '503 NONCE_STORE_UNAVAILABLE:COLD_START',
    make: async (parties) => signedRequest(await at(NOON - 1, parties)),
  },
  {
    name: 'a sender nobody registered',
    refusal: '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    make: async (parties) => signedRequest(await stranger(parties)),
  },
  {
    name: 'a sender who was revoked',
    refusal: '403 VERIFICATION_FAILED:DID_REVOKED',
    make: async (parties) => {
      const sent = await signedRequest(parties);
      await parties.registry.revoke(parties.caller.did);
      return sent;
    },
  },
  {
    name: 'a scope the sender lacks',
    refusal: '403 SCOPE_DENIED',
    make: async (parties) => {
      await parties.registry.updateScopes(parties.caller.did, { scopes: ['orders:read'] });
      return signedRequest(parties, GET, { scope: 'orders:write' });
    },
  },
  {
    name: 'an envelope that was received before',
    refusal: '409 REPLAY_DETECTED',
    make: async (parties) => {
      const envelope = await signedEnvelope(parties);
      await parties.api.receive(envelope, { allowCleartext: true });
      return headerForm(envelope);
    },
  },
  {
    name: 'a sealed payload in a header',
    refusal: '400 ENVELOPE_FORM_NOT_ALLOWED',
    make: async (parties) => headerForm(await sealedEnvelope(parties, { method: 'GET' })),
  },
  {
    name: 'a readable payload in a header',
    refusal: '400 ENVELOPE_FORM_NOT_ALLOWED',
    make: async (parties) => headerForm(await signedEnvelope(parties, GET, { payload: ORDER })),
  },
  {
    name: 'an envelope in each of two headers',
    refusal: '400 ENVELOPE_AMBIGUOUS',
    make: async (parties) =>
      headerForm(await signedEnvelope(parties), await signedRequest(parties), 'xlink-envelope'),
  },
  {
    name: 'a body that the envelope does not cover',
    refusal: '400 CONTENT_DIGEST_MISSING',
    make: async (parties) => headerForm(await signedEnvelope(parties, { method: 'POST' }), POST),
  },
  {
    name: 'a chunked body that the envelope does not cover',
    refusal: '400 CONTENT_DIGEST_MISSING',
    make: async (parties) =>
      headerForm(await signedEnvelope(parties, { method: 'POST' }), { ...POST, chunked: true }),
  },
  {
    name: 'a digest without a body',
    refusal: '400 CONTENT_DIGEST_UNEXPECTED',
    make: async (parties) => headerForm(await signedEnvelope(parties, { ...POST, method: 'GET' })),
  },
  {
    name: 'a digest and a body that was taken away',
    refusal: '400 CONTENT_DIGEST_UNEXPECTED',
    make: async (parties) => headerForm(await signedEnvelope(parties, POST), { ...POST, body: '' }),
  },
  {
    name: 'a body with one more byte',
    refusal: '401 CONTENT_DIGEST_MISMATCH',
    make: async (parties) =>
      headerForm(await signedEnvelope(parties, POST), { ...POST, body: `${POST.body} ` }),
  },
  {
    name: 'a body of another type',
    refusal: '401 CONTENT_TYPE_MISMATCH',
    make: async (parties) =>
      headerForm(await signedEnvelope(parties, POST), { ...POST, headers: { 'content-type': 'text/html' } }),
  },
  {
    name: 'a body whose type gained a charset',
    refusal: '401 CONTENT_TYPE_MISMATCH',
    make: async (parties) =>
      headerForm(await signedEnvelope(parties, POST), {
        ...POST,
        headers: { 'content-type': 'application/json; charset=utf-16' },
      }),
  },
  {
    name: 'a body whose type nobody signed',
    refusal: '401 CONTENT_TYPE_MISMATCH',
    make: async (parties) => {
      const { headers: _, ...untyped } = POST;
      return headerForm(await signedEnvelope(parties, untyped), POST);
    },
  },
  {
    name: 'a body that lost its type',
    refusal: '401 CONTENT_TYPE_MISMATCH',
    make: async (parties) => {
      const { headers: _, ...untyped } = POST;
      return headerForm(await signedEnvelope(parties, POST), untyped);
    },
  },
  {
    name: 'a gzipped body',
    refusal: '415 CONTENT_ENCODING_UNSUPPORTED',
    make: async (parties) => {
      const body = gzipSync(JSON.stringify(ORDER));
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      return signedRequest(parties, { headers, body });
    },
  },
  {
    name: 'a body beyond the limit',
    refusal: '413 BODY_TOO_LARGE',
    make: (parties) => signedRequest(parties, binary(bytes(LIMITS.maxBodyBytes + 1))),
  },
  {
    name: 'a chunked body beyond the limit',
    refusal: '413 BODY_TOO_LARGE',
    make: (parties) => signedRequest(parties, { ...binary(bytes(LIMITS.maxBodyBytes + 1)), chunked: true }),
  },
];

const request = requestBinding('POST', '/orders');

export const BAD_BODIES: readonly BadRequest[] = [
  { name: 'no JSON', refusal: '400 PARSE_FAILED:SYNTAX', make: async () => bodyForm('item=tea') },
  { name: 'an empty body', refusal: '400 PARSE_FAILED:SYNTAX', make: async () => bodyForm('') },
  {
    name: 'an empty chunked body',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async () => bodyForm('', { chunked: true }),
  },
  {
    name: 'no body, only its type',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async () => ({ headers: { 'content-type': 'application/xlink-envelope' } }),
  },
  {
    name: 'half an envelope',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async (parties) => bodyForm(JSON.stringify(await sealedEnvelope(parties)).slice(0, 900)),
  },
  {
    name: 'a member named __proto__',
    refusal: '400 PARSE_FAILED:UNKNOWN_FIELD',
    make: async (parties) =>
      bodyForm(JSON.stringify(await sealedEnvelope(parties)).replace('{', '{"__proto__":"x",')),
  },
  {
    name: 'a changed signature',
    refusal: '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    make: async (parties) => bodyForm(badSignature(await sealedEnvelope(parties))),
  },
  {
    name: 'a changed ciphertext',
    refusal: '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    make: async (parties) => {
      const envelope = await sealedEnvelope(parties);
      return bodyForm(altered(envelope, { payload: withBitFlipped(envelope.payload!, 5) }));
    },
  },
  {
    name: 'another audience',
    refusal: '401 RECIPIENT_MISMATCH',
    make: async (parties) => sealedRequest(await elsewhere(parties)),
  },
  {
    name: 'another method',
    refusal: '401 REQUEST_BINDING_MISMATCH',
    make: async (parties) => ({ ...(await sealedRequest(parties)), method: 'PUT' }),
  },
  {
    name: 'another path',
    refusal: '401 REQUEST_BINDING_MISMATCH',
    make: async (parties) => ({ ...(await sealedRequest(parties)), path: '/refunds' }),
  },
  {
    name: 'another query',
    refusal: '401 REQUEST_BINDING_MISMATCH',
    make: async (parties) => ({ ...(await sealedRequest(parties)), path: '/orders?dry=0' }),
  },
  {
    name: 'no binding to a request',
    refusal: '401 REQUEST_BINDING_REQUIRED',
    make: async ({ caller, api }) => bodyForm(await caller.createEnvelope({ to: api.did, payload: ORDER })),
  },
  {
    name: 'a sender nobody registered',
    refusal: '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    make: async (parties) => sealedRequest(await stranger(parties)),
  },
  {
    name: 'an envelope that was received before',
    refusal: '409 REPLAY_DETECTED',
    make: async (parties) => {
      const envelope = await sealedEnvelope(parties);
      await parties.api.receive(envelope);
      return bodyForm(envelope);
    },
  },
  {
    name: 'an envelope that is signed only',
    refusal: '400 CLEARTEXT_NOT_ALLOWED',
    make: async (parties) => bodyForm(await sealedEnvelope(parties, {}, { signedOnly: true })),
  },
  {
    name: 'a payload that was sealed for other keys',
    refusal: '400 DECRYPT_FAILED:DECRYPTION',
    make: async ({ api }) => {
      const other = await identityOf('another api');
      const content = encodeUtf8(JSON.stringify(ORDER));
      return bodyForm(await sealed(await identityOf('caller'), other, content, { to: api.did, request }));
    },
  },
  {
    name: 'a sealed payload that is not JSON',
    refusal: '400 DECRYPT_FAILED:PARSE',
    make: async () => {
      const [caller, api] = [await identityOf('caller'), await identityOf('api')];
      return bodyForm(await sealed(caller, api, encodeUtf8('tea, please'), { request }));
    },
  },
  {
    name: 'a digest inside a sealed body',
    refusal: '400 CONTENT_DIGEST_UNEXPECTED',
    make: async () => {
      const [caller, api] = [await identityOf('caller'), await identityOf('api')];
      const draft = { request, contentDigest: new Uint8Array(32) };
      return bodyForm(await sealed(caller, api, encodeUtf8('1'), draft));
    },
  },
  {
    name: 'a second envelope in Authorization',
    refusal: '400 ENVELOPE_AMBIGUOUS',
    make: async (parties) =>
      headerForm(await signedEnvelope(parties, { method: 'POST' }), await sealedRequest(parties)),
  },
  {
    name: 'a gzipped envelope',
    refusal: '415 CONTENT_ENCODING_UNSUPPORTED',
    make: async (parties) => {
      const body = gzipSync(JSON.stringify(await sealedEnvelope(parties)));
      return { ...bodyForm('', { headers: { 'content-encoding': 'gzip' } }), body };
    },
  },
  {
    name: 'an envelope beyond the limit',
    refusal: '413 ENVELOPE_TOO_LARGE',
    make: (parties) => sealedRequest(parties, {}, { payload: 'x'.repeat(LIMITS.maxEnvelopeBytes) }),
  },
  {
    name: 'a chunked envelope beyond the limit',
    refusal: '413 ENVELOPE_TOO_LARGE',
    make: (parties) =>
      sealedRequest(parties, { chunked: true }, { payload: 'x'.repeat(LIMITS.maxEnvelopeBytes) }),
  },
];
