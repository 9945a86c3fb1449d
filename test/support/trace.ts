import type { CryptoProvider, Signer, Verifier } from '../../src/crypto/provider.js';
import type { NonceStore, TrustRegistry } from '../../src/types/ports.js';
import { encodeUtf8 } from '../../src/util/utf8.js';

/** What ran, in order. */
export type Trace = string[];

const KEY_RECORD = Buffer.from(encodeUtf8('xlink/1 key-record'));

/** Real parts that note each call before they do it. */
export const tracedRegistry = (registry: TrustRegistry, trace: Trace): TrustRegistry => ({
  lookup(did) {
    trace.push('registry.lookup');
    return registry.lookup(did);
  },
  register: (entry) => registry.register(entry),
  updateKeys: (keys) => registry.updateKeys(keys),
});

export const tracedNonceStore = (store: NonceStore, trace: Trace): NonceStore => ({
  seen(use) {
    trace.push('nonceStore.seen');
    return store.seen(use);
  },
  claim(use, ttlMs) {
    trace.push('nonceStore.claim');
    return store.claim(use, ttlMs);
  },
});

/** Notes the steps that cost something: key derivation, agreement, signatures, encryption. */
export function tracedProvider(crypto: CryptoProvider, trace: Trace): CryptoProvider {
  const note = (step: string) => void trace.push(step);
  const signer = ({ publicKey, sign }: Signer, name: string): Signer => ({
    publicKey,
    sign(message, context) {
      note(`${name}.sign`);
      return sign(message, context);
    },
  });
  const verifier = ({ verify }: Verifier, name: string): Verifier => ({
    verify(message, signature, context) {
      const isRecord = Buffer.from(message).includes(KEY_RECORD);
      note(isRecord ? `key record, ${name}` : `${name}.verify`);
      return verify(message, signature, context);
    },
  });
  return {
    ...crypto,
    hkdf(secret, info, length) {
      note('hkdf');
      return crypto.hkdf(secret, info, length);
    },
    aes256gcm: {
      seal(...args) {
        note('aes256gcm.seal');
        return crypto.aes256gcm.seal(...args);
      },
      open(...args) {
        note('aes256gcm.open');
        return crypto.aes256gcm.open(...args);
      },
    },
    ed25519: {
      signer: async (seed) => signer(await crypto.ed25519.signer(seed), 'ed25519'),
      verifier: async (key) => verifier(await crypto.ed25519.verifier(key), 'ed25519'),
    },
    mlDsa65: {
      signer: async (seed) => signer(await crypto.mlDsa65.signer(seed), 'mlDsa65'),
      verifier: async (key) => verifier(await crypto.mlDsa65.verifier(key), 'mlDsa65'),
    },
    x25519: {
      publicKey: crypto.x25519.publicKey,
      async keyPair(secret) {
        const { publicKey, agree } = await crypto.x25519.keyPair(secret);
        return {
          publicKey,
          agree(peer) {
            note('x25519.agree');
            return agree(peer);
          },
        };
      },
    },
    mlKem768: {
      async decapsulator(seed) {
        const { publicKey, decapsulate } = await crypto.mlKem768.decapsulator(seed);
        return {
          publicKey,
          decapsulate(ciphertext) {
            note('mlKem768.decapsulate');
            return decapsulate(ciphertext);
          },
        };
      },
      async encapsulator(key) {
        const inner = await crypto.mlKem768.encapsulator(key);
        return (
          inner && {
            encapsulate() {
              note('mlKem768.encapsulate');
              return inner.encapsulate();
            },
          }
        );
      },
    },
  };
}
