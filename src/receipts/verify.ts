import type { CryptoProvider, Verifier } from '../crypto/provider.js';
import { verifySignatures } from '../envelope/open.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeDidKey } from '../identity/did.js';
import type { Did, Envelope } from '../types/protocol.js';
import { messageHash, type Receipt, readReceipt } from './receipt.js';

/** What a receipt is checked with. */
export interface ReceiptChecks {
  /** The message that it has to be of. Default: of any. */
  readonly of?: Envelope | undefined;
  /** The ML-DSA-65 key of a signer, for receipts of version 3. */
  readonly mlDsa65: (signer: Did) => Promise<Verifier | undefined>;
}

/** Members that a receipt has beside its envelope, which must say the same. */
const BESIDE = [
  'signer',
  'recipient',
  'messageHash',
  'inReplyTo',
  'timestamp',
  'status',
  'logIndex',
  'proof',
  'checkpoint',
] as const;

/**
 * Verifies a receipt by its own signatures, without asking whether its signer still counts: what was signed stays signed. Throws
 * `RECEIPT_INVALID…`, `PARSE_FAILED…` or `VERIFICATION_FAILED:…`.
 */
export async function verifyReceipt(
  crypto: CryptoProvider,
  claimed: Receipt,
  { of, mlDsa65 }: ReceiptChecks,
): Promise<Receipt> {
  const { receipt, parsed } = readReceipt(claimed?.envelope);
  const { signer } = receipt;
  const ed25519 = await crypto.ed25519.verifier(decodeDidKey(signer));
  const pq = parsed.suite.pqSignature ? await mlDsa65(signer) : undefined;
  await verifySignatures(crypto, { ed25519, mlDsa65: pq }, parsed);
  for (const name of BESIDE)
    if (claimed[name] !== receipt[name]) throw xlinkError('RECEIPT_INVALID:ALTERED', { field: name });
  if (receipt.proof !== undefined) await (await import('./logged.js')).assertLogged(crypto, receipt);
  if (!of) return receipt;
  if (signer !== of.to) throw xlinkError('RECEIPT_INVALID:OTHER_SIGNER', { field: 'signer' });
  if (receipt.recipient !== of.from)
    throw xlinkError('RECEIPT_INVALID:OTHER_MESSAGE', { field: 'recipient' });
  if (receipt.inReplyTo !== of.nonce)
    throw xlinkError('RECEIPT_INVALID:OTHER_MESSAGE', { field: 'inReplyTo' });
  if (receipt.messageHash !== (await messageHash(crypto, of)))
    throw xlinkError('RECEIPT_INVALID:OTHER_MESSAGE', { field: 'messageHash' });
  return receipt;
}
