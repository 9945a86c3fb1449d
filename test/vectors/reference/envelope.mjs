// Envelopes: docs/PROTOCOL.md, sections 4 to 8.
import { gcm } from '@noble/ciphers/aes.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { b64u, concat, EMPTY, hkdfSha256, LP, sha256, u64, utf8 } from './notation.mjs';

// 4 Kinds, versions and suites
export const KINDS = ['message', 'request', 'answer', 'receipt', 'refusal'];
/** The kinds of whole messages. Shares and Xchange have messages only. */
export const KINDS_OF = {
  sealed: ['message', 'request', 'answer'],
  signedOnly: ['message', 'request', 'receipt', 'refusal'],
};
export const SUITE = {
  sealed: {
    1: 'X25519+A256GCM+Ed25519',
    2: 'X25519+MLKEM768+A256GCM+Ed25519',
    3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65',
  },
  signedOnly: { 1: 'Ed25519', 2: 'Ed25519', 3: 'Ed25519+MLDSA65' },
  shares: {
    1: 'X25519+A256GCM+Ed25519+Shares',
    2: 'X25519+MLKEM768+A256GCM+Ed25519+Shares',
    3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65+Shares',
  },
  xchange: 'Xchange+A256GCM+Ed25519',
};
export const labelOf = ({ kind, version, suite }) => utf8(`xlink/1 ${kind} v${version} ${suite}`);

// 5 Envelope
const ORDER =
  'version suite kind from to timestamp nonce keyEpoch scope request fields fieldsDigest contentDigest contentType inReplyTo ephemeralPub kemCiphertext payload signature pqSignature';
export const MEMBERS = ORDER.split(' ');

/**
 * JSON text of an envelope; byte strings become base64url, members that are undefined are left out, and so is the payload of an
 * answer, which travels beside it as bytes.
 */
export function envelopeText(members, order = MEMBERS) {
  const wire = (value) => (value instanceof Uint8Array ? b64u(value) : value);
  const isBeside = (name) =>
    name === 'payload' && members.kind === 'answer' && members.payload instanceof Uint8Array;
  return JSON.stringify(
    Object.fromEntries(
      order
        .filter((name) => members[name] !== undefined && !isBeside(name))
        .map((name) => [name, wire(members[name])]),
    ),
  );
}

// 6 Transcripts
export function headerTranscript(header) {
  const bytesOf = (value) => {
    if (value === undefined) return EMPTY;
    if (typeof value === 'number') return u64(value);
    return typeof value === 'string' ? utf8(value) : value;
  };
  return LP(labelOf(header), ...MEMBERS.slice(0, -3).map((name) => bytesOf(header[name])));
}

export const signatureTranscript = (label, headerBytes, payload = EMPTY) =>
  LP(label, sha256(headerBytes), sha256(payload));

// 7 Encryption
/** Names and values of headers, as they are sealed and as `fieldsDigest` has them. */
export const headerBlock = (headers) => LP(...headers.flat().map(utf8));

export function frameOf({ kind, from, contentType, headers = [], status = 0 }) {
  const parts = [utf8(from), utf8(contentType), headerBlock(headers), u64(status)];
  return LP(...parts.slice(0, { request: 3, answer: 4 }[kind] ?? 2));
}

export const plaintextOf = ({ content, ...about }) => concat(frameOf(about), content);

/** 7.2: commitment, key and IV. `change.iv` replaces the IV. */
export function messageKey(ikm, info, change = {}) {
  const okm = hkdfSha256(ikm, info, 76);
  return { okm, key: okm.slice(0, 32), commitment: okm.slice(32, 64), iv: change.iv ?? okm.slice(64) };
}

/** 7.3: what travels. `change.commitment` replaces the commitment, `change.aad` the associated data. */
export function sealWith({ key, commitment, iv }, aad, plaintext, change = {}) {
  const sealed = gcm(key, iv, change.aad ?? aad).encrypt(plaintext);
  return concat(change.commitment?.(commitment) ?? commitment, sealed);
}

