import { equalBytes } from '../crypto/bytes.js';
import { COMMITMENT_BYTES } from '../crypto/key-schedule.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { EncryptionKeys } from '../identity/encryption-keys.js';
import { Chunks } from './chunks.js';
import { agreedWith, messageKeyOf, type SenderKeys } from './open.js';
import type { ParsedEnvelope } from './parse.js';
import { type Content, unframePlaintext } from './plaintext.js';

const SIGNATURE_BYTES = 64;

/** The beginning of an answer, opened, and what opens the rest of it. */
export interface OpenedAnswer {
  readonly content: Content;
  /** Opens the next chunk. Throws `DECRYPT_FAILED:DECRYPTION` for anything else. */
  chunk(sealed: Uint8Array, isFinal: boolean): Promise<Uint8Array>;
  /** Verifies the signatures behind the last chunk. Throws `VERIFICATION_FAILED:…`. */
  end(signatures: Uint8Array): Promise<void>;
}

/** Opens the first chunk of an answer whose head was verified. Throws `DECRYPT_FAILED:…`. */
export async function openAnswer(
  crypto: CryptoProvider,
  { recipient, sender }: { readonly recipient: EncryptionKeys; readonly sender: SenderKeys },
  envelope: ParsedEnvelope,
  header: Uint8Array,
  isFinal: boolean,
): Promise<OpenedAnswer> {
  const { fields, bytes, suite } = envelope;
  const secret = await agreedWith(crypto, recipient, envelope);
  const { commitment } = await messageKeyOf(crypto, envelope, secret);
  const chunks = await Chunks.of(crypto, envelope, secret, header);
  const undecipherable = () => xlinkError('DECRYPT_FAILED:DECRYPTION', { field: 'payload' });
  const open = async (sealed: Uint8Array, isLast: boolean) => {
    const plaintext = await chunks.open(sealed, isLast);
    if (!plaintext) throw undecipherable();
    return plaintext;
  };
  if (!equalBytes(bytes.payload!.subarray(0, COMMITMENT_BYTES), commitment)) throw undecipherable();
  const first = await open(bytes.payload!.subarray(COMMITMENT_BYTES), isFinal);
  return {
    content: unframePlaintext(fields.kind, fields.from, first),
    chunk: open,
    async end(signatures) {
      const { transcript, label } = chunks.end();
      const mismatch = xlinkError('VERIFICATION_FAILED:SIGNATURE_MISMATCH', { field: 'signature' });
      const ed25519 = signatures.subarray(0, SIGNATURE_BYTES);
      if (!(await sender.ed25519.verify(transcript, ed25519))) throw mismatch;
      const pq = signatures.subarray(SIGNATURE_BYTES);
      if (!suite.pqSignature) {
        if (pq.length > 0) throw mismatch;
      } else if (!(await sender.mlDsa65?.verify(transcript, pq, label)))
        throw xlinkError('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH', { field: 'pqSignature' });
    },
  };
}
