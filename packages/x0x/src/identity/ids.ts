import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';

/** 64 hex digits in lower case: SHA-256 over `AUTONOMI_PEER_ID_V2:` and an ML-DSA-65 public key. */
export type X0xId = string;

const DOMAIN = utf8ToBytes('AUTONOMI_PEER_ID_V2:');

/**
 * The id of a machine, agent or user. The documents of x0x say SHA-256 of the key alone; its code (ant-quic,
 * `derive_peer_id_from_public_key`) puts a label in front, and so does this. Throws `KEY_INVALID`.
 */
export function idOf(publicKey: Uint8Array): X0xId {
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 1952)
    throw new X0xError('KEY_INVALID', { field: 'publicKey' });
  return bytesToHex(sha256(concatBytes(DOMAIN, publicKey)));
}
