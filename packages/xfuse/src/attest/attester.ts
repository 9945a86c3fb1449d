import type { CryptoProvider, Did, Identity } from '@private.me/xlink';
import { XfuseError } from '../errors.js';
import { fromBase64url, toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, integerIn, isText } from '../util/options.js';
import { deriveKey } from '../util/sealing.js';
import { readSignedText, signText, timeOf } from '../util/signed-text.js';

const LABEL = 'xlink/1 xfuse attestation';

/** What is enrolled of an attester: whose word counts, and the key that its word releases. */
export interface AttestationEnrollment {
  /** DID of the attester. */
  readonly issuer: Did;
  /** 32 bytes as base64url. A secret of account and attester. */
  readonly releaseKey: string;
}

/** What an attester says. */
export interface AttestOptions {
  /** Where the session is for; `*` for any. Default `*`. */
  readonly audience?: string;
  /** How long it is good, in ms, a second to a day. Default 5 minutes. */
  readonly ttlMs?: number;
}

/**
 * A third party whose word is a signal. It checks whatever it checks, and then signs a statement that holds the key to its share: hand it
 * over sealed, for who has a statement has the signal. Its expiry binds those who use this package, not a thief with a program of his own.
 */
export class Attester {
  readonly #identity: Identity;
  readonly #clock: () => number;

  /** `clock`: ms since 1970, default `Date.now`. */
  constructor(identity: Identity, clock: () => number = Date.now) {
    this.#identity = identity;
    this.#clock = clock;
  }

  /** What the account enrolls. The same every time. */
  async enroll(account: string): Promise<AttestationEnrollment> {
    return { issuer: this.#identity.did, releaseKey: toBase64url(await this.#keyFor(account)) };
  }

  /** A statement about an account; call it once it was checked. Rejects with `INVALID_OPTION`. */
  async attest(account: string, options: AttestOptions = {}): Promise<string> {
    checkNames('attest', options, ['audience', 'ttlMs']);
    const { audience = '*', ttlMs = 300_000 } = options;
    checkValue('attest', 'audience', audience, isText, 'a text');
    checkValue('attest', 'ttlMs', ttlMs, integerIn(1000, 86_400_000), 'ms, a second to a day');
    const issuedAt = this.#clock();
    const { issuer, releaseKey } = await this.enroll(account);
    const claims = { v: 1, issuer, account, audience, issuedAt, expiresAt: issuedAt + ttlMs, releaseKey };
    return signText(this.#identity, LABEL, claims);
  }

  async #keyFor(account: string): Promise<Uint8Array> {
    return deriveKey(this.#identity.crypto, this.#identity.privateKey, 'xlink/1 xfuse release', account);
  }
}

/** What a statement must be about. */
export interface Expected {
  readonly issuers: readonly Did[];
  readonly account: string;
  readonly audience: string;
  readonly now: number;
}

/** Who said it, and the key that it releases, 32 bytes. Throws `ATTESTATION_INVALID…`. */
export async function readAttestation(
  crypto: CryptoProvider,
  statement: unknown,
  { issuers, account, audience, now }: Expected,
): Promise<{ readonly issuer: Did; readonly key: Uint8Array }> {
  const claims = await readSignedText(crypto, LABEL, statement, ({ issuer }) => issuer);
  const time = claims ? timeOf(claims, now) : 'invalid';
  if (claims?.['v'] !== 1 || time === 'invalid') throw new XfuseError('ATTESTATION_INVALID');
  const isOurs =
    issuers.includes(claims['issuer'] as Did) &&
    claims['account'] === account &&
    (claims['audience'] === '*' || claims['audience'] === audience);
  if (!isOurs) throw new XfuseError('ATTESTATION_INVALID:FOREIGN');
  if (time === 'expired') throw new XfuseError('ATTESTATION_INVALID:EXPIRED');
  if (time === 'future') throw new XfuseError('ATTESTATION_INVALID:FUTURE');
  const key = fromBase64url(claims['releaseKey']);
  if (key?.length !== 32) throw new XfuseError('ATTESTATION_INVALID');
  return { issuer: claims['issuer'] as Did, key };
}
