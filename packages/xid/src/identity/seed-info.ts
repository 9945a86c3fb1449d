import { lengthPrefixed } from '../util/bytes.js';

/** Which identity is derived. */
export interface DerivationPlace {
  /** From `normalizeVerifier`. */
  readonly verifier: string;
  readonly epoch: number;
  /** Absent: the same on all devices that hold the master seed. */
  readonly device?: string | undefined;
}

/** The `info` of HKDF-SHA256 (RFC 5869, no salt) whose 32 bytes are the seed of an identity. An absent device is an empty part. */
export const seedInfo = ({ verifier, epoch, device }: DerivationPlace): Uint8Array<ArrayBuffer> =>
  lengthPrefixed(['xlink/1 xid', verifier, epoch, device ?? '']);
