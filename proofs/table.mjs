// Every claim, and what is expected of it. Each row is a question of its own to the provers.
import { atMostOnce } from './at-most-once.mjs';
import { oneContent } from './claims/commitment.mjs';
import { discovery, documentArrives } from './claims/discovery.mjs';
import { enrollment, enrollmentArrives } from './claims/enrollment.mjs';
import { agreement, applications, arrives, attribution, kinds, secrecy } from './claims/envelopes.mjs';
import { answerArrives, answers, answersSecret, refusals } from './claims/http.mjs';
import {
  begunAnswers,
  begunArrives,
  chunksSecret,
  endsAreNoEnvelopes,
  wholeAnswers,
  wholeArrives,
} from './claims/streams.mjs';
import { succession, successionArrives } from './claims/succession.mjs';
import { MEMBERS } from './envelope.mjs';
import {
  alice,
  bob,
  bobLater,
  bothKems,
  bothSignatures,
  claim,
  control,
  ed25519,
  limit,
  mlDsa65,
  mlKem768,
  mutation,
  spare,
  v1,
  v2,
  v3,
  without,
  x25519,
} from './rows.mjs';
import { sessionTable } from './session-table.mjs';
import { signalTable } from './signal-table.mjs';

const firstContact = { memory: false };

const withoutKind = without('header.label', 'signed.label', 'ikm.label', 'info.label', 'header.kind');
const withoutSenderInside = ['frame.from', 'requestFrame.from', 'answerFrame.from'];

/** Members that the label, the key that signs, or the payload cover once more. */
const COVERED_ELSEWHERE = ['version', 'suite', 'kind', 'from', 'ephemeralPub', 'kemCiphertext'];

