import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { EMPTY } from '../bytes.js';
import { nobleEd25519 } from './noble-ed25519.js';
import type { Primitives } from './primitives.js';

export const noble: Primitives = {
  hash: {
    sha256: (data) => sha256(data),
    hkdf: (secret, info, length) => hkdf(sha256, secret, EMPTY, info, length),
  },
  aes256gcm: {
    seal: (key, iv, aad, plaintext) => gcm(key, iv, aad).encrypt(plaintext),
    open(key, iv, aad, sealed) {
      const cipher = gcm(key, iv, aad);
      try {
        return cipher.decrypt(sealed);
      } catch {
        return undefined;
      }
    },
  },
  ed25519: nobleEd25519,
  x25519: {
    keyPair(secret) {
      const own = Uint8Array.from(secret);
      return {
        publicKey: x25519.getPublicKey(own),
        agree(peer) {
          try {
            return x25519.getSharedSecret(own, peer.bytes);
          } catch {
            return undefined; // noble refuses an all-zero result by itself
          }
        },
      };
    },
    publicKey: (bytes) => ({ bytes: Uint8Array.from(bytes) }),
  },
};
