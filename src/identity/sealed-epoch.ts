import { concat, lengthPrefixed } from '../crypto/bytes.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { EncryptionKeys } from './encryption-keys.js';
import type { Identity } from './identity.js';
import type { StoredEpoch } from './key-store.js';

const LABEL = encodeUtf8('xlink/1 key epoch');
/** A sealing key encrypts once, so its IV is always the same. */
const ZERO_IV = new Uint8Array(12);
const X25519_BYTES = 32;
const ML_KEM_SEED_BYTES = 64;

/** What is stored in the open. It is authenticated: who writes to the store cannot put off an erasure. */
export type EpochHead = Omit<StoredEpoch, 'wrappingKey' | 'sealed'>;

function aadOf({ did }: Identity, head: EpochHead): Uint8Array {
  const { keyEpoch, recordEpoch, notBefore, notAfter, eraseAfter } = head;
  return lengthPrefixed([LABEL, did, keyEpoch, recordEpoch, notBefore, notAfter, eraseAfter]);
}

/** Takes the seed and the wrapping key: without either, nothing opens. */
async function sealingKey({ crypto, privateKey }: Identity, wrappingKey: Uint8Array): Promise<Uint8Array> {
  const secret = lengthPrefixed([wrappingKey, privateKey]);
  try {
    return await crypto.hkdf(secret, LABEL, 32);
  } finally {
    secret.fill(0);
  }
}

/** Fresh random private keys of an epoch, sealed: what is stored of them. `wrappingKey`: 32 random bytes, used for nothing else. */
export async function sealNewEpoch(
  identity: Identity,
  head: EpochHead,
  wrappingKey: Uint8Array,
): Promise<string> {
  const { crypto } = identity;
  const secrets = crypto.randomBytes(X25519_BYTES + ML_KEM_SEED_BYTES);
  const key = await sealingKey(identity, wrappingKey);
  const sealed = await crypto.aes256gcm.seal(key, ZERO_IV, aadOf(identity, head), secrets);
  secrets.fill(0);
  return encodeBase64url(sealed);
}

/** The keys of a stored epoch. Throws `KEY_STORE_DAMAGED` for what was changed, or sealed under another seed. */
export async function openEpoch(
  identity: Identity,
  stored: StoredEpoch,
  wrappingKey: Uint8Array,
): Promise<EncryptionKeys> {
  const { crypto, maxVersion } = identity;
  const key = await sealingKey(identity, wrappingKey);
  const bytes = decodeBase64url(stored.sealed);
  const secrets = bytes && (await crypto.aes256gcm.open(key, ZERO_IV, aadOf(identity, stored), bytes));
  if (secrets?.length !== X25519_BYTES + ML_KEM_SEED_BYTES) throw xlinkError('KEY_STORE_DAMAGED');
  const x25519 = await crypto.x25519.keyPair(concat([secrets.subarray(0, X25519_BYTES)]));
  const mlKem768 =
    maxVersion >= 2
      ? await crypto.mlKem768.decapsulator(concat([secrets.subarray(X25519_BYTES)]))
      : undefined;
  secrets.fill(0);
  const { keyEpoch, recordEpoch, notBefore, notAfter } = stored;
  return { keyEpoch, recordEpoch, notBefore, notAfter, x25519, mlKem768 };
}
