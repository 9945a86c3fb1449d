import { EMPTY, lengthPrefixed, type Part, passingTranscript } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { Envelope } from '../types/protocol.js';
import { type BinaryName, FIELD_NAMES, FIELDS, type FieldName } from './fields.js';
import type { ParsedEnvelope } from './parse.js';

/** All members but the payload and the signatures, which come last. */
export const HEADER = FIELD_NAMES.filter(
  (name) => name !== 'payload' && name !== 'signature' && name !== 'pqSignature',
);

/** An envelope before it is signed, or after it was parsed. A member that is bytes counts as such, whatever text it has. */
export interface UnsignedEnvelope extends Pick<ParsedEnvelope, 'suite' | 'label'> {
  readonly fields: { readonly [K in FieldName]?: Envelope[K] | undefined };
  readonly bytes: Readonly<Partial<Record<BinaryName, Uint8Array | undefined>>>;
}

/**
 * Every member but the payload and the signatures, behind the label of suite and kind, in the order of {@link FIELDS}, each
 * length-prefixed; a member that is absent is empty (no member that is present can be). These bytes are the AAD.
 */
export function headerTranscript({ label, fields, bytes }: Omit<UnsignedEnvelope, 'suite'>): Uint8Array {
  const parts: Part[] = [label];
  for (const name of HEADER) parts.push((isBinary(name) ? bytes[name] : fields[name]) ?? EMPTY);
  return passingTranscript(parts);
}

const isBinary = (name: FieldName): name is BinaryName => 'bytes' in FIELDS[name];

/**
 * The header transcript of what the envelopes of one group of shares have in common: the id of the group in place of the
 * nonce, and no keys.
 */
export function groupTranscript({ label, fields, bytes }: UnsignedEnvelope, groupId: Uint8Array): Uint8Array {
  const common = { ...bytes, nonce: groupId, ephemeralPub: undefined, kemCiphertext: undefined };
  return headerTranscript({ label, fields: { ...fields, keyEpoch: undefined }, bytes: common });
}

/**
 * What all signatures of an envelope cover: the label, SHA-256 of the header transcript and SHA-256 of the payload as
 * it travels. Its size is fixed per suite and below 160 bytes, so that a KMS can sign it.
 */
export async function signatureTranscript(
  crypto: CryptoProvider,
  envelope: UnsignedEnvelope,
  header: Uint8Array,
): Promise<Uint8Array> {
  const payload = await crypto.sha256(envelope.bytes.payload ?? EMPTY);
  return transcriptWith(crypto, envelope.label, header, payload);
}

/** The same where the payload is known by its digest alone. */
export const transcriptWith = async (
  crypto: CryptoProvider,
  label: Uint8Array,
  header: Uint8Array,
  payloadDigest: Uint8Array,
): Promise<Uint8Array> => lengthPrefixed([label, await crypto.sha256(header), payloadDigest]);
