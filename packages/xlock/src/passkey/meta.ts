import type { Did } from '@private.me/xlink/verify';
import { lengthPrefixed, sha256, toHex } from '../util/bytes.js';

/** Whose passkey for which service. */
export interface PasskeyOwner {
  /** Origin of the service, such as `https://acme.com`; for others any name of 1 to 256 characters. */
  readonly service: string;
  /** The account at the service, up to 256 characters. Default the empty text: the only account. */
  readonly userId?: string;
}

/** What every share says, so that a new device needs nothing else. Not secret. */
export interface PasskeyMeta {
  readonly service: string;
  readonly userId: string;
  /** `did:key` of the Ed25519 public key. */
  readonly did: Did;
  /** DID of the service, which signs its challenges; empty: not known. */
  readonly verifier: string;
}

/** The name of the shares of a passkey in every store: the same on every device, and not telling whose it is. 38 characters. */
export const passkeyName = ({ service, userId = '' }: PasskeyOwner): string =>
  `xlock-${toHex(sha256(lengthPrefixed(['xlink/1 xlock passkey', service, userId])).subarray(0, 16))}`;
