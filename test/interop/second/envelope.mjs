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

// 4.2: kinds that each form may have.
const KINDS = {
  encrypted: ['message', 'request', 'answer'],
  signed: ['message', 'request', 'receipt', 'refusal'],
  shares: ['message'],
};

export const isEncrypted = (e) => e.suite !== SIGNED[e.version];
export const isXchange = (e) => e.version === 2 && e.suite === XCHANGE;
export const isShares = (e) => e.suite === SHARES[e.version] || isXchange(e);
const isAgreed = (e) => isEncrypted(e) && !isXchange(e);
const kindsOf = (e) => KINDS[isShares(e) ? 'shares' : isEncrypted(e) ? 'encrypted' : 'signed'];
export const labelOf = (e) => utf8(`xlink/1 ${e.kind} v${e.version} ${e.suite}`);

// 5.1: name -> length in bytes of a base64url member, or a test of a text.
const PRINTABLE = '!#-\\[\\]-~';
const NAME = "[!#-'*+\\-.0-9^-z|~]";
const all = (pattern) => (t) => new RegExp(`^(?:${pattern})$`).test(t);
const TEXT = {
  from: isDidShape,
  to: isDidShape,
  scope: all('[A-Za-z0-9][A-Za-z0-9:._/-]{0,127}|\\*'),
  request: all(`[A-Z][A-Z-]{0,31} [${PRINTABLE}]{1,8192}`),
  fields: (t) => t.length <= 4096 && all(`${NAME}+(?: ${NAME}+)*`)(t),
  contentType: all(`[ ${PRINTABLE}]{1,256}`),
};
const BYTES = {
  nonce: 16,
  fieldsDigest: 32,
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
  'kind',
  'from',
  'to',
  'timestamp',
  'nonce',
  'keyEpoch',
  'scope',
  'request',
  'fields',
  'fieldsDigest',
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
function presence(name, e) {
  const { kind, version } = e;
  const encrypted = isEncrypted(e);
  switch (name) {
    case 'request':
      return { message: 'may', request: 'must', answer: 'may', receipt: 'never', refusal: 'must' }[kind];
    case 'inReplyTo':
      return { message: 'may', request: 'never' }[kind] ?? 'must';
    case 'fields':
    case 'fieldsDigest':
      return kind === 'request' && !encrypted ? 'may' : 'never';
    case 'contentDigest':
    case 'contentType':
      return (kind === 'message' || kind === 'request') && !encrypted ? 'may' : 'never';
    case 'keyEpoch':
    case 'ephemeralPub':
      return isAgreed(e) ? 'must' : 'never';
    case 'kemCiphertext':
      return isAgreed(e) && version >= 2 ? 'must' : 'never';
    case 'payload':
      return encrypted ? 'must' : 'may';
    case 'pqSignature':
      return version === 3 ? 'must' : 'never';
    default:
      return 'must';
  }
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
    ws();
    take(0x3a);
    ws();
    const value = bytes[at] === 0x22 ? quoted(0x20) : integer();
    ws();
    const isLast = bytes[at] !== 0x2c;
    if (isLast) take(0x7d);
    else at++;
    if (members.has(name)) fail('PARSE_FAILED:DUPLICATE_FIELD');
    members.set(name, value);
    if (isLast) break;
  }
  ws();
  if (at !== bytes.length) syntax();
  return members;
}

const latin = (bytes) => new TextDecoder('latin1').decode(bytes);

