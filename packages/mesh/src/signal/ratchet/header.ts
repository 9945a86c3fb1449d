import { MeshError } from '../../errors/mesh-error.js';
import { concat, u32 } from '../../util/bytes.js';
import { KEM_CIPHERTEXT_BYTES, KEM_KEY_BYTES } from '../crypto/kem.js';
import { Reader, u8 } from '../crypto/reader.js';

/** What stands in the open in front of a message: its place in the ratchet. It is authenticated. */
export interface Header {
  /** The X25519 ratchet key of the sender, 32 bytes. */
  readonly key: Uint8Array;
  /** Messages in its chain before. */
  readonly previous: number;
  /** Number in its chain, from 0. */
  readonly number: number;
  /** With a KEM step in each turn: a fresh ML-KEM-768 key, and the ciphertext to the last one of the peer, absent in the first chain. */
  readonly kem?: { readonly key: Uint8Array; readonly ciphertext?: Uint8Array };
}

const VERSION = 1;
const WITH_KEM = 1;
const WITH_CIPHERTEXT = 2;

/** 42 bytes; 1,226 or 2,314 with a KEM step. */
export function encodeHeader({ key, previous, number, kem }: Header): Uint8Array {
  const flags = (kem ? WITH_KEM : 0) | (kem?.ciphertext ? WITH_CIPHERTEXT : 0);
  const plain = [u8(VERSION), u8(flags), key, u32(previous), u32(number)];
  return concat(...plain, ...(kem ? [kem.key] : []), ...(kem?.ciphertext ? [kem.ciphertext] : []));
}

/** Throws `SIGNAL_MESSAGE_INVALID`. */
export function decodeHeader(bytes: Uint8Array): Header {
  const reader = new Reader(bytes);
  const version = reader.u8();
  const flags = reader.u8();
  if (version !== VERSION || flags > 3 || flags === WITH_CIPHERTEXT)
    throw new MeshError('SIGNAL_MESSAGE_INVALID');
  const header = { key: reader.take(32), previous: reader.u32(), number: reader.u32() };
  const key = flags & WITH_KEM ? reader.take(KEM_KEY_BYTES) : undefined;
  const ciphertext = flags & WITH_CIPHERTEXT ? reader.take(KEM_CIPHERTEXT_BYTES) : undefined;
  reader.end();
  return { ...header, ...(key ? { kem: { key, ...(ciphertext ? { ciphertext } : {}) } } : {}) };
}
