import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { verifySignature, type X0xKeyPair } from '../identity/key-pair.js';
import { type BincodeReader, BincodeWriter, behindMarker, readAll } from './bincode.js';

/** What is signed of a certificate without and with an end. */
const LABEL = { endless: utf8ToBytes('x0x-agent-cert-v1'), ending: utf8ToBytes('x0x-agent-cert-v2') };
/** In front of files that hold a certificate with an end. */
const MARKER = 'X0C2';

/** How far clocks may be apart where a certificate ends or begins, in seconds. */
export const CERTIFICATE_SKEW_S = 300;

/** The statement of a user that an agent is hers. Times are seconds since 1970. */
export interface AgentCertificate {
  /** ML-DSA-65, 1952 bytes. */
  readonly userPublicKey: Uint8Array;
  /** ML-DSA-65, 1952 bytes. */
  readonly agentPublicKey: Uint8Array;
  /** By the user, 3309 bytes. */
  readonly signature: Uint8Array;
  /** When it was made. */
  readonly issuedAt: number;
  /** When it is over. Absent: never. */
  readonly notAfter?: number | undefined;
}

/** What a certificate is asked about. */
export interface CertificateTerms {
  /** The time, in seconds since 1970. */
  readonly now: number;
  /** The agent that it must be about. Default: any. */
  readonly agentId?: X0xId;
  /** The user that it must be from. Default: any. */
  readonly userId?: X0xId;
}

function messageOf({
  userPublicKey,
  agentPublicKey,
  issuedAt,
  notAfter,
}: Omit<AgentCertificate, 'signature'>) {
  const label = notAfter === undefined ? LABEL.endless : LABEL.ending;
  const writer = new BincodeWriter().raw(concatBytes(label, userPublicKey, agentPublicKey)).u64(issuedAt);
  if (notAfter !== undefined) writer.u64(notAfter);
  return writer.done();
}

/** Certifies an agent. `issuedAt` and `notAfter` in seconds since 1970; without `notAfter` it does not end. */
export function issueCertificate(
  user: X0xKeyPair,
  agentPublicKey: Uint8Array,
  issuedAt: number,
  notAfter?: number,
): AgentCertificate {
  const body = { userPublicKey: user.publicKey, agentPublicKey, issuedAt, notAfter };
  return { ...body, signature: user.sign(messageOf(body)) };
}

/** Throws `CERTIFICATE_INVALID` or one of its sub-codes. */
export function assertCertificate(
  certificate: AgentCertificate,
  { now, agentId, userId }: CertificateTerms,
): void {
  const { userPublicKey, agentPublicKey, signature, issuedAt, notAfter } = certificate;
  if (userPublicKey.length !== 1952 || agentPublicKey.length !== 1952)
    throw new X0xError('CERTIFICATE_INVALID');
  if (!verifySignature(userPublicKey, messageOf(certificate), signature))
    throw new X0xError('CERTIFICATE_INVALID');
  const isOther =
    (agentId !== undefined && idOf(agentPublicKey) !== agentId) ||
    (userId !== undefined && idOf(userPublicKey) !== userId);
  if (isOther) throw new X0xError('CERTIFICATE_INVALID:OTHER_AGENT');
  if (issuedAt > now + CERTIFICATE_SKEW_S) throw new X0xError('CERTIFICATE_INVALID:FUTURE');
  if (isOver(certificate, now)) throw new X0xError('CERTIFICATE_INVALID:EXPIRED');
  if (notAfter !== undefined && notAfter < issuedAt) throw new X0xError('CERTIFICATE_INVALID');
}

/** Whether it has ended, with the tolerance of x0x. */
export const isOver = ({ notAfter }: Pick<AgentCertificate, 'notAfter'>, now: number): boolean =>
  notAfter !== undefined && now > notAfter + CERTIFICATE_SKEW_S;

/** `agent.cert` as x0x writes it. */
export function encodeCertificateFile(certificate: AgentCertificate): Uint8Array {
  const writer = new BincodeWriter();
  if (certificate.notAfter === undefined) return writeBody(writer, certificate).done();
  writer.raw(utf8ToBytes(MARKER));
  writeCertificate(writer, certificate);
  return writer.done();
}

/** Reads `agent.cert` of either generation; who signed it is not asked. Throws `CERTIFICATE_INVALID`. */
export function decodeCertificateFile(file: Uint8Array): AgentCertificate {
  try {
    const second = behindMarker(file, MARKER);
    return second ? readAll(second, readCertificate) : readAll(file, readBody);
  } catch (cause) {
    throw new X0xError('CERTIFICATE_INVALID', { cause });
  }
}

/** As a part of announcements and revocations: always with the place for its end. */
export function writeCertificate(writer: BincodeWriter, certificate: AgentCertificate): void {
  writeBody(writer, certificate).option(certificate.notAfter, (time) => writer.u64(time));
}

/** Reads what {@link writeCertificate} wrote. */
export function readCertificate(reader: BincodeReader): AgentCertificate {
  return { ...readBody(reader), notAfter: reader.option(() => reader.u64()) };
}

const writeBody = (writer: BincodeWriter, certificate: AgentCertificate): BincodeWriter =>
  writer
    .bytes(certificate.userPublicKey)
    .bytes(certificate.agentPublicKey)
    .bytes(certificate.signature)
    .u64(certificate.issuedAt);

const readBody = (reader: BincodeReader): AgentCertificate => ({
  userPublicKey: reader.bytes(),
  agentPublicKey: reader.bytes(),
  signature: reader.bytes(),
  issuedAt: reader.u64(),
});
