import { concat, equalBytes, lengthPrefixed, put64 } from '../crypto/bytes.js';
import type { CryptoProvider, Hmac } from '../crypto/provider.js';
import { xlinkError } from '../errors/service-errors.js';
import { type Awaitable, later } from '../util/awaitable.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';

/** An entry as the log keeps it: sealed. Everybody may see it. */
export interface SealedRecord {
  /** Its place in the log, from 0. */
  readonly seq: number;
  /** Name of the data key that its own key is derived from. */
  readonly key: string;
  /** SHA-256 of its own key, 32 bytes: it opens in one way only. */
  readonly commitment: string;
  /** AES-256-GCM ciphertext and tag. The IV is zero: no key is used twice. */
  readonly sealed: string;
}

const KEY_LABEL = encodeUtf8('xlink/1 audit entry key');
const COMMITMENT_LABEL = encodeUtf8('xlink/1 audit commitment');
const SEAL_LABEL = encodeUtf8('xlink/1 audit entry');
const CHAIN_LABEL = encodeUtf8('xlink/1 audit chain');
const IV = new Uint8Array(12);

/** What the key of entry 0 is the tag of; the number stands at the end. */
const FIRST_KEY = lengthPrefixed([KEY_LABEL, 0]);

/** The key of one entry, 32 bytes: who has it can open that entry, and no other. */
export function entryKeyOf(dataKey: Hmac, seq: number): Awaitable<Uint8Array> {
  const name = FIRST_KEY.slice();
  put64(name, name.length - 8, seq);
  return dataKey.tag(name);
}

/** Seals the bytes of an entry under the data key of this name. A data key is used once for a number, also if nothing came of it. */
export function sealRecord(
  crypto: CryptoProvider,
  dataKey: { readonly id: string; readonly hmac: Hmac },
  seq: number,
  entry: Uint8Array,
): Awaitable<SealedRecord> {
  return later(entryKeyOf(dataKey.hmac, seq), (key) =>
    later(commitmentOf(crypto, key), (commitment) =>
      later(crypto.aes256gcm.seal(key, IV, SEAL_LABEL, entry), (sealed) => ({
        seq,
        key: dataKey.id,
        commitment: encodeBase64url(commitment),
        sealed: encodeBase64url(sealed),
      })),
    ),
  );
}

/** The bytes of an entry, opened with its own key. Throws `AUDIT_INVALID:KEY` for another key or a changed record. */
export async function openRecord(
  crypto: CryptoProvider,
  { commitment, sealed }: SealedRecord,
  key: Uint8Array,
): Promise<Uint8Array> {
  const bytes = decodeBase64url(sealed);
  const expected = decodeBase64url(commitment);
  const isKey = expected !== undefined && equalBytes(await commitmentOf(crypto, key), expected);
  const entry = isKey && bytes ? await crypto.aes256gcm.open(key, IV, SEAL_LABEL, bytes) : undefined;
  if (!entry) throw xlinkError('AUDIT_INVALID:KEY', { field: 'key' });
  return entry;
}

const commitmentOf = (crypto: CryptoProvider, key: Uint8Array): Awaitable<Uint8Array> =>
  crypto.sha256(concat([COMMITMENT_LABEL, key]));

/** The text whose UTF-8 bytes are the leaf of a record. */
export const leafText = ({ seq, key, commitment, sealed }: SealedRecord): string =>
  `{"seq":${seq},"key":"${key}","commitment":"${commitment}","sealed":"${sealed}"}`;

/** The key of the HMAC chain, derived from the 32-byte seed of the service. */
export const chainKeyOf = async (crypto: CryptoProvider, seed: Uint8Array, origin: string): Promise<Hmac> =>
  crypto.hmac(await crypto.hkdf(seed, lengthPrefixed([CHAIN_LABEL, origin]), 32));

/** `h = HMAC(key, h of the record before || hash of the leaf)`, 32 bytes; before the first there is none. */
export const nextLink = (chain: Hmac, previous: Uint8Array, leaf: Uint8Array): Awaitable<Uint8Array> =>
  chain.tag(concat([previous, leaf]));
