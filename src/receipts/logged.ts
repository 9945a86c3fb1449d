import { verifyCheckpoint } from '../audit/checkpoint.js';
import { readItem } from '../audit/read-item.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/service-errors.js';
import { isMembers } from '../util/members.js';
import type { Receipt } from './receipt.js';

/**
 * That the entry of a receipt is in the log that its signer signed. Throws `RECEIPT_INVALID:CHECKPOINT` unless the checkpoint is by the signer,
 * `RECEIPT_INVALID:PROOF` unless the proof leads to it, `RECEIPT_INVALID:OTHER_ENTRY` for the entry of something else.
 */
export async function assertLogged(crypto: CryptoProvider, receipt: Receipt): Promise<void> {
  const { signer, recipient, inReplyTo, messageHash, logIndex, proof, checkpoint = '' } = receipt;
  const head = await verifyCheckpoint(crypto, checkpoint, signer).catch(invalid('CHECKPOINT', 'checkpoint'));
  const { record, entry } = await readItem(crypto, proof, head).catch(invalid('PROOF', 'proof'));
  if (record.seq !== logIndex) throw xlinkError('RECEIPT_INVALID:PROOF', { field: 'logIndex' });
  const isOfThis =
    entry?.type === 'receipt' &&
    entry.from === signer &&
    entry.to === recipient &&
    entry.envelopeId === inReplyTo &&
    isMembers(entry.data) &&
    entry.data.messageHash === messageHash;
  if (!isOfThis) throw xlinkError('RECEIPT_INVALID:OTHER_ENTRY', { field: 'proof' });
}

const invalid =
  (detail: 'CHECKPOINT' | 'PROOF', field: string) =>
  (cause: unknown): never => {
    throw xlinkError(`RECEIPT_INVALID:${detail}`, { field, cause });
  };
