import type { DataKey } from '../../audit/data-key.js';
import { leafHashOfText } from '../../audit/hash.js';
import { leafText, nextLink, type SealedRecord, sealRecord } from '../../audit/record.js';
import type { CryptoProvider, Hmac } from '../../crypto/provider.js';
import { encodeBase64url } from '../../util/base64url.js';
import type { LoggedRecord } from './record-text.js';

/** An entry that is durable, and what its own key is derived from. */
export interface Written {
  readonly record: SealedRecord;
  readonly dataKey: DataKey;
}

/** Entries that are sealed and linked, and not yet written. */
export interface SealedBatch {
  readonly records: readonly LoggedRecord[];
  /** Hash of the leaf of each. */
  readonly leaves: readonly Uint8Array[];
  /** The last link of the chain. */
  readonly link: Uint8Array;
}

/** Seals entries that follow the one of this link. A data key is used once for a number, also if nothing comes of it. */
export async function sealBatch(
  crypto: CryptoProvider,
  { dataKey, chain }: { readonly dataKey: DataKey; readonly chain: Hmac },
  { size, link: before }: { readonly size: number; readonly link: Uint8Array },
  entries: readonly Uint8Array[],
): Promise<SealedBatch> {
  const records: LoggedRecord[] = [];
  const leaves: Uint8Array[] = [];
  let link = before;
  for (const [at, entry] of entries.entries()) {
    const record = await sealRecord(crypto, dataKey, size + at, entry);
    const leaf = leafHashOfText(crypto, leafText(record));
    link = await nextLink(chain, link, leaf);
    leaves.push(leaf);
    records.push({ ...record, mac: encodeBase64url(link) });
  }
  return { records, leaves, link };
}
