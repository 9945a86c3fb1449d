import type { CryptoProvider } from '../provider.js';

/** What both WebCrypto and noble have. Lengths of keys and nonces are checked before. */
export interface Primitives {
  readonly hash: Pick<CryptoProvider, 'sha256' | 'hkdf'>;
  readonly aes256gcm: CryptoProvider['aes256gcm'];
  readonly ed25519: CryptoProvider['ed25519'];
  /** With the secret always given, so that it comes from the provider's random source. */
  readonly x25519: Pick<CryptoProvider['x25519'], 'publicKey'> & {
    keyPair(secret: Uint8Array): ReturnType<CryptoProvider['x25519']['keyPair']>;
  };
}
