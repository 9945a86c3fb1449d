import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeDidKey } from '../identity/did.js';
import type { Identity } from '../identity/identity.js';
import type { Did } from '../types/protocol.js';
import { encodeUtf8 } from '../util/utf8.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { HASH_BYTES } from './hash.js';
import {
  formatNote,
  isKeyName,
  keyIdOf,
  type Note,
  parseNote,
  SIGNATURE_TYPES,
  signaturesBy,
} from './note.js';
import type { TreeHead } from './verify-proof.js';

/** What a log says about itself (C2SP tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  /** Which log: `<DID of the service>/<name of the log>`. */
  readonly origin: string;
}

/** The text that is signed. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${encodeBase64(root)}\n`;

/** Signs a checkpoint as a note whose key has the name of the log. */
export async function signCheckpoint(identity: Identity, checkpoint: Checkpoint): Promise<string> {
  const { crypto, ed25519, publicKey } = identity;
  const { origin } = checkpoint;
  const text = checkpointText(checkpoint);
  const id = keyIdOf(crypto, origin, SIGNATURE_TYPES.ed25519, publicKey);
  const bytes = await ed25519.sign(encodeUtf8(text));
  return formatNote({ text, signatures: [{ name: origin, id, bytes }] });
}

/** A note and what its text says. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note;
}

const SIZE = /^(0|[1-9]\d{0,15})$/;

/** What a note says about a log, unverified. Throws `AUDIT_INVALID` for anything but a checkpoint. */
export function readCheckpoint(source: string): SignedCheckpoint {
  const note = parseNote(source);
  const [origin, size, root, ...rest] = note?.text.slice(0, -1).split('\n') ?? [];
  const bytes = decodeBase64(root ?? '');
  const isWhole = note && origin && isKeyName(origin) && SIZE.test(size ?? '') && rest.length === 0;
  if (!isWhole || bytes?.length !== HASH_BYTES || !Number.isSafeInteger(Number(size)))
    throw xlinkError('AUDIT_INVALID:CHECKPOINT', { field: 'checkpoint' });
  return { origin, size: Number(size), root: bytes, note };
}

/**
 * What a checkpoint says, if the service of this DID signed it. Throws `AUDIT_INVALID:CHECKPOINT` for anything else, and
 * `INVALID_DID`.
 */
export async function verifyCheckpoint(
  crypto: CryptoProvider,
  source: string,
  service: Did,
): Promise<SignedCheckpoint> {
  const checkpoint = readCheckpoint(source);
  const { origin, note } = checkpoint;
  const publicKey = decodeDidKey(service);
  const id = keyIdOf(crypto, origin, SIGNATURE_TYPES.ed25519, publicKey);
  const signatures = signaturesBy(note, origin, id);
  const verifier = await crypto.ed25519.verifier(publicKey);
  const text = encodeUtf8(note.text);
  const verdicts = signatures.map(({ bytes }) => bytes.length === 64 && verifier.verify(text, bytes));
  const isSigned = verdicts.length === 1 && (await Promise.all(verdicts)).every(Boolean);
  if (!origin.startsWith(`${service}/`) || !isSigned)
    throw xlinkError('AUDIT_INVALID:CHECKPOINT', { field: 'checkpoint' });
  return checkpoint;
}