const envelopes = [
  ...['message', 'request', 'answer', 'receipt', 'refusal'].map((kind) =>
    control(`envelopes arrive: ${kind}, version 3`, arrives(kind), v3),
  ),

  claim('secrecy, version 1', secrecy, v1),
  limit('secrecy, version 1, X25519 broken', secrecy, { ...v1, ...x25519 }),
  claim('secrecy, version 2, X25519 broken', secrecy, { ...v2, ...x25519 }),
  claim('secrecy, version 2, ML-KEM broken', secrecy, { ...v2, ...mlKem768 }),
  limit('secrecy, version 2, both broken', secrecy, { ...v2, ...bothKems }),
  claim("secrecy, version 2, sender's seed leaked", secrecy, { ...v2, ...alice }),
  limit("secrecy, version 2, recipient's seed leaked", secrecy, { ...v2, ...bob }),
  limit("secrecy, version 2, recipient's seed leaked later, keys from the seed", secrecy, {
    ...v2,
    ...bobLater,
  }),
  claim("secrecy, version 2, recipient's seed leaked later, keys of an erased epoch", secrecy, {
    ...v2,
    ...bobLater,
    epochs: true,
  }),
  claim('secrecy, version 3, Ed25519 and X25519 broken', secrecy, { ...v3, broken: ['ed25519', 'x25519'] }),
  claim('secrecy, version 3, Ed25519 and ML-KEM broken', secrecy, { ...v3, broken: ['ed25519', 'mlKem768'] }),
  limit('secrecy, version 3, both KEMs broken', secrecy, { ...v3, ...bothKems }),
  limit('secrecy, version 3, both signatures broken', secrecy, { ...v3, ...bothSignatures }),
  claim("secrecy, version 3, sender's seed leaked", secrecy, { ...v3, ...alice }),
  limit("secrecy, version 3, recipient's seed leaked", secrecy, { ...v3, ...bob }),
  mutation('secrecy, version 3, Ed25519 broken, records without co-signature', secrecy, {
    ...v3,
    ...ed25519,
    coSignature: false,
  }),

  claim('agreement, version 1, X25519 broken, recipient leaked', agreement, { ...v1, ...x25519, ...bob }),
  limit("agreement, version 1, sender's seed leaked", agreement, { ...v1, ...alice }),
  claim('agreement, version 2, both KEMs broken, recipient leaked', agreement, {
    ...v2,
    ...bothKems,
    ...bob,
  }),
  limit("agreement, version 2, sender's seed leaked", agreement, { ...v2, ...alice }),
  limit('agreement, version 2, Ed25519 broken', agreement, { ...v2, ...ed25519 }),
  claim('agreement, version 3, both KEMs broken, recipient leaked', agreement, {
    ...v3,
    ...bothKems,
    ...bob,
  }),
  claim('agreement, version 3, Ed25519 broken', agreement, { ...v3, ...ed25519 }),
  claim('agreement, version 3, ML-DSA broken', agreement, { ...v3, ...mlDsa65 }),
  limit('agreement, version 3, both signatures broken', agreement, { ...v3, ...bothSignatures }),
  limit("agreement, version 3, sender's seed leaked", agreement, { ...v3, ...alice }),
  ...MEMBERS.map((name) => {
    const type = COVERED_ELSEWHERE.includes(name) ? spare : mutation;
    return type(`agreement, version 2, header without ${name}`, agreement, {
      ...v2,
      ...without(`header.${name}`),
    });
  }),
  mutation('agreement, version 2, signature without payload', agreement, {
    ...v2,
    ...without('signed.hash_payload'),
  }),
  mutation('agreement, version 2, signature without header', agreement, {
    ...v2,
    ...without('signed.hash_header'),
  }),

  claim('no kind for another, version 2', kinds, v2),
  claim('no kind for another, version 3', kinds, v3),
  mutation('kinds, without kind in label and header', kinds, { ...v2, ...withoutKind }),
  spare('kinds, without kind in the header', kinds, { ...v2, ...without('header.kind') }),

  claim('attribution, version 2', attribution, v2),
  spare('attribution, without from in frame and KDF', attribution, {
    ...v2,
    ...without(...withoutSenderInside, 'info.from'),
  }),
  spare('attribution, without from in header and KDF', attribution, {
    ...v2,
    ...without('header.from', 'info.from'),
  }),
  spare('attribution, without from in header and frame', attribution, {
    ...v2,
    ...without(...withoutSenderInside, 'header.from'),
  }),
  mutation('attribution, without from in header, frame and KDF', attribution, {
    ...v2,
    ...without(...withoutSenderInside, 'header.from', 'info.from'),
  }),

  claim('agreement, where applications have anything signed', applications, v2),
  mutation('agreement, applications, without labels', applications, {
    ...v2,
    ...without('application.label', 'signed.label'),
  }),
  claim('one payload has one content', oneContent),
  mutation('one payload has one content, without commitment', oneContent, { commitment: false }),
];

const downgrade = [
  claim('downgrade, agreement, Ed25519 broken, earlier records about', agreement, {
    ...v3,
    ...ed25519,
    outdated: true,
  }),
  mutation('downgrade, agreement, Ed25519 broken, no floor from the record', agreement, {
    ...v3,
    ...ed25519,
    floor: false,
  }),
  limit('downgrade, agreement, Ed25519 broken, first contact', agreement, {
    ...v3,
    ...ed25519,
    ...firstContact,
  }),
  claim('downgrade, secrecy, X25519 broken, earlier records about', secrecy, {
    ...v2,
    ...x25519,
    outdated: true,
  }),
  mutation('downgrade, secrecy, X25519 broken, records may lose keys', secrecy, {
    ...v2,
    ...x25519,
    outdated: true,
    mayShrink: true,
  }),
  limit('downgrade, secrecy, X25519 broken, first contact', secrecy, {
    ...v2,
    ...x25519,
    ...firstContact,
    outdated: true,
  }),
  claim('first contact, secrecy, version 2, X25519 broken, no earlier records', secrecy, {
    ...v2,
    ...x25519,
    ...firstContact,
  }),
];

