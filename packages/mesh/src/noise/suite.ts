import { createHash, createHmac } from 'node:crypto';
import { invalidOption } from '../util/options.js';
import { CIPHERS, type CipherKind } from './cipher.js';
import { type Pattern, patternOf } from './patterns.js';

/** A hash of Noise 12: its name in OpenSSL, and its lengths in bytes. */
export interface HashKind {
  /** Name in `node:crypto`. */
  readonly name: string;
  /** Length of its output. */
  readonly length: 32 | 64;
}

const HASHES = {
  SHA256: { name: 'sha256', length: 32 },
  SHA512: { name: 'sha512', length: 64 },
  BLAKE2s: { name: 'blake2s256', length: 32 },
  BLAKE2b: { name: 'blake2b512', length: 64 },
} as const satisfies Record<string, HashKind>;

/** What the name of a protocol says. */
export interface Suite {
  /** The whole name, such as `Noise_XX_25519_ChaChaPoly_SHA256`. */
  readonly name: string;
  /** What is sent when. */
  readonly pattern: Pattern;
  /** Encrypts. */
  readonly cipher: CipherKind;
  /** Hashes and derives. */
  readonly hash: HashKind;
  /** Whether an ML-KEM-768 agreement is mixed in; experimental. */
  readonly isHybrid: boolean;
}

/** Reads the name of a protocol (Noise 8). Throws `INVALID_OPTION` for one that is not known here. */
export function suiteOf(name: string): Suite {
  const [noise, patternName, dh, cipher, hash, ...rest] = name.split('_');
  const pattern = patternOf(patternName ?? '');
  const isHybrid = pattern?.messages.some((message) => message.includes('e1')) ?? false;
  const isKnown =
    noise === 'Noise' &&
    pattern !== undefined &&
    dh === (isHybrid ? '25519+MLKEM768' : '25519') &&
    Object.hasOwn(CIPHERS, cipher ?? '') &&
    Object.hasOwn(HASHES, hash ?? '') &&
    rest.length === 0;
  if (!isKnown)
    throw invalidOption('suite', 'This Noise protocol is not known; take Noise_XX_25519_ChaChaPoly_SHA256.');
  return {
    name,
    pattern,
    cipher: CIPHERS[cipher as keyof typeof CIPHERS],
    hash: HASHES[hash as keyof typeof HASHES],
    isHybrid,
  };
}

/** The hash of all parts, one behind the other. */
export function hashOf({ name }: HashKind, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Two or three outputs of HKDF as Noise 4.3 has it. */
export function hkdf(
  hash: HashKind,
  chainingKey: Uint8Array,
  input: Uint8Array,
  outputs: 2 | 3,
): Uint8Array[] {
  const hmac = (key: Uint8Array, ...data: readonly Uint8Array[]) => {
    const mac = createHmac(hash.name, key);
    for (const part of data) mac.update(part);
    return mac.digest();
  };
  const secret = hmac(chainingKey, input);
  const out: Uint8Array[] = [];
  for (let count = 1; count <= outputs; count++)
    out.push(hmac(secret, out.at(-1) ?? new Uint8Array(), Uint8Array.of(count)));
  return out;
}
