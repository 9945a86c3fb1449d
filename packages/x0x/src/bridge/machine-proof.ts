import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Did } from '@private.me/xlink';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { verifySignature, type X0xKeyPair } from '../identity/key-pair.js';
import { decodeBytes, encodeBytes, lengthPrefixed } from './signed-text.js';

const LABEL = 'xlink/1 x0x machine';
const CONTEXT = utf8ToBytes(LABEL);

/** How long a proof is good, in seconds: ten minutes. */
const LIFETIME_S = 600;
const SKEW_S = 30;
const KEY_BYTES = 1952;

/** The header in which a request says from which machine it comes. */
export const MACHINE_HEADER = 'x0x-machine';

/** Whom a proof is about. */
export interface MachineClaim {
  /** Who works on the machine. */
  readonly from: Did;
  /** The service or peer that is shown the proof. It is good for nobody else. */
  readonly to: Did;
}

const bytesOf = ({ from, to }: MachineClaim, issuedAt: number): Uint8Array =>
  lengthPrefixed([LABEL, from, to, issuedAt]);

/**
 * Says, with the key of the machine, that a DID works on it: for the header {@link MACHINE_HEADER} of requests to `to`, 7 KB. Good for ten
 * minutes from `issuedAt`, in seconds since 1970, and within them as often as it is shown.
 */
export function proveMachine(machine: X0xKeyPair, claim: MachineClaim, issuedAt: number): string {
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(issuedAt), false);
  const signature = machine.sign(bytesOf(claim, issuedAt), CONTEXT);
  return encodeBytes(concatBytes(time, machine.publicKey, signature));
}

/** The machine of a proof for this claim. Throws `MACHINE_PROOF_INVALID`. `now` in seconds since 1970. */
export function provenMachine(proof: unknown, claim: MachineClaim, now: number): X0xId {
  const bytes = decodeBytes(proof, 8 + KEY_BYTES + 3309);
  if (!bytes) throw new X0xError('MACHINE_PROOF_INVALID');
  const issuedAt = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, false));
  const isInTime = issuedAt <= now + SKEW_S && issuedAt >= now - LIFETIME_S;
  const publicKey = bytes.subarray(8, 8 + KEY_BYTES);
  const isGood =
    isInTime && verifySignature(publicKey, bytesOf(claim, issuedAt), bytes.subarray(8 + KEY_BYTES), CONTEXT);
  if (!isGood) throw new X0xError('MACHINE_PROOF_INVALID');
  return idOf(publicKey);
}
