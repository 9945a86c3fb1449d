import { gzipSync } from 'node:zlib';
import { requestBinding } from '@private.me/xlink';
import { NOON } from '../support/clock.js';
import { altered } from '../support/forge.js';
import {
  headerForm,
  headerText,
  ORDER,
  sealedEnvelope,
  signedEnvelope,
  signedRequest,
} from '../support/http.js';

import {
  at,
  type BadRequest,
  badSignature,
  binary,
  bytes,
  elsewhere,
  GET,
  LIMITS,
  POST,
  stranger,
  WINDOW_MS,
} from './bad-requests.js';

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
  ...['\t', ',', ';', ':', '=', '"'].map((between) => ({
    name: `${JSON.stringify(between)} behind the scheme`,
    refusal: '400 PARSE_FAILED:SYNTAX' as const,
    make: async (parties: Parameters<BadRequest['make']>[0]) => ({
      headers: { authorization: `Xlink${between}${headerText(await signedEnvelope(parties))}` },
    }),
  })),
  {
    name: 'an empty Xlink-Envelope',
    refusal: '400 PARSE_FAILED:SYNTAX',
    make: async () => ({ headers: { 'xlink-envelope': '' } }),
  },
  {
    name: 'two Xlink-Envelope headers',
    needs: 'header lines',
    refusal: '400 ENVELOPE_AMBIGUOUS',
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
    name: 'a message, which is bound to no request',
    refusal: '400 KIND_NOT_ACCEPTED',
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
      const request = requestBinding('GET', '/orders');
      await parties.api.receiveContent(envelope, { allowCleartext: true, kind: 'request', request });
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
