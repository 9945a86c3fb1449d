import { defaultProvider } from '#provider';
import type { CryptoProvider, Decapsulator, Signer, X25519KeyPair } from '../crypto/provider.js';
import { toXlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import type { Did, RandomBytes, Version } from '../types/protocol.js';
import { branded } from '../util/copies.js';
import { checkOptions, integerIn, isBoolean, isObject, isPromptFunction } from '../util/options.js';
import { encodeUtf8 } from '../util/utf8.js';
import { encodeDidKey } from './did.js';
import { decodePkcs8, encodePkcs8 } from './pkcs8.js';

/** HKDF `info` of each key that is derived from the seed. Changing one changes every identity. */
export const INFO = {
  x25519: encodeUtf8('xlink/1 identity x25519'),
  mlKem768: encodeUtf8('xlink/1 identity ml-kem-768'),
  mlDsa65: encodeUtf8('xlink/1 identity ml-dsa-65'),
} as const;

/** A protocol and an algorithm behind the prefix: the labels of the identity's own keys have one word there. */
const SUBKEY_LABEL = /^xlink\/1 identity [a-z0-9-]{1,32} [a-z0-9-]{1,32}$/;

/** How an identity is made. */
export interface IdentityOptions {
  /** Adds ML-DSA-65 keys: the same as `maxVersion: 3`. Default `false`. */
  readonly postQuantumSig?: boolean;
  /** Highest envelope version this identity takes part in; decides which keys it has. Default 2: X25519 and ML-KEM-768. */
  readonly maxVersion?: Version;
  /** Default: `node:crypto` on servers, WebCrypto and noble elsewhere. */
  readonly crypto?: CryptoProvider;
  /** Source of the seed. Default: that of the provider. */
  readonly random?: RandomBytes;
}

export const IDENTITY_OPTIONS = {
  postQuantumSig: isBoolean,
  maxVersion: integerIn(1, 3),
  crypto: isObject,
  random: isPromptFunction,
};

/**
 * A DID with its private keys. One 32-byte Ed25519 seed (RFC 8032) is the root; X25519, ML-KEM-768 and ML-DSA-65 keys
 * are derived from it by HKDF-SHA256, so the seed or its PKCS#8 file restores all of them.
 * Printing or serializing an identity shows its DID and nothing else.
 */
export class Identity {
  static {
    branded(this, 'identity');
  }

  /** `did:key` of the Ed25519 public key. */
  readonly did: Did;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Highest envelope version it has keys for. */
  readonly maxVersion: Version;
  /** The provider its keys work with. */
  readonly crypto: CryptoProvider;
  /** Signs as this identity (RFC 8032). */
  readonly ed25519: Signer;
  /** Key pair for X25519 key agreement (RFC 7748). */
  readonly x25519: X25519KeyPair;
  /** From version 2 on. */
  readonly mlKem768: Decapsulator | undefined;
  /** In version 3. */
  readonly mlDsa65: Signer | undefined;
  readonly #seed: Uint8Array;

  private constructor(
    seed: Uint8Array,
    maxVersion: Version,
    crypto: CryptoProvider,
    keys: Pick<Identity, 'ed25519' | 'x25519' | 'mlKem768' | 'mlDsa65'>,
  ) {
    this.#seed = seed;
    this.maxVersion = maxVersion;
    this.crypto = crypto;
    this.publicKey = keys.ed25519.publicKey;
    this.did = encodeDidKey(this.publicKey);
    this.ed25519 = keys.ed25519;
    this.x25519 = keys.x25519;
    this.mlKem768 = keys.mlKem768;
    this.mlDsa65 = keys.mlDsa65;
    for (const key of ['crypto', 'ed25519', 'x25519', 'mlKem768', 'mlDsa65'] as const) {
      Object.defineProperty(this, key, { enumerable: false });
    }
  }

  /** The identity of a 32-byte Ed25519 seed: the same seed gives the same identity everywhere. */
  static async fromSeed(seed: Uint8Array, options: IdentityOptions = {}): Promise<Identity> {
    checkOptions('Identity.fromSeed', options, IDENTITY_OPTIONS);
    if (!(seed instanceof Uint8Array) || seed.length !== 32) throw xlinkError('INVALID_SEED');
    const maxVersion = resolveMaxVersion(options);
    const crypto = options.crypto ?? defaultProvider();
    const root = Uint8Array.from(seed);
    const derive = (info: Uint8Array, length: number) => crypto.hkdf(root, info, length);
    const keys = {
      ed25519: await crypto.ed25519.signer(root),
      x25519: await crypto.x25519.keyPair(await derive(INFO.x25519, 32)),
      mlKem768:
        maxVersion >= 2 ? await crypto.mlKem768.decapsulator(await derive(INFO.mlKem768, 64)) : undefined,
      mlDsa65: maxVersion >= 3 ? await crypto.mlDsa65.signer(await derive(INFO.mlDsa65, 32)) : undefined,
    };
    return new Identity(root, maxVersion, crypto, keys);
  }

  /**
   * The identity of an exported PKCS#8 file (RFC 8410): DER, 48 bytes, or PEM without a passphrase. The file does not say the version: pass `postQuantumSig` or `maxVersion` as
   * when it was made, or the identity comes back with fewer keys. Throws `INVALID_PKCS8`.
   */
  static async fromPKCS8(pkcs8: Uint8Array | string, options: IdentityOptions = {}): Promise<Identity> {
    return Identity.fromSeed(decodePkcs8(pkcs8), options);
  }

  /** A copy of the 32-byte Ed25519 seed. It is the identity: keep it secret. */
  get privateKey(): Uint8Array {
    return Uint8Array.from(this.#seed);
  }

  /**
   * 32 bytes for a key of another protocol: HKDF-SHA256 (RFC 5869) of the seed, with an empty salt and the label as `info`. `label`:
   * `xlink/1 identity`, the protocol and the algorithm, such as `xlink/1 identity noise x25519`. One label is for one protocol; none
   * gives the identity's own keys. Whoever has the seed has it too. Throws `INVALID_OPTION`.
   */
  async deriveSubkey(label: string): Promise<Uint8Array> {
    if (typeof label !== 'string' || !SUBKEY_LABEL.test(label)) {
      const hint =
        'deriveSubkey: label must be "xlink/1 identity", a protocol and an algorithm, in small letters.';
      throw xlinkError('INVALID_OPTION', { field: 'label', hint });
    }
    return this.crypto.hkdf(this.#seed, encodeUtf8(label), 32);
  }

  /** The seed as PKCS#8 DER (RFC 8410), 48 bytes, unencrypted. */
  exportPKCS8(): Uint8Array {
    return encodePkcs8(this.#seed);
  }

  /** The DID only, so that a serialized identity holds no key. */
  toJSON(): { did: Did } {
    return { did: this.did };
  }

  /** For `console.log` in Node, Deno and Bun. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Identity(${this.did})`;
  }
}

/** A new identity from the random source, or `IDENTITY_FAILED`. */
export async function generateIdentity(options: IdentityOptions = {}): Promise<Result<Identity>> {
  try {
    checkOptions('generateIdentity', options, IDENTITY_OPTIONS);
    const random = options.random ?? (options.crypto ?? defaultProvider()).randomBytes;
    return ok(await Identity.fromSeed(random(32), options));
  } catch (error) {
    const known = toXlinkError(error);
    return err(known.code === 'INTERNAL' ? xlinkError('IDENTITY_FAILED', { cause: error }) : known);
  }
}

function resolveMaxVersion({ postQuantumSig, maxVersion }: IdentityOptions): Version {
  if (postQuantumSig !== undefined && maxVersion !== undefined && postQuantumSig !== maxVersion >= 3) {
    throw xlinkError('INVALID_OPTION', {
      field: 'postQuantumSig',
      hint: 'postQuantumSig and maxVersion contradict each other; leave one of them out.',
    });
  }
  return maxVersion ?? (postQuantumSig ? 3 : 2);
}
