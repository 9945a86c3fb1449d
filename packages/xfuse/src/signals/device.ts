import { XfuseError } from '../errors.js';
import { fromBase64url } from '../util/bytes.js';

/** What holds the key of a device signal. */
export type DeviceKind = 'passkey' | 'key-file' | 'recovery-code' | 'other';

/** What a device released: a key of 32 bytes. Printing it shows its kind only. */
export class DeviceSecret {
  /** What holds it. */
  readonly kind: DeviceKind;
  /** Whether the device says that it verified its user, by PIN or biometrics. */
  readonly userVerified: boolean;
  readonly #key: Uint8Array;
  readonly #credential: string | undefined;

  /** `credential`: what is the same for every key of one device. Throws `SIGNAL_INVALID` unless the key has 32 bytes. */
  constructor(kind: DeviceKind, key: Uint8Array, credential?: string, userVerified = false) {
    if (!(key instanceof Uint8Array) || key.length !== 32)
      throw new XfuseError('SIGNAL_INVALID', { field: 'key' });
    this.kind = kind;
    this.#key = key.slice();
    this.#credential = credential;
    this.userVerified = userVerified;
  }

  /** A copy of the key, 32 bytes. Keep it secret. */
  get key(): Uint8Array {
    return this.#key.slice();
  }

  /** Id of the credential, where there is one. */
  get credential(): string | undefined {
    return this.#credential;
  }

  /** Holds no key. */
  toJSON(): { kind: DeviceKind } {
    return { kind: this.kind };
  }

  /** For `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `DeviceSecret(${this.kind})`;
  }
}

/** The parts of a WebAuthn assertion that are read here; `AuthenticationResponseJSON` of browsers has them. */
export interface UserVerificationAssertion {
  /** Id of the credential, base64url. */
  readonly id: string;
  /** What the authenticator said. */
  readonly response: {
    /** Base64url; its flags say whether the user was verified (WebAuthn section 6.1). */
    readonly authenticatorData: string;
  };
}

/** A passkey with the PRF extension: `prf` is `getClientExtensionResults().prf.results.first`, 32 bytes. */
export function passkey(options: { readonly prf: Uint8Array; readonly credentialId: string }): DeviceSecret {
  if (!fromBase64url(options?.credentialId)?.length)
    throw new XfuseError('SIGNAL_INVALID', { field: 'credentialId' });
  return new DeviceSecret('passkey', options.prf, options.credentialId);
}

const USER_PRESENT = 1;
const USER_VERIFIED = 4;

/**
 * A passkey whose authenticator verified its user, such as by fingerprint. The flag is what the authenticator said to this program; a
 * service that must not take its word checks the assertion itself (`verifySession` with `assertion`).
 * Throws `SIGNAL_INVALID:USER_NOT_VERIFIED`.
 */
export function userVerified(options: {
  readonly prf: Uint8Array;
  readonly assertion: UserVerificationAssertion;
}): DeviceSecret {
  const { prf, assertion } = options ?? {};
  const data = fromBase64url(assertion?.response?.authenticatorData);
  if (!data || data.length < 37 || !fromBase64url(assertion.id)?.length)
    throw new XfuseError('SIGNAL_INVALID', { field: 'assertion' });
  const both = USER_PRESENT | USER_VERIFIED;
  if ((data[32]! & both) !== both) throw new XfuseError('SIGNAL_INVALID:USER_NOT_VERIFIED');
  return new DeviceSecret('passkey', prf, assertion.id, true);
}

const ALPHABET = 'ABCDEFGHJKMNPQRSTVWXYZ0123456789';

/** A code to write down: 52 letters in groups of four, 256 bits. Counts as a device signal; make it from 32 random bytes. */
export function recoveryCode(random: Uint8Array): string {
  const key = new DeviceSecret('recovery-code', random).key;
  const bits = [...key]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .padEnd(260, '0');
  const letters = bits.match(/.{5}/g)!.map((group) => ALPHABET[Number.parseInt(group, 2)]);
  return letters.join('').replace(/.{4}(?=.)/g, '$&-');
}

/** The signal that a recovery code is; small letters, spaces and hyphens do not count. Throws `SIGNAL_INVALID`. */
export function fromRecoveryCode(code: string): DeviceSecret {
  const letters = String(code).toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  const places = [...letters].map((letter) => ALPHABET.indexOf(letter));
  if (places.length !== 52 || places.includes(-1)) throw new XfuseError('SIGNAL_INVALID', { field: 'code' });
  const bits = places.map((place) => place.toString(2).padStart(5, '0')).join('');
  if (!bits.endsWith('0000')) throw new XfuseError('SIGNAL_INVALID', { field: 'code' });
  const key = Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2));
  return new DeviceSecret('recovery-code', key);
}
