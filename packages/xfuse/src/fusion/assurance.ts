import type { StoredSignal } from './record.js';

/** Authentication assurance (NIST SP 800-63B-4), as mapped in the README. */
export type Aal = 'AAL1' | 'AAL2' | 'AAL3';

/** From the lowest to the highest. */
export const AALS: readonly Aal[] = ['AAL1', 'AAL2', 'AAL3'];

/** What the signals that were presented prove: something known, something held, a user whom a device verified. */
export type Factor = 'knows' | 'has' | 'verified';

/** The factors of signals. An attestation is somebody else's word: none of the person's own. */
export function factorsOf(signals: readonly Pick<StoredSignal, 'type'>[]): Factor[] {
  const factors = new Set<Factor>();
  for (const { type } of signals) {
    if (type === 'password') factors.add('knows');
    if (type === 'device' || type === 'biometric') factors.add('has');
    if (type === 'biometric') factors.add('verified');
  }
  return [...factors];
}

/** AAL2 at most: the secret is put together in software. It takes something held, and a password or a verified user. */
export const aalOf = (factors: readonly Factor[]): Aal =>
  factors.includes('has') && (factors.includes('knows') || factors.includes('verified')) ? 'AAL2' : 'AAL1';
