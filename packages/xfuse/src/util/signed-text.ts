import { type CryptoProvider, type Did, decodeDidKey, type Identity } from '@private.me/xlink';
import { fromBase64url, lengthPrefixed, toBase64url, utf8 } from './bytes.js';

/** A JSON object and its signature: `base64url(JSON).base64url(Ed25519 over LP(label, JSON))`. */
export async function signText(identity: Identity, label: string, claims: object): Promise<string> {
  const payload = utf8(JSON.stringify(claims));
  const signature = await identity.ed25519.sign(lengthPrefixed(label, payload));
  return `${toBase64url(payload)}.${toBase64url(signature)}`;
}

/** The claims, not yet believed: `signer` has to be checked for being the right one. `undefined` if anything is not in form or the signature is not good. */
export async function readSignedText(
  crypto: CryptoProvider,
  label: string,
  text: unknown,
  signer: (claims: Readonly<Record<string, unknown>>) => unknown,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (typeof text !== 'string' || text.length > 8192) return undefined;
  const [payload, signature, ...more] = text.split('.').map(fromBase64url);
  if (!payload || signature?.length !== 64 || more.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined;
    const known = claims as Record<string, unknown>;
    const key = decodeDidKey(signer(known) as Did);
    const verifier = await crypto.ed25519.verifier(key);
    return (await verifier.verify(lengthPrefixed(label, payload), signature)) ? known : undefined;
  } catch {
    return undefined;
  }
}

/** Clocks may differ by so much, in ms. */
export const CLOCK_TOLERANCE_MS = 60_000;

/** Where `now` is in the time of a statement. */
export function timeOf(
  claims: Readonly<Record<string, unknown>>,
  now: number,
): 'good' | 'expired' | 'future' | 'invalid' {
  const { issuedAt, expiresAt } = claims;
  if (!Number.isSafeInteger(issuedAt) || !Number.isSafeInteger(expiresAt)) return 'invalid';
  if ((expiresAt as number) <= (issuedAt as number)) return 'invalid';
  if ((issuedAt as number) > now + CLOCK_TOLERANCE_MS) return 'future';
  return now >= (expiresAt as number) ? 'expired' : 'good';
}
