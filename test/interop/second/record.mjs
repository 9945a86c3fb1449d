// Key records and the memory of peers: docs/PROTOCOL.md, section 3.
import { EMPTY, fail, fromBase64url, LP, toBase64url, u64, utf8 } from './bytes.mjs';
import { rawKeyOf, signEd25519, verifyEd25519 } from './identity.mjs';

const SIZES = { x25519: 32, mlKem768: 1184, mlDsa65: 1952, signature: 64 };
const KEYS = ['x25519', 'mlKem768', 'mlDsa65'];

export const recordTranscript = (r) =>
  LP(
    utf8('xlink/1 key-record'),
    utf8(r.did),
    u64(r.epoch),
    r.x25519,
    r.mlKem768 ?? EMPTY,
    r.mlDsa65 ?? EMPTY,
  );

/** The record of an identity, as JSON members. */
export function createRecord(id, epoch = Math.floor(Date.now() / 1000)) {
  const raw = { did: id.did, epoch, x25519: id.x25519.publicKey };
  if (id.mlKem768) raw.mlKem768 = id.mlKem768.publicKey;
  if (id.mlDsa65) raw.mlDsa65 = id.mlDsa65.publicKey;
  const record = { did: id.did, epoch };
  for (const k of KEYS) if (raw[k]) record[k] = toBase64url(raw[k]);
  record.signature = toBase64url(signEd25519(recordTranscript(raw), id.seed));
  return record;
}

/** Members as bytes, or KEY_RECORD_INVALID. */
export function verifyRecord(json, did = json?.did) {
  const bad = () => fail('KEY_RECORD_INVALID');
  const publicKey = rawKeyOf(did);
  if (typeof json !== 'object' || json === null) bad();
  const { epoch } = json;
  if (json.did !== did) bad();
  if (!Number.isSafeInteger(epoch) || epoch < 0) bad();
  const raw = { did, epoch };
  for (const [name, size] of Object.entries(SIZES)) {
    const text = json[name];
    if (text === undefined && name.startsWith('ml')) continue;
    const bytes = typeof text === 'string' ? fromBase64url(text) : undefined;
    if (bytes?.length !== size) bad();
    raw[name] = bytes;
  }
  if (raw.mlDsa65 && !raw.mlKem768) bad();
  if (!verifyEd25519(raw.signature, recordTranscript(raw), publicKey)) bad();
  raw.version = raw.mlDsa65 ? 3 : raw.mlKem768 ? 2 : 1;
  return raw;
}

const keysOf = (r) => KEYS.map((k) => (r[k] ? toBase64url(r[k]) : '')).join();

/** What an implementation remembers of its peers (3.1, 4.3). */
export class Memory {
  #peers = new Map();

  /** The record to go on with, or undefined if there is none. */
  resolve(did, offeredJson) {
    const offered = offeredJson === undefined ? undefined : verifyRecord(offeredJson, did);
    const peer = this.#peers.get(did) ?? { record: undefined, shown: 1 };
    const known = peer.record;
    if (!offered) return known ? fail('KEY_RECORD_DOWNGRADED') : undefined;
    if (known) {
      const same = keysOf(known) === keysOf(offered);
      if (offered.epoch <= known.epoch) return same ? offered : fail('KEY_RECORD_ROLLED_BACK');
      if ((known.mlKem768 && !offered.mlKem768) || (known.mlDsa65 && !offered.mlDsa65)) {
        fail('KEY_RECORD_DOWNGRADED');
      }
      if (!same) peer.shown = 1;
    }
    peer.record = offered;
    this.#peers.set(did, peer);
    return offered;
  }

  forget(did) {
    this.#peers.delete(did);
  }

  shown(did) {
    return this.#peers.get(did)?.shown ?? 1;
  }

  show(did, version) {
    const peer = this.#peers.get(did) ?? { record: undefined, shown: 1 };
    peer.shown = Math.max(peer.shown, version);
    this.#peers.set(did, peer);
  }
}
