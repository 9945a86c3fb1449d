import type { XStoreBackend } from '../stores/backend.js';

// Runs in browsers, too: nothing here needs Node.

const FORMAT = new TextEncoder().encode('xlock prf 1 ');
const SALT_BYTES = 32;
const IV_BYTES = 12;
const HEADER_BYTES = FORMAT.length + SALT_BYTES + IV_BYTES;

/** What the authenticator is asked with (`prf.eval.first`): the same for all shares, since each has a salt of its own besides. */
export const PRF_INPUT: Uint8Array<ArrayBuffer> = new TextEncoder().encode('xlink/1 xlock prf share');

/** Key of one share: HKDF-SHA256 (RFC 5869) of the 32 bytes that the authenticator gave. */
async function keyOf(prf: Uint8Array, salt: Uint8Array): Promise<CryptoKey> {
  if (!(prf instanceof Uint8Array) || prf.length !== 32) throw new TypeError('A PRF output has 32 bytes.');
  const { subtle } = globalThis.crypto;
  const secret = await subtle.importKey('raw', Uint8Array.from(prf), 'HKDF', false, ['deriveKey']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: Uint8Array.from(salt), info: PRF_INPUT };
  const aes = { name: 'AES-GCM', length: 256 };
  return subtle.deriveKey(derivation, secret, aes, false, ['encrypt', 'decrypt']);
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

const parametersOf = (header: Uint8Array, name: string) => ({
  name: 'AES-GCM',
  iv: Uint8Array.from(header.subarray(-IV_BYTES)),
  additionalData: joined(header, new TextEncoder().encode(name)),
});

/** Bytes encrypted by AES-256-GCM under a PRF output, bound to a name: 72 bytes longer. Throws `TypeError` for another length of `prf`. */
export async function sealWithPrf(
  prf: Uint8Array,
  name: string,
  bytes: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(SALT_BYTES + IV_BYTES));
  const header = joined(FORMAT, random);
  const key = await keyOf(prf, random.subarray(0, SALT_BYTES));
  const sealed = await globalThis.crypto.subtle.encrypt(
    parametersOf(header, name),
    key,
    Uint8Array.from(bytes),
  );
  return joined(header, new Uint8Array(sealed));
}

/** What {@link sealWithPrf} sealed; `undefined` for another PRF output or name, and for what was changed. */
export async function openWithPrf(
  prf: Uint8Array,
  name: string,
  sealed: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const header = sealed.subarray(0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || FORMAT.some((byte, at) => header[at] !== byte)) return undefined;
  const key = await keyOf(prf, header.subarray(FORMAT.length, -IV_BYTES));
  const body = Uint8Array.from(sealed.subarray(HEADER_BYTES));
  try {
    return new Uint8Array(await globalThis.crypto.subtle.decrypt(parametersOf(header, name), key, body));
  } catch {
    return undefined;
  }
}

/** Options of {@link PrfBackend}. */
export interface PrfBackendOptions {
  /** Where the sealed share is: on this device. */
  readonly inner: XStoreBackend;
  /** Asks the authenticator for its 32 bytes for {@link PRF_INPUT}; see `prfOf` of `@private.me/xlock/webauthn-page`. Called for each share. */
  readonly prf: () => Promise<Uint8Array> | Uint8Array;
  /** Whether the user has to touch the authenticator for each call, so that it is asked only where other stores do not suffice. Default `true`. */
  readonly manual?: boolean;
}

/** The local share, sealed by what only the passkey of the device gives (WebAuthn extension `prf`): who copies the disk has nothing. */
export class PrfBackend implements XStoreBackend {
  readonly id: string;
  readonly manual: boolean;
  readonly #options: PrfBackendOptions;

  /** Its `id` is that of the inner store. */
  constructor(options: PrfBackendOptions) {
    this.#options = { ...options };
    this.id = options.inner.id;
    this.manual = options.manual ?? true;
  }

  /** Seals, and hands over to the inner store. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#options.inner.put(name, await sealWithPrf(await this.#options.prf(), name, bytes));
  }

  /** Rejects where the authenticator is another one, or the share was changed. */
  async get(name: string): Promise<Uint8Array | undefined> {
    const sealed = await this.#options.inner.get(name);
    if (!sealed) return undefined;
    const bytes = await openWithPrf(await this.#options.prf(), name, sealed);
    if (!bytes)
      throw new Error('The share cannot be opened: another authenticator sealed it, or it was changed.');
    return bytes;
  }

  /** Removes it, without asking the authenticator. */
  async delete(name: string): Promise<void> {
    await this.#options.inner.delete(name);
  }
}
