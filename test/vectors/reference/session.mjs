// Sessions: docs/PROTOCOL.md, section 18.
import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { frameOf } from './envelope.mjs';
import { b64u, concat, LP, sha256, u32, u64, utf8 } from './notation.mjs';

export const SUITE = 'XS+X25519+MLKEM768+A256GCM+SHA256';
const TYPE = { chunk: 2, finalChunk: 3, sessionHead: 5 };
const tag = (key, data) => hmac(sha256, key, data);

/** HKDF-Expand, one or two blocks. */
export function expand(prk, info, blocks = 1) {
  const first = tag(prk, concat(info, Uint8Array.of(1)));
  return blocks === 1 ? first : concat(first, tag(prk, concat(first, info, Uint8Array.of(2))));
}

/** What both sides have after an offer and its grant. `change` replaces single steps. */
export function shakeHands({
  from,
  to,
  sid,
  offerTranscript,
  callerX25519Secret,
  callerMlKemSeed,
  serviceX25519Secret,
  kemCoins,
}) {
  const callerX25519 = x25519.getPublicKey(callerX25519Secret);
  const serviceX25519 = x25519.getPublicKey(serviceX25519Secret);
  const callerMlKem = ml_kem768.keygen(callerMlKemSeed);
  const { cipherText: kemCiphertext, sharedSecret: kemSecret } = ml_kem768.encapsulate(
    callerMlKem.publicKey,
    kemCoins,
  );
  const x25519Secret = x25519.getSharedSecret(serviceX25519Secret, callerX25519);
  const label = utf8('xlink/1 session');
  const offerHash = sha256(offerTranscript);
  const salt = sha256(LP(label, utf8(SUITE), offerHash, serviceX25519, kemCiphertext, sid));
  const ikm = concat(
    kemSecret,
    x25519Secret,
    kemCiphertext,
    callerX25519,
    serviceX25519,
    callerMlKem.publicKey,
    label,
  );
  const prk = tag(salt, ikm);
  const master = expand(prk, LP(utf8('xlink/1 session master'), utf8(SUITE), utf8(from), utf8(to), sid));
  return {
    callerX25519,
    callerMlKem768: callerMlKem.publicKey,
    serviceX25519,
    kemCiphertext,
    offerHash,
    x25519Secret,
    kemSecret,
    salt,
    prk,
    master,
    ...directions(master, sid),
  };
}

export const directions = (master, sid) => ({
  requestKey: expand(master, LP(utf8('xlink/1 session request'), sid)),
  answerKey: expand(master, LP(utf8('xlink/1 session answer'), sid)),
});

export const ticketKeyId = (secret) => sha256(LP(utf8('xlink/1 session ticket key id'), secret)).slice(0, 8);

export const ticketState = ({ version, sid, from, to, master, issuedAt, notAfter, mark }) =>
  concat(
    Uint8Array.of(1, version),
    sid,
    utf8(from),
    utf8(to),
    master,
    u64(issuedAt),
    u64(notAfter),
    u32(mark.next),
    u32(mark.count),
    u64(mark.at),
    mark.head,
  );

/** What is signed of one request; `answer`: the plaintext of its answer. */
export const leafOf = (digest, plaintext, answer) =>
  sha256(LP(utf8('xlink/1 session leaf'), digest, sha256(plaintext), ...(answer ? [sha256(answer)] : [])));

/** What the place of a checkpoint is claimed under in the store of numbers. */
export const checkpointSid = (sid) => sha256(LP(utf8('xlink/1 session checkpoint'), sid)).slice(0, 16);

/** `state`: the bytes of {@link ticketState}. */
export function sealTicket(secret, salt, state) {
  const head = concat(ticketKeyId(secret), salt);
  const key = expand(secret, LP(utf8('xlink/1 session ticket key'), head));
  const aad = LP(utf8('xlink/1 session ticket'), head);
  return concat(head, gcm(key, new Uint8Array(12), aad).encrypt(state));
}

