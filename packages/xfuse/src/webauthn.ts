import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import { XfuseError } from './errors.js';
import type { CheckedAssertion } from './session/verify.js';
import { toBase64url, utf8 } from './util/bytes.js';

type VerifyOptions = Parameters<typeof verifyAuthenticationResponse>[0];

/** Options of {@link checkAssertion}. */
export interface CheckAssertionOptions {
  /** The certificate of the session that the assertion is for. */
  readonly certificate: string;
  /** DID of that session. */
  readonly session: string;
  /** What the browser returned. */
  readonly response: VerifyOptions['response'];
  /** The credential as this service registered it. */
  readonly credential: VerifyOptions['credential'];
  /** Origins of the pages that may ask. */
  readonly expectedOrigin: string | string[];
  /** Relying party id. */
  readonly expectedRPID: string | string[];
}

/** The challenge to ask an authenticator with: SHA-256 of the certificate, base64url. So an assertion is good for one session. */
export async function assertionChallenge(certificate: string): Promise<string> {
  const hash = await crypto.subtle.digest(
    'SHA-256',
    utf8(`xlink/1 xfuse assertion ${certificate}`) as BufferSource,
  );
  return toBase64url(new Uint8Array(hash));
}

/**
 * Checks a WebAuthn assertion with @simplewebauthn/server, for `verifySession`. Keep `newCounter` if counters matter to you.
 * Rejects with `ASSERTION_REFUSED`.
 */
export async function checkAssertion(
  options: CheckAssertionOptions,
): Promise<CheckedAssertion & { readonly newCounter: number }> {
  const { certificate, session, ...rest } = options;
  const expectedChallenge = await assertionChallenge(certificate);
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...rest,
      expectedChallenge,
      requireUserVerification: true,
    });
    if (!verified) throw new Error('not verified');
    const { userVerified, credentialDeviceType, newCounter } = authenticationInfo;
    return { session, userVerified, isDeviceBound: credentialDeviceType === 'singleDevice', newCounter };
  } catch (cause) {
    throw new XfuseError('ASSERTION_REFUSED', { cause });
  }
}