/** 5.2 and 5.3. Returns the members as texts and numbers, with the binary ones decoded in `raw`. */
export function parseEnvelope(input, maxBytes = 1_572_864) {
  const bytes = typeof input === 'string' ? utf8(input) : input;
  if (bytes.length > maxBytes) fail('ENVELOPE_TOO_LARGE');
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    fail('PARSE_FAILED:SYNTAX');
  }
  const members = scan(bytes);
  for (const name of members.keys()) if (!ORDER.includes(name)) fail('PARSE_FAILED:UNKNOWN_FIELD');
  const e = { raw: {} };
  for (const name of ['version', 'suite', 'kind']) {
    const value = members.get(name);
    if (value === undefined) fail('PARSE_FAILED:MISSING_FIELD');
    if (typeof value !== (name === 'version' ? 'number' : 'string')) fail('PARSE_FAILED');
    e[name] = value;
    if (name === 'version' && ![1, 2, 3].includes(value)) fail('PARSE_FAILED:UNKNOWN_VERSION');
    const isSuite = value === ENCRYPTED[e.version] || value === SIGNED[e.version] || isShares(e);
    if (name === 'suite' && !isSuite) fail('PARSE_FAILED:UNKNOWN_VERSION');
    if (name === 'kind' && !kindsOf(e).includes(value)) fail('PARSE_FAILED');
  }
  for (const name of ORDER.slice(3)) {
    const value = members.get(name);
    const rule = presence(name, e);
    if (value === undefined) {
      if (rule === 'must')
        fail(name === 'pqSignature' ? 'PARSE_FAILED:PQ_SIGNATURE_MISSING' : 'PARSE_FAILED:MISSING_FIELD');
      continue;
    }
    if (rule === 'never') fail('PARSE_FAILED:UNKNOWN_FIELD');
    if (name === 'timestamp' || name === 'keyEpoch') {
      if (!Number.isSafeInteger(value) || value < (name === 'timestamp' ? 1 : 0)) fail('PARSE_FAILED');
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
  if (e.contentType !== undefined && e.contentDigest === undefined) fail('PARSE_FAILED:MISSING_FIELD');
  if ((e.fields === undefined) !== (e.fieldsDigest === undefined)) fail('PARSE_FAILED:MISSING_FIELD');
  if (e.scope === '*' && (e.kind === 'message' || e.kind === 'receipt')) fail('PARSE_FAILED');
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
    utf8(e.kind),
    utf8(e.from),
    utf8(e.to),
    u64(e.timestamp),
    raw.nonce,
    e.keyEpoch === undefined ? EMPTY : u64(e.keyEpoch),
    utf8(e.scope),
    text(e.request),
    text(e.fields),
    raw.fieldsDigest ?? EMPTY,
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
  return { label, ikm, info, ...cut(HKDF(ikm, info, 76)) };
}

const cut = (okm) => ({ okm, key: okm.slice(0, 32), commitment: okm.slice(32, 64), iv: okm.slice(64) });

/** 16.5 */
const xchangeSchedule = (e, contentKey) =>
  cut(HKDF(contentKey, LP(labelOf(e), utf8(e.from), utf8(e.to)), 76));

/** 7.3. `headers`: pairs of name and value; only those of a request count. */
const frameOf = (e, contentType, headers = []) =>
  LP(
    utf8(e.from),
    utf8(contentType),
    ...(e.kind === 'request' ? [LP(...headers.flatMap((pair) => pair.map(utf8)))] : []),
  );

const seal = ({ key, iv, commitment }, aad, plaintext) =>
  concat(commitment, gcm(key, iv, aad).encrypt(plaintext));

/** 21 */
function unseal({ key, iv, commitment }, aad, payload) {
  if (payload.length < 48 || !equal(payload.slice(0, 32), commitment)) fail('DECRYPT_FAILED:DECRYPTION');
  try {
    return gcm(key, iv, aad).decrypt(payload.slice(32));
  } catch {
    return fail('DECRYPT_FAILED:DECRYPTION');
  }
}

const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// biome-ignore lint/suspicious/noControlCharactersInRegex: 7.3 names them
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** 22 and the frame of 23: content type, headers of a request, and content. */
function unframe(e, plaintext) {
  const inForm = (condition) => condition || fail('DECRYPT_FAILED:PARSE');
  const own = LP(utf8(e.from));
  if (!equal(plaintext.slice(0, own.length), own)) fail('DECRYPT_FAILED:SENDER_MISMATCH');
  const reader = (bytes, at = 0) => ({
    more: () => at < bytes.length,
    next() {
      inForm(at + 4 <= bytes.length);
      const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
      at += 4 + length;
      inForm(at <= bytes.length);
      return bytes.slice(at - length, at);
    },
    rest: () => bytes.slice(at),
  });
  const textOf = (bytes) => {
    let text;
    try {
      text = fatal.decode(bytes);
    } catch {
      inForm(false);
    }
    inForm(!CONTROL.test(text));
    return text;
  };
  const frame = reader(plaintext, own.length);
  const contentType = textOf(frame.next());
  const opened = { contentType };
  if (e.kind === 'request') {
    opened.headers = [];
    const block = reader(frame.next());
    while (block.more()) {
      const name = block.next();
      inForm(block.more());
      const value = textOf(block.next());
      inForm(all(`${NAME}{1,256}`)(latin(name)));
      opened.headers.push([latin(name), value]);
    }
  }
  return { ...opened, bytes: frame.rest() };
}

const rawOf = (fields) => {
  const raw = { nonce: fields.nonce };
  for (const name of ['fieldsDigest', 'contentDigest', 'inReplyTo'])
    if (fields[name]) raw[name] = fields[name];
  return raw;
};

/**
 * 7 and 8, sender: makes an envelope of `fields` (version, kind, to, timestamp, nonce, scope, ...). `content` is { bytes,
 * contentType, headers }, or undefined; `form` 'encrypted', 'signed' or 'shares'; `recipient` its key record with raw keys.
 * Returns the JSON text and the values on the way.
 */
export function sealEnvelope(id, fields, content, form, recipient, random) {
  const { version } = fields;
  const suite = { encrypted: ENCRYPTED, signed: SIGNED, shares: SHARES }[form][version];
  const e = { ...fields, suite, from: id.did, raw: rawOf(fields) };
  const steps = { label: labelOf(e) };
  let header;
  if (form === 'signed') {
    if (content) e.raw.payload = content.bytes;
    header = headerTranscript(e);
  } else {
    e.keyEpoch = recipient.keyEpoch;
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
    steps.plaintext = concat(frameOf(e, content.contentType, content.headers), content.bytes);
    e.raw.payload = seal(steps, header, steps.plaintext);
  }
  return finish(id, e, header, steps, random);
}

/** 16.5: `payload` is a bundle and the ciphertext. */
export function sealXchangeEnvelope(id, fields, payload) {
  const e = { ...fields, version: 2, suite: XCHANGE, from: id.did, raw: { ...rawOf(fields), payload } };
  return finish(id, e, headerTranscript(e), { label: labelOf(e) });
}

/** 16.5: the ciphertext that all envelopes of the message carry. */
export function sealXchange(contentKey, fields, group, from, content) {
  const e = { ...fields, version: 2, suite: XCHANGE, from };
  return seal(xchangeSchedule(e, contentKey), group, concat(frameOf(e, content.contentType), content.bytes));
}

/** 16.5: content type and content. */
export const openXchange = (e, contentKey, group, ciphertext) =>
  unframe(e, unseal(xchangeSchedule(e, contentKey), group, ciphertext));

/** 16.5: what the envelopes of one message have in common. `fields` as for `sealEnvelope`, or an envelope. */
export function groupTranscript(fields, groupId, from = fields.from) {
  const { ephemeralPub, kemCiphertext, ...raw } = fields.raw ?? rawOf(fields);
  const xchange = fields.raw ? {} : { version: 2, suite: XCHANGE, from };
  return headerTranscript({ ...fields, ...xchange, keyEpoch: undefined, raw: { ...raw, nonce: groupId } });
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

/**
 * Checks 20 to 22 and the frame of 23: { bytes, contentType, headers } of an encrypted envelope. Of a signed-only one what
 * is in the clear, if anything is; of Xchange the payload as it is.
 */
export function openEnvelope(id, e) {
  const { payload } = e.raw;
  if (isXchange(e)) return { bytes: payload };
  if (!isEncrypted(e)) return payload && { bytes: payload, contentType: 'application/json' };
  let ssX;
  let ssK;
  try {
    ssX = x25519.getSharedSecret(id.x25519.secretKey, e.raw.ephemeralPub);
    if (e.version >= 2) ssK = ml_kem768.decapsulate(e.raw.kemCiphertext, id.mlKem768.secretKey);
  } catch {
    fail('DECRYPT_FAILED:KEY_AGREEMENT');
  }
  const keys = { x25519: id.x25519.publicKey, mlKem768: id.mlKem768?.publicKey };
  return unframe(e, unseal(keySchedule(e, ssX, ssK, keys), headerTranscript(e), payload));
}

/** 7.3 */
const isJson = (contentType) => /^application\/(json|[a-z0-9.+_-]+\+json)[ \t]*(;.*)?$/is.test(contentType);

/** The rest of check 23: { content } of JSON, else { bytes }. */
export function readContent(e, { bytes, contentType }) {
  if (!isJson(contentType)) return { bytes };
  try {
    return { content: JSON.parse(fatal.decode(bytes)) };
  } catch {
    return e.kind === 'request' ? { bytes } : fail('DECRYPT_FAILED:PARSE');
  }
}
