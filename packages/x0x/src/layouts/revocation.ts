import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { verifySignature, type X0xKeyPair } from '../identity/key-pair.js';
import { type BincodeReader, BincodeWriter, LayoutError } from './bincode.js';
import { type AgentCertificate, assertCertificate } from './certificate.js';

const LABEL = utf8ToBytes('x0x-revocation-v1');
const KINDS = ['agent', 'machine'] as const;

/** Reasons longer than this are refused, in bytes. */
export const MAX_REASON_BYTES = 1024;

/** What a revocation is about. */
export interface RevokedSubject {
  /** What kind of id it is. */
  readonly kind: (typeof KINDS)[number];
  /** The id. */
  readonly id: X0xId;
}

/** The statement that an agent or machine counts no longer. It cannot be taken back. */
export interface Revocation {
  /** Who counts no longer. */
  readonly subject: RevokedSubject;
  /** ML-DSA-65 of who says so, 1952 bytes. */
  readonly issuerPublicKey: Uint8Array;
  /** Seconds since 1970; informs, decides nothing. */
  readonly revokedAt: number;
  /** Why. Absent: not said. */
  readonly reason?: string | undefined;
  /** By the issuer, 3309 bytes. */
  readonly signature: Uint8Array;
}

/** What the issuer signs. A reason that is absent and an empty one are the same bytes. */
export function signedBytesOfRevocation(revocation: Omit<Revocation, 'signature'>): Uint8Array {
  const { subject, issuerPublicKey, revokedAt, reason = '' } = revocation;
  return new BincodeWriter()
    .raw(LABEL)
    .raw(Uint8Array.of(KINDS.indexOf(subject.kind) + 1))
    .raw(hexToBytes(subject.id))
    .raw(issuerPublicKey)
    .u64(revokedAt)
    .text(reason)
    .done();
}

/** Signs a revocation: with the key of the subject itself, or of the user who certified the agent. */
export function signRevocation(
  issuer: X0xKeyPair,
  subject: RevokedSubject,
  revokedAt: number,
  reason?: string,
): Revocation {
  if (reason !== undefined && utf8ToBytes(reason).length > MAX_REASON_BYTES)
    throw new X0xError('REVOCATION_INVALID', { field: 'reason' });
  const body = { subject, issuerPublicKey: issuer.publicKey, revokedAt, reason };
  return { ...body, signature: issuer.sign(signedBytesOfRevocation(body)) };
}

/**
 * Throws unless the record is signed, and by the subject itself or the user who certified it. `certificate`: what is known of the agent;
 * it may have ended since. Throws `REVOCATION_INVALID` or `REVOCATION_INVALID:AUTHORITY`.
 */
export function assertRevocation(revocation: Revocation, certificate?: AgentCertificate): void {
  const { issuerPublicKey, signature, subject, reason = '' } = revocation;
  const isSigned =
    utf8ToBytes(reason).length <= MAX_REASON_BYTES &&
    verifySignature(issuerPublicKey, signedBytesOfRevocation(revocation), signature);
  if (!isSigned) throw new X0xError('REVOCATION_INVALID');
  if (isOwn(revocation)) return;
  try {
    if (!certificate || subject.kind !== 'agent') throw new X0xError('REVOCATION_INVALID:AUTHORITY');
    const now = certificate.issuedAt; // whether it still counts does not matter: she vouched for the agent
    assertCertificate(certificate, { now, agentId: subject.id, userId: idOf(issuerPublicKey) });
  } catch (cause) {
    throw new X0xError('REVOCATION_INVALID:AUTHORITY', { cause });
  }
}

/** Whether the subject itself issued it: then it needs no certificate. */
export const isOwn = ({ issuerPublicKey, subject }: Revocation): boolean =>
  idOf(issuerPublicKey) === subject.id;

/** BLAKE3 of what is signed, hex: by which two of the same are told. */
export const hashOfRevocation = (revocation: Revocation): string =>
  bytesToHex(blake3(signedBytesOfRevocation(revocation)));

/** As a part of files and messages. */
export function writeRevocation(writer: BincodeWriter, revocation: Revocation): void {
  writer
    .u32(KINDS.indexOf(revocation.subject.kind))
    .raw(hexToBytes(revocation.subject.id))
    .bytes(revocation.issuerPublicKey)
    .u64(revocation.revokedAt)
    .option(revocation.reason, (reason) => writer.text(reason))
    .bytes(revocation.signature);
}

/** Reads what {@link writeRevocation} wrote. */
export function readRevocation(reader: BincodeReader): Revocation {
  const kind = KINDS[reader.u32()];
  if (!kind) throw new LayoutError('no kind of subject');
  return {
    subject: { kind, id: bytesToHex(reader.raw(32)) },
    issuerPublicKey: reader.bytes(),
    revokedAt: reader.u64(),
    reason: reader.option(() => reader.text()),
    signature: reader.bytes(),
  };
}
