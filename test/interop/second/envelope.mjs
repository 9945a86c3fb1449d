// Versions, envelopes, transcripts, encryption, signatures: docs/PROTOCOL.md, sections 4 to 8.
import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { concat, EMPTY, equal, fail, fromBase64url, HKDF, LP, toBase64url, u64, utf8 } from './bytes.mjs';
import { isDidShape, signEd25519, verifyEd25519 } from './identity.mjs';

const ENCRYPTED = {
  1: 'X25519+A256GCM+Ed25519',
  2: 'X25519+MLKEM768+A256GCM+Ed25519',
  3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65',
};
const SIGNED = { 1: 'Ed25519', 2: 'Ed25519', 3: 'Ed25519+MLDSA65' };

const SHARES = {
  1: 'X25519+A256GCM+Ed25519+Shares',
  2: 'X25519+MLKEM768+A256GCM+Ed25519+Shares',
  3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65+Shares',
};
const XCHANGE = 'Xchange+A256GCM+Ed25519';

export const isEncrypted = (e) => e.suite !== SIGNED[e.version];
export const isXchange = (e) => e.version === 2 && e.suite === XCHANGE;
export const isShares = (e) => e.suite === SHARES[e.version] || isXchange(e);
const isAgreed = (e) => isEncrypted(e) && !isXchange(e);
export const labelOf = (e) => utf8(`xlink/1 v${e.version} ${e.suite}`);

// 5.1: name -> length in bytes of a base64url member, or a test of a text.
const PRINTABLE = '!#-\\[\\]-~';
const TEXT = {
  from: isDidShape,
  to: isDidShape,
  scope: (t) => /^[A-Za-z0-9][A-Za-z0-9:._/-]{0,127}$/.test(t),
  request: (t) => new RegExp(`^[A-Z][A-Z-]{0,31} [${PRINTABLE}]{1,8192}$`).test(t),
  contentType: (t) => new RegExp(`^[ ${PRINTABLE}]{1,256}$`).test(t),
};
const BYTES = {
  nonce: 16,
  contentDigest: 32,
  inReplyTo: 16,
  ephemeralPub: 32,
  kemCiphertext: 1088,
  payload: 0,
  signature: 64,
  pqSignature: 3309,
};
const ORDER = [
  'version',
  'suite',
  'from',
  'to',
  'timestamp',
  'nonce',
  'scope',
  'request',
  'contentDigest',
  'contentType',
  'inReplyTo',
  'ephemeralPub',
  'kemCiphertext',
  'payload',
  'signature',
  'pqSignature',
];

/** 'must', 'may' or 'never'. */
function presence(name, version, encrypted, agreed) {
  if (name === 'request' || name === 'contentDigest' || name === 'contentType' || name === 'inReplyTo') {
    return 'may';
  }
  if (name === 'ephemeralPub') return agreed ? 'must' : 'never';
  if (name === 'kemCiphertext') return agreed && version >= 2 ? 'must' : 'never';
  if (name === 'payload') return encrypted ? 'must' : 'may';
  if (name === 'pqSignature') return version === 3 ? 'must' : 'never';
  return 'must';
}

/** 5.2: the grammar, over bytes. Returns a Map of the members. */
function scan(bytes) {
  const syntax = () => fail('PARSE_FAILED:SYNTAX');
  let at = 0;
  const ws = () => {
    while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at++;
  };
  const take = (byte) => (bytes[at] === byte ? at++ : syntax());
  const quoted = (lowest) => {
    take(0x22);
    const start = at;
    while (bytes[at] >= lowest && bytes[at] <= 0x7e && bytes[at] !== 0x22 && bytes[at] !== 0x5c) at++;
    const text = latin(bytes.subarray(start, at));
    take(0x22);
    return text;
  };
  const integer = () => {
    const start = at;
    while (bytes[at] >= 0x30 && bytes[at] <= 0x39) at++;
    const text = latin(bytes.subarray(start, at));
    if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) syntax();
    return Number(text);
  };
  const members = new Map();
  ws();
  take(0x7b);
  for (;;) {
    ws();
    const name = quoted(0x21);
    if (name.length < 1 || name.length > 64) syntax();
    if (members.has(name)) fail('PARSE_FAILED:DUPLICATE_FIELD');
    ws();
    take(0x3a);
    ws();
    members.set(name, bytes[at] === 0x22 ? quoted(0x20) : integer());
    ws();
    if (bytes[at] === 0x2c) at++;
    else break;
  }
  take(0x7d);
  ws();
  if (at !== bytes.length) syntax();
  return members;
}

const latin = (bytes) => new TextDecoder('latin1').decode(bytes);

