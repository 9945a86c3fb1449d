import type { DataKey } from '../../audit/data-key.js';
import { leafHashOfText } from '../../audit/hash.js';
import { leafText, nextLink, type SealedRecord, sealRecord } from '../../audit/record.js';
import type { CryptoProvider, Hmac } from '../../crypto/provider.js';
import { isPromiseLike } from '../../util/awaitable.js';
import { encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';
import type { FoundRecord } from './record-text.js';

/** An entry that is durable, and what its own key is derived from. */
export interface Written {
  readonly record: SealedRecord;
  readonly dataKey: DataKey;
}

/** Of what was written, the number of the entry. */
export const seqOf = ({ record }: Written): number => record.seq;

/** All of it. */
export const itself = (written: Written): Written => written;

/** Entries that are sealed and linked, and not yet written. */
export interface SealedBatch {
  readonly records: readonly FoundRecord[];
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
  entries: readonly string[],
): Promise<SealedBatch> {
  const records: FoundRecord[] = [];
  const leaves: Uint8Array[] = [];
  let link = before;
  for (const entry of entries) {
    // awaited where there is something to wait for: these are most of the promises of a log
    const sealing = sealRecord(crypto, dataKey, size + records.length, encodeUtf8(entry));
    const { seq, key, commitment, sealed } = isPromiseLike(sealing) ? await sealing : sealing;
    const leaf = leafText({ seq, key, commitment, sealed });
    const hash = leafHashOfText(crypto, leaf);
    const linking = nextLink(chain, link, hash);
    link = isPromiseLike(linking) ? await linking : linking;
    leaves.push(hash);
    records.push({ seq, key, commitment, sealed, mac: encodeBase64url(link), leaf });
  }
  return { records, leaves, link };
}
