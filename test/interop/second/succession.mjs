// Successions: docs/PROTOCOL.md, section 3.4.
import { sha256 } from '@noble/hashes/sha2.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { EMPTY, fail, fromBase64url, LP, toBase64url, u64, utf8 } from './bytes.mjs';
import { publicKeyOf, signEd25519, verifyEd25519 } from './identity.mjs';

const LABEL = utf8('xlink/1 succession');
const DAYS_90 = 7_776_000_000;
const BYTES = {
  fromMlDsa65: 1952,
  toMlDsa65: 1952,
  next: 32,
  fromSignature: 64,
  fromPqSignature: 3309,
  toSignature: 64,
  toPqSignature: 3309,
};

/** Of members as bytes. */
export const successionTranscript = (s) =>
  LP(
    LABEL,
    utf8(s.from),
    utf8(s.to),
    u64(s.issuedAt),
    u64(s.overlapMs),
    s.fromMlDsa65 ?? EMPTY,
    s.toMlDsa65 ?? EMPTY,
    s.next ?? EMPTY,
  );

/** The statement of two identities, as JSON members. */
export function createSuccession(from, to, { issuedAt, overlapMs, next, random = randomBytes }) {
  const raw = { from: from.did, to: to.did, issuedAt, overlapMs, next };
  if (from.mlDsa65) raw.fromMlDsa65 = from.mlDsa65.publicKey;
  if (to.mlDsa65) raw.toMlDsa65 = to.mlDsa65.publicKey;
  const transcript = successionTranscript(raw);
  for (const [side, id] of Object.entries({ from, to })) {
    raw[`${side}Signature`] = signEd25519(transcript, id.seed);
    if (!id.mlDsa65) continue;
    const options = { context: LABEL, extraEntropy: random(32, 'rnd') };
    raw[`${side}PqSignature`] = ml_dsa65.sign(transcript, id.mlDsa65.secretKey, options);
  }
  const { issuedAt: _, ...json } = raw;
  for (const name of Object.keys(BYTES)) if (raw[name]) json[name] = toBase64url(raw[name]);
  if (!next) delete json.next;
  return { ...json, issuedAt };
}

const bad = () => fail('SUCCESSION_INVALID');

/** Members as bytes, or SUCCESSION_INVALID; signatures are not looked at. */
export function parseSuccession(json) {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) bad();
  const raw = {};
  for (const name of ['from', 'to']) {
    try {
      publicKeyOf(json[name]);
    } catch {
      bad();
    }
    raw[name] = json[name];
  }
  if (raw.from === raw.to) bad();
  for (const name of ['issuedAt', 'overlapMs']) {
    if (!Number.isSafeInteger(json[name]) || json[name] < 0) bad();
    raw[name] = json[name];
  }
  if (raw.overlapMs > DAYS_90) bad();
  for (const [name, size] of Object.entries(BYTES)) {
    if (json[name] === undefined) continue;
    raw[name] = typeof json[name] === 'string' ? fromBase64url(json[name]) : undefined;
    if (raw[name]?.length !== size) bad();
  }
  for (const side of ['from', 'to']) {
    if (!raw[`${side}Signature`]) bad();
    if (!raw[`${side}MlDsa65`] !== !raw[`${side}PqSignature`]) bad();
  }
  return raw;
}

/** Members as bytes, or SUCCESSION_INVALID. */
export function verifySuccession(json) {
  const raw = parseSuccession(json);
  const transcript = successionTranscript(raw);
  for (const side of ['from', 'to']) {
    if (!verifyEd25519(raw[`${side}Signature`], transcript, publicKeyOf(raw[side]))) bad();
    const key = raw[`${side}MlDsa65`];
    if (key && !ml_dsa65.verify(raw[`${side}PqSignature`], transcript, key, { context: LABEL })) bad();
  }
  return raw;
}

const text = (bytes) => (bytes ? toBase64url(bytes) : undefined);

/** Whether a chain leads from what is known of a DID to a record: both with `did`, `mlDsa65` and `next` as in JSON. */
export function followChain(chain, from, to) {
  const start = chain.findIndex((step) => step.from === from.did);
  if (start < 0) bad();
  let { did, mlDsa65, next } = from;
  for (const step of chain.slice(start)) {
    if (step.from !== did) bad();
    if (mlDsa65 !== undefined && step.fromMlDsa65 !== mlDsa65) bad();
    if (next !== undefined && next !== toBase64url(sha256(utf8(step.to))))
      fail('SUCCESSION_INVALID:NOT_NEXT');
    const raw = verifySuccession(step);
    ({ to: did } = raw);
    [mlDsa65, next] = [text(raw.toMlDsa65), text(raw.next)];
  }
  if (did !== to.did) bad();
  if (mlDsa65 !== undefined && mlDsa65 !== to.mlDsa65) bad();
  if (next !== undefined && next !== to.next) bad();
}