/** 5.2 and 5.3. Returns { members } as texts and numbers, with the binary ones decoded in `raw`. */
export function parseEnvelope(input, maxBytes = 1_048_576) {
  const bytes = typeof input === 'string' ? utf8(input) : input;
  if (bytes.length > maxBytes) fail('ENVELOPE_TOO_LARGE');
  const members = scan(bytes);
  for (const name of members.keys()) if (!ORDER.includes(name)) fail('PARSE_FAILED:UNKNOWN_FIELD');
  const version = members.get('version');
  if (version === undefined) fail('PARSE_FAILED:MISSING_FIELD');
  if (typeof version !== 'number') fail('PARSE_FAILED');
  if (![1, 2, 3].includes(version)) fail('PARSE_FAILED:UNKNOWN_VERSION');
  const suite = members.get('suite');
  if (suite === undefined) fail('PARSE_FAILED:MISSING_FIELD');
  if (typeof suite !== 'string') fail('PARSE_FAILED');
  const e = { version, suite, raw: {} };
  if (suite !== ENCRYPTED[version] && suite !== SIGNED[version] && !isShares(e))
    fail('PARSE_FAILED:UNKNOWN_VERSION');
  for (const name of ORDER.slice(2)) {
    const value = members.get(name);
    const rule = presence(name, version, isEncrypted(e), isAgreed(e));
    if (value === undefined) {
      if (rule === 'must') {
        fail(name === 'pqSignature' ? 'PARSE_FAILED:PQ_SIGNATURE_MISSING' : 'PARSE_FAILED:MISSING_FIELD');
      }
      if (name === 'contentDigest' && members.has('contentType')) fail('PARSE_FAILED:MISSING_FIELD');
      continue;
    }
    if (rule === 'never') fail('PARSE_FAILED:UNKNOWN_FIELD');
    if (name === 'timestamp') {
      if (!Number.isSafeInteger(value) || value < 1) fail('PARSE_FAILED');
    } else if (typeof value !== 'string') {
      fail('PARSE_FAILED');
    } else if (name in TEXT) {
      if (!TEXT[name](value)) fail('PARSE_FAILED');
    } else {
      const decoded = fromBase64url(value);
      if (!decoded || decoded.length === 0 || (BYTES[name] && decoded.length !== BYTES[name])) {
        fail('PARSE_FAILED');
      }
      e.raw[name] = decoded;
    }
    e[name] = value;
  }
  return e;
}

/** 6.1 */
export function headerTranscript(e) {
  const text = (t) => (t === undefined ? EMPTY : utf8(t));
  const { raw } = e;
  return LP(
    labelOf(e),
    u64(e.version),
    utf8(e.suite),
    utf8(e.from),
    utf8(e.to),
    u64(e.timestamp),
    raw.nonce,
    utf8(e.scope),
    text(e.request),
    raw.contentDigest ?? EMPTY,
    text(e.contentType),
    raw.inReplyTo ?? EMPTY,
    raw.ephemeralPub ?? EMPTY,
    raw.kemCiphertext ?? EMPTY,
  );
}

/** 6.2 */
export const signatureTranscript = (e, header = headerTranscript(e)) =>
  LP(labelOf(e), sha256(header), sha256(e.raw.payload ?? EMPTY));

/** 7.2. `recipient` has the public keys x25519 and mlKem768. */
function keySchedule(e, ssX, ssK, recipient) {
  const label = labelOf(e);
  const { ephemeralPub, kemCiphertext } = e.raw;
  const ikm =
    e.version === 1
      ? concat(ssX, ephemeralPub, recipient.x25519, label)
      : concat(ssK, ssX, kemCiphertext, ephemeralPub, recipient.mlKem768, recipient.x25519, label);
  const info = LP(label, utf8(e.from), utf8(e.to));
  const okm = HKDF(ikm, info, 44);
  return { label, ikm, info, okm, key: okm.slice(0, 32), iv: okm.slice(32) };
}

/**
 * 7 and 8, sender: makes an envelope of `fields` (version, to, timestamp, nonce, scope, ...).
 * `content` is a text, a bundle or undefined; `recipient` is its key record with raw keys, absent for signed only.
 * Returns the JSON text and the values on the way.
 */
