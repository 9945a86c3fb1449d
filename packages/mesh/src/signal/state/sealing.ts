import { randomBytes } from 'node:crypto';
import { MeshError } from '../../errors/mesh-error.js';
import { lengthPrefixed, u64 } from '../../util/bytes.js';
import { hkdf, open, seal } from '../crypto/primitives.js';
import { STATE_LABEL } from '../labels.js';
import { toBytes, toText } from '../prekeys/signed.js';

/** A document at rest. */
interface SealedDocument {
  readonly v: 1;
  /** Counted up with each write, and authenticated. */
  readonly rev: number;
  readonly salt: string;
  readonly sealed: string;
}

const NO_SALT = new Uint8Array(0);

/** Each write has a key and an IV of its own, from a fresh 32-byte salt: no counter has to survive a restored backup. */
function keysOf(key: Uint8Array, id: string, salt: Uint8Array) {
  const out = hkdf(NO_SALT, key, lengthPrefixed(STATE_LABEL, id, salt), 44);
  return { key: out.subarray(0, 32), iv: out.subarray(32) };
}

const aadOf = (id: string, rev: number): Uint8Array => lengthPrefixed(STATE_LABEL, id, u64(rev));

/** Seals a record under the 32-byte key, bound to its name and revision (AES-256-GCM). */
export function sealRecord(key: Uint8Array, id: string, rev: number, record: Uint8Array): string {
  const salt = new Uint8Array(randomBytes(32));
  const keys = keysOf(key, id, salt);
  const sealed = seal(keys.key, keys.iv, aadOf(id, rev), record);
  return JSON.stringify({ v: 1, rev, salt: toText(salt), sealed: toText(sealed) } satisfies SealedDocument);
}

/** Throws `SIGNAL_STATE_UNREADABLE`. */
export function openRecord(
  key: Uint8Array,
  id: string,
  json: string,
): { readonly rev: number; readonly record: Uint8Array } {
  let document: SealedDocument;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw new MeshError('SIGNAL_STATE_UNREADABLE', { cause });
  }
  const { v, rev, salt, sealed } = document;
  if (v !== 1 || !Number.isSafeInteger(rev) || typeof salt !== 'string' || typeof sealed !== 'string')
    throw new MeshError('SIGNAL_STATE_UNREADABLE');
  const keys = keysOf(key, id, toBytes(salt));
  const record = open(keys.key, keys.iv, aadOf(id, rev), toBytes(sealed));
  if (!record) throw new MeshError('SIGNAL_STATE_UNREADABLE');
  return { rev, record };
}
