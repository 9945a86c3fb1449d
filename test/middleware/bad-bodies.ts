import { gzipSync } from 'node:zlib';
import { requestBinding } from '@private.me/xlink';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { headOf, sealedAnswer } from '../support/answers.js';
import { altered, resigned, sealed, withBitFlipped } from '../support/forge.js';
import {
  bodyForm,
  headerForm,
  ORDER,
  sealedEnvelope,
  sealedRequest,
  signedEnvelope,
} from '../support/http.js';
import { type BadRequest, badSignature, elsewhere, LIMITS, stranger } from './bad-requests.js';

export const request = requestBinding('POST', '/orders');

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
    name: 'a message, which is bound to no request',
    refusal: '400 KIND_NOT_ACCEPTED',
    make: async ({ caller, api }) => bodyForm(await caller.createEnvelope({ to: api.did, payload: ORDER })),
  },
  {
    name: 'a message that is bound to the request',
    refusal: '400 KIND_NOT_ACCEPTED',
    make: async ({ caller, api }) =>
      bodyForm(await caller.createEnvelope({ to: api.did, payload: ORDER, request })),
  },
  {
    name: 'the answer to a request',
    refusal: '400 PARSE_FAILED:MISSING_FIELD',
    make: async ({ caller, api }) => {
      const asked = await api.createRequest({ to: caller.did, payload: 1, request });
      const received = await caller.receiveContent(asked, { kind: 'request', request });
      if (!received.ok) throw received.error;
      return bodyForm(headOf(await sealedAnswer(caller, received.value.message)));
    },
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
      await parties.api.receiveContent(envelope, { kind: 'request', request });
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
      return bodyForm(
        await sealed(await identityOf('caller'), other, content, { kind: 'request', to: api.did, request }),
      );
    },
  },
  {
    name: 'a ciphertext that its sender changed after sealing',
    refusal: '400 DECRYPT_FAILED:DECRYPTION',
    make: async (parties) => {
      const envelope = await sealedEnvelope(parties);
      const payload = withBitFlipped(envelope.payload!, envelope.payload!.length * 3);
      return bodyForm(await resigned(await identityOf('caller'), altered(envelope, { payload })));
    },
  },
  {
    name: 'a key commitment that its sender changed after sealing',
    refusal: '400 DECRYPT_FAILED:DECRYPTION',
    make: async (parties) => {
      const envelope = await sealedEnvelope(parties);
      const payload = withBitFlipped(envelope.payload!, 5);
      return bodyForm(await resigned(await identityOf('caller'), altered(envelope, { payload })));
    },
  },
  {
    name: 'a digest inside a sealed body',
    refusal: '400 PARSE_FAILED:UNKNOWN_FIELD',
    make: async () => {
      const [caller, api] = [await identityOf('caller'), await identityOf('api')];
      const draft = { kind: 'request' as const, request, contentDigest: new Uint8Array(32) };
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
