// Key records and the memory of peers: docs/PROTOCOL.md, section 3.

import { randomBytes } from '@noble/hashes/utils.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { EMPTY, fail, fromBase64url, LP, toBase64url, u64, utf8 } from './bytes.mjs';
import { isGoodKey, rawKeyOf, signEd25519, verifyEd25519 } from './identity.mjs';

const LABEL = utf8('xlink/1 key-record');
const NUMBERS = ['epoch', 'keyEpoch', 'notBefore', 'notAfter'];
const BYTES = { x25519: 32, mlKem768: 1184, mlDsa65: 1952, next: 32, signature: 64, pqSignature: 3309 };
const REQUIRED = ['x25519', 'signature'];
const MAX = Number.MAX_SAFE_INTEGER;

export const recordTranscript = (r) =>
  LP(
    LABEL,
    utf8(r.did),
    ...NUMBERS.map((name) => u64(r[name])),
    r.x25519,
    r.mlKem768 ?? EMPTY,
    r.mlDsa65 ?? EMPTY,
    r.next ?? EMPTY,
  );

/** The record of an identity, as JSON members. `more`: keyEpoch, notBefore, notAfter, next, and the keys they are for. */
export function createRecord(id, epoch = Math.floor(Date.now() / 1000), more = {}) {
  const { keyEpoch = 0, notBefore = 0, notAfter = MAX, next, encryption = id, random = randomBytes } = more;
  const raw = { did: id.did, epoch, keyEpoch, notBefore, notAfter, x25519: encryption.x25519.publicKey };
  if (encryption.mlKem768) raw.mlKem768 = encryption.mlKem768.publicKey;
  if (id.mlDsa65) raw.mlDsa65 = id.mlDsa65.publicKey;
  if (next) raw.next = next;
  const transcript = recordTranscript(raw);
  raw.signature = signEd25519(transcript, id.seed);
  if (id.mlDsa65)
    raw.pqSignature = ml_dsa65.sign(transcript, id.mlDsa65.secretKey, {
      context: LABEL,
      extraEntropy: random(32, 'rnd'),
    });
  const record = { ...raw };
  for (const name of Object.keys(BYTES)) if (raw[name]) record[name] = toBase64url(raw[name]);
  return record;
}

/** Members as bytes, or KEY_RECORD_INVALID. */
export function verifyRecord(json, did) {
  const bad = () => fail('KEY_RECORD_INVALID');
  if (typeof json !== 'object' || json === null) bad();
  const publicKey = rawKeyOf(did ?? json.did);
  if (did === undefined && !isGoodKey(publicKey)) fail('INVALID_DID:WEAK_KEY');
  const raw = { did: json.did };
  if (did !== undefined && json.did !== did) bad();
  for (const name of NUMBERS) {
    if (!Number.isSafeInteger(json[name]) || json[name] < 0) bad();
    raw[name] = json[name];
  }
  for (const [name, size] of Object.entries(BYTES)) {
    const text = json[name];
    if (text === undefined && !REQUIRED.includes(name)) continue;
    const bytes = typeof text === 'string' ? fromBase64url(text) : undefined;
    if (bytes?.length !== size) bad();
    raw[name] = bytes;
  }
  if (raw.mlDsa65 && !raw.mlKem768) bad();
  if (!raw.mlDsa65 !== !raw.pqSignature) bad();
  if (raw.notAfter < raw.notBefore) bad();
  const transcript = recordTranscript(raw);
  if (!verifyEd25519(raw.signature, transcript, publicKey)) bad();
  if (raw.mlDsa65 && !ml_dsa65.verify(raw.pqSignature, transcript, raw.mlDsa65, { context: LABEL })) bad();
  raw.version = raw.mlDsa65 ? 3 : raw.mlKem768 ? 2 : 1;
  return raw;
}

const SAID = ['keyEpoch', 'notBefore', 'notAfter', 'x25519', 'mlKem768', 'mlDsa65', 'next'];
const said = (r) =>
  SAID.map((name) => (r[name] instanceof Uint8Array ? toBase64url(r[name]) : r[name])).join();

/** What an implementation remembers of its peers (3.1, 4.4). */
export class Memory {
  #peers = new Map();

  #peer(did) {
    if (!this.#peers.has(did)) this.#peers.set(did, { record: undefined, shown: 1 });
    return this.#peers.get(did);
  }

  /** The record to go on with, or undefined if there is none. */
  resolve(did, offeredJson) {
    const offered = offeredJson === undefined ? undefined : verifyRecord(offeredJson, did);
    const known = this.#peers.get(did)?.record;
    if (!offered) return known ? fail('KEY_RECORD_DOWNGRADED') : undefined;
    if (known) {
      if (offered.epoch <= known.epoch)
        return said(known) === said(offered) ? known : fail('KEY_RECORD_ROLLED_BACK');
      for (const name of ['mlKem768', 'mlDsa65'])
        if (known[name] && !offered[name]) fail('KEY_RECORD_DOWNGRADED');
      if (known.mlDsa65 && toBase64url(known.mlDsa65) !== toBase64url(offered.mlDsa65))
        fail('KEY_RECORD_INVALID');
      if (known.next && (!offered.next || toBase64url(known.next) !== toBase64url(offered.next)))
        fail('KEY_RECORD_INVALID');
      if (offered.keyEpoch < known.keyEpoch) fail('KEY_RECORD_ROLLED_BACK');
    }
    this.#peer(did).record = offered;
    return offered;
  }

  forget(did) {
    this.#peers.delete(did);
  }

  shown(did) {
    return this.#peers.get(did)?.shown ?? 1;
  }

  show(did, version) {
    const peer = this.#peer(did);
    peer.shown = Math.max(peer.shown, version);
  }
}
