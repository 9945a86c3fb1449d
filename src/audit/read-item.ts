import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeBase64url } from '../util/base64url.js';
import { decodeEntry } from './entry.js';
import { type ExportItem, readToken } from './export.js';
import { leafHashOfText } from './hash.js';
import { leafText, openRecord } from './record.js';
import { type TreeHead, verifyInclusion } from './verify-proof.js';

/**
 * The entry in a token, once its place in the tree is proven and its own key has opened it. `after`: its number has to be higher. Throws
 * `AUDIT_INVALID…`.
 */
export async function readItem(
  crypto: CryptoProvider,
  token: unknown,
  { size, root }: TreeHead,
  after = -1,
): Promise<ExportItem> {
  const item = readToken(token);
  const hashes = item?.proof.map(decodeBase64url);
  const isNext = item !== undefined && item.record.seq > after;
  if (!isNext || !hashes || hashes.some((hash) => hash?.length !== 32))
    throw xlinkError('AUDIT_INVALID', { field: 'proof' });
  const { record, secret } = item;
  const leaf = leafHashOfText(crypto, leafText(record));
  if (!verifyInclusion(crypto, leaf, record.seq, size, hashes as Uint8Array[], root))
    throw xlinkError('AUDIT_INVALID', {
      field: 'proof',
      hint: `Entry ${record.seq} is not in the log of this checkpoint.`,
    });
  if (secret === undefined) return item;
  const key = decodeBase64url(secret);
  if (!key) throw xlinkError('AUDIT_INVALID:KEY', { field: 'proof' });
  return { ...item, entry: decodeEntry(record.seq, await openRecord(crypto, record, key)) };
}
