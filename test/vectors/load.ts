import { readFileSync } from 'node:fs';
import { defaultProvider as native } from '../../src/crypto/native/index.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { toXlinkError } from '../../src/errors/errors.js';
import { derivedKeyRing, type EncryptionKeys } from '../../src/identity/encryption-keys.js';
import type { Identity } from '../../src/identity/identity.js';

/** Where the vector files are. */
export const FOLDER = new URL('./', import.meta.url);

export const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T;

/** Every vector is played with each of them. */
export const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['native', native()],
  ['portable', createPortableProvider()],
  ['portable, noble alone', createPortableProvider({ subtle: false })],
];

/** A provider whose random bytes are those that are put into the queue, and the queue. */
export function scripted(): { readonly crypto: CryptoProvider; readonly queue: Uint8Array[] } {
  const queue: Uint8Array[] = [];
  const crypto = createPortableProvider({ subtle: false, randomBytes: () => queue.shift()! });
  return { crypto, queue };
}

/** The encryption keys of a receiver of the vectors, which are those of key epoch 0. */
export const encryptionKeys = (identity: Identity) => derivedKeyRing(identity).current() as EncryptionKeys;

/** The keys of a recipient as a sender has them, under key epoch 0. */
export async function recipientKeys(crypto: CryptoProvider, { x25519, mlKem768 }: Identity) {
  const bytes = mlKem768!.publicKey;
  return {
    keyEpoch: 0,
    x25519: await crypto.x25519.publicKey(x25519.publicKey),
    mlKem768: { bytes, encapsulator: (await crypto.mlKem768.encapsulator(bytes))! },
  };
}

/** `ok`, or the id of what a call throws. */
export async function outcome(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'ok';
  } catch (error) {
    return toXlinkError(error).id;
  }
}
