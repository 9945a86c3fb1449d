import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { lengthPrefixed, sha256, toBase64url } from '../util/bytes.js';
import { overIn, Sweeper } from '../verifier/sweeper.js';

/** A passkey of a browser or platform, as the service keeps it. */
export interface WebauthnCredential {
  /** As the authenticator named it, base64url. */
  readonly id: string;
  /** COSE key (RFC 9052), base64url. */
  readonly publicKey: string;
  /** Of the last login; 0 where the authenticator does not count. */
  readonly counter: number;
  /** Ways by which the browser reaches it, such as `internal` or `hybrid`. */
  readonly transports: readonly string[];
  /** Whose it is. */
  readonly userId: string;
  /** The name of its account at the verifier: {@link accountNameOf}. */
  readonly did: string;
  /** Whether it cannot leave the device, as the authenticator says. */
  readonly isDeviceBound: boolean;
  /** In ms since 1970. */
  readonly addedAt: number;
}

/** A challenge for a browser, good for one answer. */
export interface WebauthnChallenge {
  readonly kind: 'create' | 'get';
  /** Of a registration; otherwise empty. */
  readonly userId: string;
  /** For people, of a registration. */
  readonly name: string;
  /** SHA-256 of the secret of the browser, base64url; empty: none. */
  readonly binding: string;
  readonly expiresAt: number;
  readonly isUsed: boolean;
}

/** What is kept of passkeys of browsers, beside the records of the verifier and in the same store. */
export class WebauthnRecords {
  readonly challenges: Documents<WebauthnChallenge>;
  /** Under their account names. */
  readonly credentials: Documents<WebauthnCredential>;
  readonly users: Documents<{ readonly dids: readonly string[] }>;
  readonly #sweeper = new Sweeper();

  constructor(store: OperationsStore) {
    this.challenges = new Documents(store, 'xlock-webauthn-challenge');
    this.credentials = new Documents(store, 'xlock-webauthn-credential');
    this.users = new Documents(store, 'xlock-webauthn-user');
  }

  /** Removes challenges that are over, at most once in ten minutes. */
  async sweep(now: number): Promise<void> {
    await this.#sweeper.sweep(
      now,
      overIn(this.challenges, ({ expiresAt }) => expiresAt < now),
    );
  }
}

/** How the verifier names the account of such a passkey: ids of credentials may be 1023 bytes, this is 52 characters. */
export const accountNameOf = (credentialId: string): string =>
  `webauthn:${toBase64url(sha256(lengthPrefixed(['xlink/1 xlock webauthn', credentialId])))}`;

/** `user.id` of WebAuthn, 32 bytes: authenticators keep it, so it does not say who the user is. */
export const userHandleOf = (origin: string, userId: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(sha256(lengthPrefixed(['xlink/1 xlock webauthn user', origin, userId])));