const ivOf = (number, isFinal) => concat(Uint8Array.of(isFinal ? 1 : 0, 0, 0, 0), u64(number));
export const frameBytes = ({ type, bytes }) => concat(Uint8Array.of(type), u32(bytes.length), bytes);

/** Chunks behind the commitment to their key. `change`: commitment, flag, number, plaintext. */
function sealChunks(direction, label, digest, frame, contents, change) {
  const keys = expand(direction, LP(utf8(label), digest), 2);
  const key = keys.slice(0, 32);
  const commitment = change.commitment ?? keys.slice(32);
  const chunks = contents.map((content, i) => {
    const isFinal = i === contents.length - 1;
    const iv = ivOf(change.number?.(i) ?? i, change.flag?.(i) ?? isFinal);
    const plaintext = i > 0 ? content : (change.plaintext ?? concat(frame, content));
    const sealed = gcm(key, iv, change.aad ?? digest).encrypt(plaintext);
    return {
      type: isFinal ? TYPE.finalChunk : TYPE.chunk,
      bytes: i === 0 ? concat(commitment, sealed) : sealed,
    };
  });
  return { key, commitment, chunks };
}

/** The header of a request or message in a session, and its body. `keyLabel`, `label`: in the place of those of its kind. */
export function sealRequest(session, message, change = {}) {
  const { sid, from, to, requestKey, ticket } = session;
  const { seq, salt, timestamp, scope, request, headers, contentType, contents, inHeader } = message;
  const { kind = 'request' } = message;
  const said = { sid, from, to, seq, salt, timestamp, scope, request, ...change.said };
  const transcript = LP(
    utf8(change.label ?? `xlink/1 session ${kind}`),
    utf8(SUITE),
    utf8(said.from),
    utf8(said.to),
    said.sid,
    u64(said.seq),
    said.salt,
    u64(said.timestamp),
    utf8(said.scope),
    utf8(said.request),
  );
  const digest = sha256(transcript);
  const frame = frameOf({ kind: 'request', from: change.frameFrom ?? from, contentType, headers });
  const { key, commitment, chunks } = sealChunks(
    requestKey,
    change.keyLabel ?? `xlink/1 session ${kind} key`,
    digest,
    frame,
    contents,
    change,
  );
  const credential = b64u(
    concat(
      Uint8Array.of(change.format ?? 1, change.flags ?? (inHeader ? 1 : 0), 0, scope.length),
      change.ticket ?? ticket,
      u32(seq),
      salt,
      u64(timestamp),
      utf8(scope),
      ...(inHeader ? [chunks[0].bytes] : []),
    ),
  );
  const body = inHeader ? new Uint8Array(0) : concat(...(change.frames?.(chunks) ?? chunks).map(frameBytes));
  const first = chunks[0].bytes;
  return {
    credential,
    body,
    tie: { digest, tag: first.slice(-16) },
    steps: { transcript, digest, key, commitment, frame, firstChunk: first },
  };
}

/** What comes back. */
export function sealReply(session, tie, { kind, salt, status, contentType, headers, contents }, change = {}) {
  const transcript = LP(
    utf8(change.label ?? `xlink/1 session ${kind}`),
    utf8(SUITE),
    change.digest ?? tie.digest,
    change.tag ?? tie.tag,
    salt,
  );
  const digest = sha256(transcript);
  const frame = frameOf({
    kind: 'answer',
    from: change.frameFrom ?? session.to,
    status,
    contentType,
    headers,
  });
  const { key, commitment, chunks } = sealChunks(
    change.key ?? session.answerKey,
    'xlink/1 session answer key',
    digest,
    frame,
    contents,
    change,
  );
  const head = {
    type: TYPE.sessionHead,
    bytes: concat(Uint8Array.of(change.kindByte ?? (kind === 'refusal' ? 1 : 0)), salt),
  };
  const frames = change.frames?.([head, ...chunks]) ?? [head, ...chunks];
  return { body: concat(...frames.map(frameBytes)), steps: { transcript, digest, key, commitment, frame } };
}
