import { lengthPrefixed } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { Identity } from './identity.js';

const LABEL = encodeUtf8('xlink/1 wrapping key');
const TAG_BYTES = 12;

/**
 * Names of the wrapping keys of one identity. A name says the epoch, so that a key which was left behind by a rotation that
 * failed is told from one that another instance is about to use; and whose it is, so that identities may share a place.
 */
export class WrappingKeyIds {
  readonly #crypto: CryptoProvider;
  readonly #prefix: string;

  private constructor(crypto: CryptoProvider, prefix: string) {
    this.#crypto = crypto;
    this.#prefix = prefix;
  }

  /** Of an identity, or of its DID alone. */
  static async of({ did, crypto }: Pick<Identity, 'did' | 'crypto'>): Promise<WrappingKeyIds> {
    const digest = await crypto.sha256(lengthPrefixed([LABEL, did]));
    return new WrappingKeyIds(crypto, `${encodeBase64url(digest.subarray(0, TAG_BYTES))}.`);
  }

  /** A new one. */
  make(keyEpoch: number): string {
    return `${this.#prefix}${keyEpoch}.${encodeBase64url(this.#crypto.randomBytes(16))}`;
  }

  /** The epoch that a name says; `undefined` for one that is not of this identity. */
  epochOf(id: string): number | undefined {
    if (!id.startsWith(this.#prefix)) return undefined;
    const [, digits] = /^([1-9]\d{0,14})\.[\w-]{22}$/.exec(id.slice(this.#prefix.length)) ?? [];
    return digits === undefined ? undefined : Number(digits);
  }
}
