import { utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import { BincodeWriter, behindMarker, readAll } from './bincode.js';
import { type AgentCertificate, readCertificate, writeCertificate } from './certificate.js';
import { type Revocation, readRevocation, writeRevocation } from './revocation.js';

const MARKER = 'X0XR';
/** Of a record with its keys and signature, at least. */
const LEAST_BYTES = 60;

/** A revocation, with the certificate that gives its issuer the right to it. */
export interface KeptRevocation {
  /** The statement. */
  readonly revocation: Revocation;
  /** Of the agent. Absent where the subject itself issued it. */
  readonly certificate?: AgentCertificate | undefined;
}

/** `revocations.bin` as x0x writes it. */
export function encodeRevocationFile(kept: readonly KeptRevocation[]): Uint8Array {
  const writer = new BincodeWriter().raw(utf8ToBytes(MARKER));
  return writer
    .list(kept, ({ revocation, certificate }) => {
      writeRevocation(writer, revocation);
      writer.option(certificate, (known) => writeCertificate(writer, known));
    })
    .done();
}

/** Reads `revocations.bin`; nothing in it is verified. An empty file holds none. Throws `REVOCATION_INVALID:FILE`. */
export function decodeRevocationFile(file: Uint8Array): KeptRevocation[] {
  if (file.length === 0) return [];
  try {
    return readAll(behindMarker(file, MARKER)!, (reader) =>
      reader.list(LEAST_BYTES, () => ({
        revocation: readRevocation(reader),
        certificate: reader.option(() => readCertificate(reader)),
      })),
    );
  } catch (cause) {
    throw new X0xError('REVOCATION_INVALID:FILE', { cause });
  }
}

/** A list of revocations as it travels on the topic `x0x.revocation.v1`. */
export function encodeRevocations(revocations: readonly Revocation[]): Uint8Array {
  const writer = new BincodeWriter();
  return writer.list(revocations, (one) => writeRevocation(writer, one)).done();
}

/** Reads a list as it travelled; nothing in it is verified. Throws `REVOCATION_INVALID`. */
export function decodeRevocations(bytes: Uint8Array): Revocation[] {
  try {
    return readAll(bytes, (reader) => reader.list(LEAST_BYTES, () => readRevocation(reader)));
  } catch (cause) {
    throw new X0xError('REVOCATION_INVALID', { cause });
  }
}