/**
 * 7.1 and 7.2: what both sides know. `change` as for `seal`.
 *
 * @param {object} message version, kind, sender, recipient (identities), and the members timestamp, nonce, keyEpoch, scope, request,
 *   inReplyTo; `form` is `shares` where the content is a bundle
 * @param {object} random ephemeralSecret, kemCoins, 32 bytes each
 */
export function agree(message, random, change = {}) {
  const { version, kind = 'message', sender, recipient, form = 'sealed', keyEpoch = 0, ...rest } = message;
  const suite = SUITE[form][version];
  const label = change.keyLabel ?? labelOf({ kind, version, suite });
  const target = {
    x25519: recipient.x25519,
    mlKem768: recipient.mlKem768?.publicKey,
    ...change.recipientKeys,
  };

  const ephemeralPub = change.ephemeralPub ?? x25519.getPublicKey(random.ephemeralSecret);
  const x25519Secret = change.x25519Secret ?? x25519.getSharedSecret(random.ephemeralSecret, target.x25519);
  const kem = version >= 2 ? ml_kem768.encapsulate(target.mlKem768, random.kemCoins) : undefined;
  const kemCiphertext = kem && (change.kemCiphertext ?? kem.cipherText);
  const addressed = { version, suite, kind, from: sender.did, to: recipient.did, keyEpoch, ...rest };
  const header = { ...addressed, ephemeralPub, kemCiphertext };

  const classic = [ephemeralPub, target.x25519, label];
  const parts = kem
    ? [kem.sharedSecret, x25519Secret, kemCiphertext, ephemeralPub, target.mlKem768, target.x25519, label]
    : [x25519Secret, ...classic];
  const ikm = change.ikm?.(parts) ?? concat(...parts);
  const info = change.info ?? LP(label, utf8(change.keyFrom ?? header.from), utf8(header.to));
  return { header, label, steps: { x25519Secret, kemSecret: kem?.sharedSecret, ikm, info } };
}

/**
 * Makes an envelope and keeps everything on the way. `change` replaces single steps, to make envelopes that are wrong
 * in one thing and right in all others.
 *
 * @param {object} message as for `agree`, and content (bytes), contentType, headers (in a request)
 * @param {object} random as for `agree`, and mlDsaRandom, 32 bytes
 */
export function seal(
  { content, contentType = 'application/json', headers, ...message },
  random,
  change = {},
) {
  const { header, steps } = agree(message, random, change);
  const made = messageKey(steps.ikm, steps.info, change);
  const plaintext = change.plaintext ?? plaintextOf({ ...header, contentType, headers, content });
  const sealed = sealWith(made, headerTranscript(header), plaintext, change);
  const payload = change.payload?.(sealed) ?? sealed;
  return {
    ...sign(message.sender, { ...header, payload }, random, change),
    steps: { ...steps, ...made, plaintext },
  };
}

/** Makes a signed-only envelope; `content` may be undefined. */
export function signOnly(message, random, change = {}) {
  const { version, kind = 'message', sender, recipient, content, ...rest } = message;
  const addressed = { version, suite: SUITE.signedOnly[version], kind, from: sender.did, to: recipient.did };
  return { ...sign(sender, { ...addressed, ...rest, payload: content }, random, change), steps: {} };
}

// 8 Signatures
export function sign(sender, members, random, change = {}) {
  const label = labelOf(members);
  const headerBytes = headerTranscript(members);
  const transcript = signatureTranscript(change.signatureLabel ?? label, headerBytes, members.payload);
  const signature = ed25519.sign(change.signed ?? transcript, (change.signer ?? sender).seed);
  const pqSignature =
    members.version >= 3
      ? ml_dsa65.sign(transcript, (change.pqSigner ?? sender).mlDsa65.secretKey, {
          context: change.pqContext ?? label,
          extraEntropy: random.mlDsaRandom,
        })
      : undefined;
  const all = { ...members, signature: change.signature?.(signature) ?? signature, pqSignature };
  return { members: all, label, headerBytes, transcript, text: envelopeText(all) };
}
