// Transcripts, encryption, signatures: docs/PROTOCOL.md, sections 6 to 8.
import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { concat, EMPTY, equal, fail, HKDF, LP, toBase64url, u64, utf8 } from './bytes.mjs';
import { signEd25519, verifyEd25519 } from './identity.mjs';
import {
  all,
  ENCRYPTED,
  isEncrypted,
  isXchange,
  labelOf,
  latin,
  NAME,
  ORDER,
  parseEnvelope,
  SHARES,
  SIGNED,
  XCHANGE,
} from './parse.mjs';

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

/** 7.3. `headers`: pairs of name and value, of a request or an answer; `status` of an answer. */
function frameOf(e, contentType, headers = [], status = 0) {
  const parts = [utf8(e.from), utf8(contentType)];
  if (e.kind === 'request' || e.kind === 'answer')
    parts.push(LP(...headers.flatMap((pair) => pair.map(utf8))));
  if (e.kind === 'answer') parts.push(u64(status));
  return LP(...parts);
}

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

/** 22 and the frame of 23: content type, headers of a request or an answer, status of an answer, and content. */
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
  if (e.kind === 'request' || e.kind === 'answer') {
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
  if (e.kind === 'answer') {
    const status = frame.next();
    inForm(status.length === 8);
    opened.status = Number(new DataView(status.buffer, status.byteOffset).getBigUint64(0));
    inForm(opened.status >= 200 && opened.status <= 599);
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
    header = agree(e, steps, recipient, random);
    steps.plaintext = concat(frameOf(e, content.contentType, content.headers), content.bytes);
    e.raw.payload = seal(steps, header, steps.plaintext);
  }
  return finish(id, e, header, steps, random);
}

/** 7.1 and 7.2, sender: sets the members of `e` that tell of it, and the values on the way in `steps`. Returns the header transcript. */
function agree(e, steps, recipient, random) {
  e.keyEpoch = recipient.keyEpoch;
  const ephemeral = random(32, 'ephemeral');
  e.raw.ephemeralPub = x25519.getPublicKey(ephemeral);
  let ssK;
  try {
    steps.x25519Secret = x25519.getSharedSecret(ephemeral, recipient.x25519);
    if (e.version >= 2) {
      const kem = ml_kem768.encapsulate(recipient.mlKem768, random(32, 'm'));
      e.raw.kemCiphertext = kem.cipherText;
      ssK = steps.kemSecret = kem.sharedSecret;
    }
  } catch {
    fail('KEY_AGREEMENT_FAILED');
  }
  Object.assign(steps, keySchedule(e, steps.x25519Secret, ssK, recipient));
  return headerTranscript(e);
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
    if (name === 'payload' && e.kind === 'answer') continue;
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

/** 20 */
function agreed(id, e) {
  let ssX;
  let ssK;
  try {
    ssX = x25519.getSharedSecret(id.x25519.secretKey, e.raw.ephemeralPub);
    if (e.version >= 2) ssK = ml_kem768.decapsulate(e.raw.kemCiphertext, id.mlKem768.secretKey);
  } catch {
    fail('DECRYPT_FAILED:KEY_AGREEMENT');
  }
  const keys = { x25519: id.x25519.publicKey, mlKem768: id.mlKem768?.publicKey };
  return keySchedule(e, ssX, ssK, keys);
}

/**
 * Checks 20 to 22 and the frame of 23: { bytes, contentType, headers } of an encrypted envelope. Of a signed-only one what
 * is in the clear, if anything is; of Xchange the payload as it is.
 */
export function openEnvelope(id, e) {
  const { payload } = e.raw;
  if (isXchange(e)) return { bytes: payload };
  if (!isEncrypted(e)) return payload && { bytes: payload, contentType: 'application/json' };
  return unframe(e, unseal(agreed(id, e), headerTranscript(e), payload));
}

/** 12.5: what both ends do with the chunks of an answer whose header transcript this is. */
class Chunks {
  #all = sha256.create();
  #count = 0;

  constructor(e, { ikm, label }, header) {
    this.digest = sha256(header);
    this.key = HKDF(ikm, LP(label, utf8('chunks'), this.digest), 32);
    this.endLabel = utf8(`xlink/1 answer end v${e.version} ${e.suite}`);
  }

  #cipher(isFinal) {
    const iv = concat(Uint8Array.of(isFinal ? 1 : 0, 0, 0, 0), u64(this.#count++));
    return gcm(this.key, iv, this.digest);
  }

  seal(plaintext, isFinal) {
    const chunk = this.#cipher(isFinal).encrypt(plaintext);
    this.#all.update(chunk);
    return chunk;
  }

  open(chunk, isFinal) {
    this.#all.update(chunk);
    try {
      return this.#cipher(isFinal).decrypt(chunk);
    } catch {
      return fail('DECRYPT_FAILED:DECRYPTION');
    }
  }

  get endTranscript() {
    return LP(this.endLabel, this.digest, u64(this.#count), this.#all.clone().digest());
  }
}

/** 12.5, sender: the head as text and its payload, and what makes further chunks and the end. `content` has headers and status, too. */
export function beginAnswer(id, fields, content, isFinal, recipient, random) {
  const { version } = fields;
  const e = { ...fields, kind: 'answer', suite: ENCRYPTED[version], from: id.did, raw: rawOf(fields) };
  const steps = { label: labelOf(e) };
  const header = agree(e, steps, recipient, random);
  const chunks = new Chunks(e, steps, header);
  const frame = frameOf(e, content.contentType, content.headers, content.status);
  if (frame.length > 65_536) fail('ANSWER_NOT_SEALED');
  e.raw.payload = concat(steps.commitment, chunks.seal(concat(frame, content.bytes), isFinal));
  const { text } = finish(id, e, header, steps, random);
  return {
    text,
    payload: e.raw.payload,
    chunk: (bytes, isLast) => chunks.seal(bytes, isLast),
    end() {
      const transcript = chunks.endTranscript;
      const signature = signEd25519(transcript, id.seed);
      if (version < 3) return signature;
      const options = { context: chunks.endLabel, extraEntropy: random(32, 'end rnd') };
      return concat(signature, ml_dsa65.sign(transcript, id.mlDsa65.secretKey, options));
    },
  };
}

/** 12.5, receiver: the content of the first chunk, and what opens further ones and checks the end. `sender` has the public keys. */
export function openAnswerEnvelope(id, e, isFinal, sender) {
  const { payload } = e.raw;
  const schedule = agreed(id, e);
  if (payload.length < 48 || !equal(payload.slice(0, 32), schedule.commitment))
    fail('DECRYPT_FAILED:DECRYPTION');
  const chunks = new Chunks(e, schedule, headerTranscript(e));
  const first = unframe(e, chunks.open(payload.slice(32), isFinal));
  return {
    ...first,
    chunk: (chunk, isLast) => chunks.open(chunk, isLast),
    checkEnd(bytes) {
      const transcript = chunks.endTranscript;
      const ed25519 = e.version === 3 ? bytes.slice(0, 64) : bytes;
      if (!verifyEd25519(ed25519, transcript, sender.ed25519)) fail('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
      const options = { context: chunks.endLabel };
      if (e.version === 3 && !ml_dsa65.verify(bytes.slice(64), transcript, sender.mlDsa65, options))
        fail('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH');
    },
  };
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