const http = [
  control('an answer arrives', answerArrives, v2),
  claim('answers, version 2', answers, v2),
  claim('answers are secret, version 2, X25519 broken', answersSecret, { ...v2, ...x25519 }),
  mutation('answers, header without inReplyTo', answers, { ...v2, ...without('header.inReplyTo') }),
  mutation('answers, inReplyTo not checked', answers, { ...v2, checksReply: false }),
  mutation('answers, from not checked', answers, { ...v2, checksSender: false }),
  control('a refusal arrives, and the key is used', refusals, { ...v2, refused: 'run1' }),
  claim('refusals: no key without one', refusals, v2),
  claim('refusals: no key without one, version 3, Ed25519 broken', refusals, { ...v3, ...ed25519 }),
  mutation('refusals, an unsigned one is believed', refusals, { ...v2, unsigned: true }),
  mutation('refusals, header without inReplyTo', refusals, { ...v2, ...without('header.inReplyTo') }),
  mutation('refusals, from not checked', refusals, { ...v2, checksSender: false }),
];

const streams = [
  control('an answer in three chunks arrives', wholeArrives, v2),
  control('the beginning of an answer arrives', begunArrives, v2),
  claim('chunks are secret, version 2, X25519 broken', chunksSecret, { ...v2, ...x25519 }),
  claim('chunks are secret, version 2, ML-KEM broken', chunksSecret, { ...v2, ...mlKem768 }),
  limit('chunks are secret, version 2, both broken', chunksSecret, { ...v2, ...bothKems }),
  claim('whole answers, version 1', wholeAnswers, v1),
  claim('whole answers, version 2', wholeAnswers, v2),
  claim('whole answers, version 2, both KEMs broken', wholeAnswers, { ...v2, ...bothKems }),
  claim('whole answers, version 3, both KEMs and Ed25519 broken', wholeAnswers, {
    ...v3,
    broken: ['x25519', 'mlKem768', 'ed25519'],
  }),
  limit('whole answers, version 2, both KEMs and Ed25519 broken', wholeAnswers, {
    ...v2,
    broken: ['x25519', 'mlKem768', 'ed25519'],
  }),
  claim('chunks before the end, version 2', begunAnswers, v2),
  limit('chunks before the end, version 2, both KEMs broken', begunAnswers, { ...v2, ...bothKems }),
  claim('ends are no envelopes, version 2', endsAreNoEnvelopes, v2),
  claim('ends are no envelopes, version 3', endsAreNoEnvelopes, v3),
  spare('ends are no envelopes, end without label', endsAreNoEnvelopes, { ...v2, ...without('end.label') }),
  mutation('whole answers, IV without the final flag', wholeAnswers, { ...v2, ...without('chunkIv.final') }),
  mutation('chunks before the end, IV without the number', begunAnswers, {
    ...v2,
    ...without('chunkIv.number'),
  }),
  spare('whole answers, IV without the number', wholeAnswers, { ...v2, ...without('chunkIv.number') }),
  spare('whole answers, end not checked', wholeAnswers, { ...v2, checksEnd: false }),
  mutation('whole answers, both KEMs broken, end not checked', wholeAnswers, {
    ...v2,
    ...bothKems,
    checksEnd: false,
  }),
  mutation('whole answers, both KEMs broken, end without the chunks', wholeAnswers, {
    ...v2,
    ...bothKems,
    ...without('end.hash_chunks'),
  }),
  ...['label', 'hash_header', 'count'].map((one) =>
    spare(`whole answers, both KEMs broken, end without ${one}`, wholeAnswers, {
      ...v2,
      ...bothKems,
      ...without(`end.${one}`),
    }),
  ),
  ...['chunkInfo.hash_header', 'chunkInfo.what'].map((one) =>
    spare(`chunks before the end, without ${one}`, begunAnswers, { ...v2, ...without(one) }),
  ),
];

