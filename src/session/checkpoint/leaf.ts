import { lengthPrefixed } from '../../crypto/bytes.js';
import type { CryptoProvider, Sha256Stream } from '../../crypto/provider.js';
import type { Awaitable } from '../../util/awaitable.js';

const LABEL = 'xlink/1 session leaf';

/** What is signed of one request of a session. `plaintext`, `answer`: SHA-256 of what was sealed; no `answer`: it is not whole. */
export const leafOf = (
  crypto: CryptoProvider,
  digest: Uint8Array,
  plaintext: Uint8Array,
  answer?: Uint8Array,
): Awaitable<Uint8Array> =>
  crypto.sha256(lengthPrefixed([LABEL, digest, plaintext, ...(answer ? [answer] : [])]));

/** Hashes what is sealed of a request or an answer, piece by piece. */
export class PlaintextHash {
  readonly #stream: Sha256Stream;

  constructor(crypto: CryptoProvider) {
    this.#stream = crypto.sha256Stream();
  }

  /** `undefined` unless these bytes were the last. */
  more(plaintext: Uint8Array, isFinal: boolean): Uint8Array | undefined {
    this.#stream.update(plaintext);
    return isFinal ? this.#stream.digest() : undefined;
  }
}
