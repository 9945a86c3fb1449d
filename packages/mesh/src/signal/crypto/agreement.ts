import { concat } from '../../util/bytes.js';
import { hkdf } from './primitives.js';

/** What both sides of a handshake have computed. */
export interface Agreed {
  /** DH(IKa, SPKb), DH(EKa, IKb), DH(EKa, SPKb), and DH(EKa, OPKb) where there was a one-time key; 32 bytes each. */
  readonly dh: readonly Uint8Array[];
  /** Secret of the ML-KEM-768 encapsulation, 32 bytes. Absent: X3DH, as other implementations have it. */
  readonly kemSecret?: Uint8Array;
}

const FILL = new Uint8Array(32).fill(0xff);
const ZERO = new Uint8Array(32);

/**
 * The 32-byte shared secret of PQXDH (Signal, revision 3, section 3.3): HKDF-SHA256 over 32 bytes of `ff`, the Diffie-Hellman secrets
 * and the KEM secret, with a salt of zeros and a label as `info`.
 */
export const sharedSecret = ({ dh, kemSecret }: Agreed, info: string): Uint8Array =>
  hkdf(ZERO, concat(FILL, ...dh, ...(kemSecret ? [kemSecret] : [])), info, 32);