export function sealEnvelope(id, fields, content, recipient, random) {
  const { version } = fields;
  const encrypted = recipient !== undefined;
  const isBundle = content instanceof Uint8Array;
  const suite = (!encrypted ? SIGNED : isBundle ? SHARES : ENCRYPTED)[version];
  const e = { ...fields, suite, from: id.did, raw: { nonce: fields.nonce } };
  if (fields.contentDigest) e.raw.contentDigest = fields.contentDigest;
  if (fields.inReplyTo) e.raw.inReplyTo = fields.inReplyTo;
  const steps = { label: labelOf(e) };
  const bytes = content === undefined || isBundle ? content : utf8(content);
  let header;
  if (encrypted) {
    const ephemeral = random(32, 'ephemeral');
    e.raw.ephemeralPub = x25519.getPublicKey(ephemeral);
    let ssK;
    try {
      steps.x25519Secret = x25519.getSharedSecret(ephemeral, recipient.x25519);
      if (version >= 2) {
        const kem = ml_kem768.encapsulate(recipient.mlKem768, random(32, 'm'));
        e.raw.kemCiphertext = kem.cipherText;
        ssK = steps.kemSecret = kem.sharedSecret;
      }
    } catch {
      fail('KEY_AGREEMENT_FAILED');
    }
    Object.assign(steps, keySchedule(e, steps.x25519Secret, ssK, recipient));
    header = headerTranscript(e);
    steps.plaintext = concat(LP(utf8(e.from)), bytes);
    e.raw.payload = gcm(steps.key, steps.iv, header).encrypt(steps.plaintext);
  } else {
    if (bytes) e.raw.payload = bytes;
    header = headerTranscript(e);
  }
  return finish(id, e, header, steps, random);
}

/** 16.5: `payload` is a bundle and the ciphertext. */
export function sealXchangeEnvelope(id, fields, payload) {
  const raw = { nonce: fields.nonce, payload };
  if (fields.contentDigest) raw.contentDigest = fields.contentDigest;
  if (fields.inReplyTo) raw.inReplyTo = fields.inReplyTo;
  const e = { ...fields, version: 2, suite: XCHANGE, from: id.did, raw };
  return finish(id, e, headerTranscript(e), { label: labelOf(e) });
}

/** 16.5: what the envelopes of one message have in common. `fields` as for `sealEnvelope`, or an envelope. */
export function groupTranscript(fields, groupId, from = fields.from) {
  const { ephemeralPub, kemCiphertext, ...raw } = fields.raw ?? fields;
  const xchange = fields.raw ? {} : { version: 2, suite: XCHANGE, from };
  return headerTranscript({ ...fields, ...xchange, raw: { ...raw, nonce: groupId } });
}

function finish(id, e, header, steps, random) {
  const { version } = e;
  const transcript = signatureTranscript(e, header);
  e.raw.signature = signEd25519(transcript, id.seed);
  if (version === 3) {
    e.raw.pqSignature = ml_dsa65.sign(transcript, id.mlDsa65.secretKey, {
      context: steps.label,
      extraEntropy: random(32, 'rnd'),
    });
  }
  Object.assign(steps, {
    headerTranscript: header,
    payload: e.raw.payload,
    signatureTranscript: transcript,
    signature: e.raw.signature,
  });
  const json = {};
  for (const name of ORDER) {
    const value = e.raw[name] ? toBase64url(e.raw[name]) : e[name];
    if (value !== undefined) json[name] = value;
  }
  return { text: JSON.stringify(json), nonce: json.nonce, steps };
}

/** The same envelope with the Ed25519 signature of `id`: for tests of those who receive it. */
export function resign(text, id) {
  const signature = signEd25519(signatureTranscript(parseEnvelope(text)), id.seed);
  return JSON.stringify({ ...JSON.parse(text), signature: toBase64url(signature) });
}

export const verifySignature = (e, publicKey) =>
  verifyEd25519(e.raw.signature, signatureTranscript(e), publicKey);

export const verifyPqSignature = (e, publicKey) =>
  ml_dsa65.verify(e.raw.pqSignature, signatureTranscript(e), publicKey, { context: labelOf(e) });

/** Checks 20 to 22. Returns the bytes of the content, undefined if there are none; the payload as it is in Xchange. */
export function openBytes(id, e) {
  let content = e.raw.payload;
  if (isAgreed(e)) {
    let ssX;
    let ssK;
    try {
      ssX = x25519.getSharedSecret(id.x25519.secretKey, e.raw.ephemeralPub);
      if (e.version >= 2) ssK = ml_kem768.decapsulate(e.raw.kemCiphertext, id.mlKem768.secretKey);
    } catch {
      fail('DECRYPT_FAILED:KEY_AGREEMENT');
    }
    const { key, iv } = keySchedule(e, ssX, ssK, {
      x25519: id.x25519.publicKey,
      mlKem768: id.mlKem768?.publicKey,
    });
    let plain;
    try {
      plain = gcm(key, iv, headerTranscript(e)).decrypt(e.raw.payload);
    } catch {
      fail('DECRYPT_FAILED:DECRYPTION');
    }
    const frame = LP(utf8(e.from));
    if (!equal(plain.slice(0, frame.length), frame)) fail('DECRYPT_FAILED:SENDER_MISMATCH');
    content = plain.slice(frame.length);
  }
  return content;
}

/** Check 23. */
export function parseContent(content) {
  if (!content) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content));
  } catch {
    return fail('DECRYPT_FAILED:PARSE');
  }
}
