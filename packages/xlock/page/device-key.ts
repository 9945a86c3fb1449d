import { encodeDidKey } from '@private.me/xlink';
import { keyOfSeed, randomBytes } from '../src/util/primitives.js';
import { read, readOrAdd } from './storage.js';

/** What the browser keeps: keys that scripts can use and cannot read. */
interface KeptKeys {
  /** AES-256-GCM, not extractable. */
  readonly sealing: CryptoKey;
  /** Ed25519, not extractable, where the browser has it. */
  readonly signing?: CryptoKeyPair;
  /** Otherwise: the seed, sealed. */
  readonly seed?: Sealed;
}

/** What only this browser opens. */
export interface Sealed {
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly bytes: ArrayBuffer;
}

/** The key of this browser. Services know it by its DID. */
export interface DeviceKey {
  readonly did: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Whether the key cannot be read even by this page. */
  readonly isLocked: boolean;
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
  /** Encrypts for this browser. */
  readonly seal: (bytes: Uint8Array, name: string) => Promise<Sealed>;
  /** Rejects for what was not sealed here under this name. */
  readonly unseal: (sealed: Sealed, name: string) => Promise<Uint8Array>;
}

/** The key that is kept; it is made at the first time. */
export async function deviceKey(): Promise<DeviceKey> {
  const kept = (await read<KeptKeys>('keys', 'device')) ?? (await readOrAdd('keys', 'device', await made()));
  const { sealing, signing } = kept;
  const seal = (bytes: Uint8Array, name: string) => sealed(sealing, bytes, name);
  const unseal = (from: Sealed, name: string) => unsealed(sealing, from, name);
  if (signing) {
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', signing.publicKey));
    const sign = async (message: Uint8Array) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', signing.privateKey, Uint8Array.from(message)));
    return { did: encodeDidKey(publicKey), publicKey, isLocked: true, sign, seal, unseal };
  }
  const seed = () => unseal(kept.seed!, 'seed');
  const { publicKey } = keyOfSeed(await seed());
  const sign = async (message: Uint8Array) => keyOfSeed(await seed()).sign(message);
  return { did: encodeDidKey(publicKey), publicKey, isLocked: false, sign, seal, unseal };
}

async function made(): Promise<KeptKeys> {
  const sealing = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  try {
    const signing = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
    await crypto.subtle.sign('Ed25519', signing.privateKey, new Uint8Array(1));
    return { sealing, signing };
  } catch {
    return { sealing, seed: await sealed(sealing, randomBytes(32), 'seed') };
  }
}

const labeled = (iv: Uint8Array<ArrayBuffer>, name: string) => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(name),
});

async function sealed(key: CryptoKey, bytes: Uint8Array, name: string): Promise<Sealed> {
  const iv = randomBytes(12);
  return { iv, bytes: await crypto.subtle.encrypt(labeled(iv, name), key, Uint8Array.from(bytes)) };
}

async function unsealed(key: CryptoKey, { iv, bytes }: Sealed, name: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.decrypt(labeled(iv, name), key, bytes));
}
