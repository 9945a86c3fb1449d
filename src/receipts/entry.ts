import type { AuditEntry } from '../types/audit.js';
import type { Receipt } from './receipt.js';

/** What a receipt is about. */
type About = Pick<Receipt, 'signer' | 'recipient' | 'inReplyTo' | 'messageHash'>;

/** The entry of a receipt in the audit log of its signer. What became of the message is not in it: the same entry is good for all its receipts. */
export const entryOfReceipt = ({ signer, recipient, inReplyTo, messageHash }: About): AuditEntry => ({
  type: 'receipt',
  from: signer,
  to: recipient,
  envelopeId: inReplyTo,
  data: { messageHash },
});
