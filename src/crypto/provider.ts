import type { RandomBytes } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';

/** Signs with one private key. `sign` may be remote: a KMS or HSM implements this. */
export interface Signer {
  /** Ed25519: 32 bytes. ML-DSA-65: 1952 bytes. */
  readonly publicKey: Uint8Array;
  /** `context`: ML-DSA only (FIPS 204 section 5.2), at most 255 bytes. */
  sign(message: Uint8Array, context?: Uint8Array): Awaitable<Uint8Array>;
}

/** Verifies with one public key, imported once. */
export interface Verifier {
  /** Whether the signature is good. False for malformed signatures, too. `context`: ML-DSA only, at most 255 bytes. */
  verify(message: Uint8Array, signature: Uint8Array, context?: Uint8Array): Awaitable<boolean>;
}

/** An X25519 public key in the form the provider works with. */
export interface X25519PublicKey {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** An X25519 key pair. */
export interface X25519KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32-byte shared secret (RFC 7748 section 6.1); `undefined` where it would be all zero. */
  agree(peer: X25519PublicKey): Awaitable<Uint8Array | undefined>;
}

/** An ML-KEM-768 public key (FIPS 203), checked on import. */
export interface Encapsulator {
  /** A fresh 32-byte secret and its 1088-byte ciphertext. */
  encapsulate(): Awaitable<{ readonly ciphertext: Uint8Array; readonly secret: Uint8Array }>;
}

/** An ML-KEM-768 private key. */
export interface Decapsulator {
  /** 1184 bytes. */
  readonly publicKey: Uint8Array;
  /** The 32-byte secret. A wrong ciphertext yields another secret, not an error (implicit rejection). */
  decapsulate(ciphertext: Uint8Array): Awaitable<Uint8Array>;
}

/** SHA-256 of what comes piece by piece. */
export interface Sha256Stream {
  update(data: Uint8Array): unknown;
  /** 32 bytes. Called once, at the end. */
  digest(): Uint8Array;
}

/** HMAC-SHA256 with one key. */
export interface Hmac {
  /** 32 bytes. */
  tag(data: Uint8Array): Awaitable<Uint8Array>;
}

/** Memory for so many bytes, with anything in it. */
export type Memory = (length: number) => Uint8Array;

/**
 * The primitives of the protocol. Two providers implement it: native (`node:crypto`) and portable (WebCrypto and
 * noble). Both give the same bytes for the same input, and both refuse the same input.
 * What they are given is lent: it lies beside other bytes in one block of memory, so they keep nothing of it, and transfer no `buffer`.
 */
export interface CryptoProvider {
  /** Such as `native` or `portable`. For diagnostics. */
  readonly name: string;
  /** Which implementation serves each primitive, as found by trying it. For diagnostics. */
  readonly implementations: Readonly<
    Record<'ed25519' | 'x25519' | 'mlKem768' | 'mlDsa65' | 'aes256gcm' | 'hash', string>
  >;
  /** The platform's cryptographic random source. */
  readonly randomBytes: RandomBytes;
  /** 32 bytes. */
  sha256(data: Uint8Array): Awaitable<Uint8Array>;
  /** SHA-256 of what comes piece by piece. */
  sha256Stream(): Sha256Stream;
  /** HKDF-SHA256 (RFC 5869) with an empty salt: `length` bytes, at most 8160. */
  hkdf(secret: Uint8Array, info: Uint8Array, length: number): Awaitable<Uint8Array>;
  /** HMAC-SHA256 (RFC 2104) with one key of at most 64 bytes, copied: the caller may erase its own. */
  hmac(key: Uint8Array): Hmac;
  /** AES-256-GCM (NIST SP 800-38D). */
  readonly aes256gcm: {
    /**
     * `key` 32 bytes, `iv` 12; returns ciphertext with the 16-byte tag appended. `memory`: where it may go, if the provider can
     * choose; called with its length.
     */
    seal(
      key: Uint8Array,
      iv: Uint8Array,
      aad: Uint8Array,
      plaintext: Uint8Array,
      memory?: Memory,
    ): Awaitable<Uint8Array>;
    /** `undefined` if the tag does not match. */
    open(
      key: Uint8Array,
      iv: Uint8Array,
      aad: Uint8Array,
      sealed: Uint8Array,
    ): Awaitable<Uint8Array | undefined>;
  };
  /** RFC 8032. The verifier takes keys that passed `isStrictEd25519Key` and follows the rules stated there. */
  readonly ed25519: {
    signer(seed: Uint8Array): Awaitable<Signer>;
    verifier(publicKey: Uint8Array): Awaitable<Verifier>;
  };
  /** X25519 (RFC 7748). */
  readonly x25519: {
    /** From a 32-byte secret, or a fresh pair. */
    keyPair(secret?: Uint8Array): Awaitable<X25519KeyPair>;
    publicKey(bytes: Uint8Array): Awaitable<X25519PublicKey>;
  };
  /** ML-KEM-768 (FIPS 203). Public keys are 1184 bytes. */
  readonly mlKem768: {
    /** From the 64-byte seed `d || z`. */
    decapsulator(seed: Uint8Array): Awaitable<Decapsulator>;
    /** `undefined` if the key fails the check of FIPS 203 section 7.2. */
    encapsulator(publicKey: Uint8Array): Awaitable<Encapsulator | undefined>;
  };
  /** ML-DSA-65 (FIPS 204). Public keys are 1952 bytes, signatures 3309. */
  readonly mlDsa65: {
    /** From the 32-byte seed. */
    signer(seed: Uint8Array): Awaitable<Signer>;
    verifier(publicKey: Uint8Array): Awaitable<Verifier>;
  };
}
