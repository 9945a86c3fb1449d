import { isOrigin } from '../challenge/challenge.js';
import { checkNames, checkValue, invalidOption, isText } from '../util/options.js';
import { type Parts, partsOfGiven } from '../verifier/parts.js';
import type { XlockVerifier } from '../verifier/verifier.js';

/** Options of {@link WebauthnVerifier}. */
export interface WebauthnVerifierOptions {
  /** Keeps accounts, devices and sessions; its store, clock, audit log and `challengeTtlMs` are those of this, too. */
  readonly verifier: XlockVerifier;
  /** The domain that passkeys are for: the host of every origin, or one above it. Default: the host of the verifier. */
  readonly rpId?: string;
  /** For people. Default: `rpId`. */
  readonly rpName?: string;
  /** Origins of the pages that may ask. Default: that of the verifier. */
  readonly origins?: readonly string[];
  /** `required`: by PIN, fingerprint or face, each time. `preferred` takes a key that was only touched, too. Default `required`. */
  readonly userVerification?: 'required' | 'preferred';
  /**
   * Signature algorithms (COSE) that new passkeys may have, the best first. Default: ML-DSA-65 (-49) where this Node checks it (24.7 and
   * later), Ed25519 (-8), ES256 (-7), RS256 (-257).
   */
  readonly algorithms?: readonly number[];
}

/** The same with nothing left open. */
export interface WebauthnSettings {
  readonly parts: Parts;
  readonly rpId: string;
  readonly rpName: string;
  readonly origins: readonly string[];
  readonly userVerification: 'required' | 'preferred';
  readonly algorithms: readonly number[];
}

/** ML-DSA-65 as COSE names it. */
export const ML_DSA_65 = -49;
const CLASSICAL = [-8, -7, -257];

/** Whether WebCrypto of this Node checks ML-DSA-65. */
export function hasMlDsa(): boolean {
  const { supports } = crypto.subtle.constructor as {
    readonly supports?: (operation: string, algorithm: string) => boolean;
  };
  return supports?.call(crypto.subtle.constructor, 'verify', 'ML-DSA-65') ?? false;
}

/** Throws `INVALID_OPTION`. */
export function webauthnSettings(options: WebauthnVerifierOptions): WebauthnSettings {
  const OWNER = 'WebauthnVerifier';
  checkNames(OWNER, options, ['verifier', 'rpId', 'rpName', 'origins', 'userVerification', 'algorithms']);
  const parts = partsOfGiven(OWNER, options.verifier);
  const { origins = [parts.origin], userVerification = 'required' } = options;
  const { rpId = new URL(parts.origin).hostname, rpName = rpId } = options;
  if (!Array.isArray(origins) || origins.length === 0 || !origins.every(isOrigin))
    throw invalidOption('origins', `${OWNER}: origins must be some such as https://acme.com.`);
  const isAbove = (host: string) => host === rpId || host.endsWith(`.${rpId}`);
  if (!isText(rpId) || !origins.every((origin) => isAbove(new URL(origin).hostname)))
    throw invalidOption('rpId', `${OWNER}: rpId must be the host of every origin, or a domain above it.`);
  checkValue(OWNER, 'rpName', rpName, isText, 'a text');
  const isKnown = (value: unknown) => value === 'required' || value === 'preferred';
  checkValue(OWNER, 'userVerification', userVerification, isKnown, 'required or preferred');
  const algorithms = options.algorithms ?? (hasMlDsa() ? [ML_DSA_65, ...CLASSICAL] : CLASSICAL);
  const isList = Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every(Number.isInteger);
  if (!isList) throw invalidOption('algorithms', `${OWNER}: algorithms must be numbers of COSE.`);
  return { parts, rpId, rpName, origins, userVerification, algorithms };
}