const documents = [
  control('a discovery document is taken', documentArrives),
  claim('discovery: neither older, nor of another origin, nor changed', discovery),
  claim('discovery, Ed25519 broken', discovery, ed25519),
  claim('discovery, ML-DSA broken', discovery, mlDsa65),
  limit('discovery, both broken', discovery, bothSignatures),
  limit('discovery, first contact, no pin, TLS broken', discovery, { anybody: true }),
  mutation('discovery, Ed25519 broken, document without co-signature', discovery, {
    ...ed25519,
    documentCoSigned: false,
  }),
  ...['hosts', 'mode', 'acceptsEnvelopes', 'endpoints', 'publicPaths', 'hash_keyRecord'].map((part) =>
    mutation(`discovery, without ${part}`, discovery, without(`discovery.${part}`)),
  ),
  spare('discovery, without issuedAt', discovery, without('discovery.issuedAt')),
  mutation(
    'discovery, without issuedAt and notAfter',
    discovery,
    without('discovery.issuedAt', 'discovery.notAfter'),
  ),
  mutation('discovery, an older one is taken', discovery, { ratchet: false }),
  mutation('discovery, hosts not checked', discovery, { checksHost: false }),
];

const enrollments = [
  control('an identity is enrolled', enrollmentArrives),
  claim('enrollment', enrollment),
  limit('enrollment, API key stolen', enrollment, { stolen: true }),
  mutation('enrollment, header without to', enrollment, without('header.to')),
  mutation('enrollment, proof without the API key', enrollment, without('keyProof.apiKey')),
  mutation('enrollment, proof not checked', enrollment, { checksProof: false }),
  spare('enrollment, proof without the DID', enrollment, without('keyProof.did')),
];

const successions = [
  control('a succession is taken', successionArrives),
  claim('succession', succession),
  claim('succession, Ed25519 broken', succession, ed25519),
  claim('succession, ML-DSA broken', succession, mlDsa65),
  limit('succession, both broken', succession, bothSignatures),
  limit('succession, old seed stolen, no next in the record', succession, alice),
  claim('succession, old seed stolen, next in the record', succession, { ...alice, committed: true }),
  mutation('succession, old seed stolen, next not checked', succession, {
    ...alice,
    committed: true,
    checksNext: false,
  }),
  mutation('succession, old seed stolen, a later record may change next', succession, {
    ...alice,
    committed: true,
    keepsNext: false,
  }),
  mutation('succession, not signed by the new DID', succession, { consent: false }),
  mutation('succession, Ed25519 broken, without co-signatures', succession, { ...ed25519, coSigned: false }),
  ...['issuedAt', 'overlapMs'].map((part) =>
    mutation(`succession, without ${part}`, succession, without(`succession.${part}`)),
  ),
  mutation('succession, without to', succession, without('succession.to', 'succession.toMlDsa65')),
  ...['from', 'to', 'fromMlDsa65', 'toMlDsa65', 'next'].map((part) =>
    spare(`succession, without ${part} alone`, succession, without(`succession.${part}`)),
  ),
];

const nonces = [
  claim('at most once', atMostOnce),
  claim('at most once, late messages', atMostOnce, { A: 6 }),
  claim('at most once, slow claims', atMostOnce, { B: 2 }),
  claim('at most once, clocks apart', atMostOnce, { SKEW: 2 }),
  mutation('at most once, slow claims not allowed for', atMostOnce, { B: 1, extra: 0 }),
  mutation('at most once, clocks apart not allowed for', atMostOnce, { SKEW: 1, extra: 0 }),
  mutation('at most once, a claim is kept a second less', atMostOnce, { extra: -1 }),
  mutation('at most once, looking and claiming apart', atMostOnce, { atomic: false }),
  mutation('at most once, a claim is given back', atMostOnce, { freed: true }),
];

export const table = [
  ...envelopes,
  ...downgrade,
  ...http,
  ...streams,
  ...documents,
  ...enrollments,
  ...successions,
  ...nonces,
  ...sessionTable,
  ...signalTable,
];
