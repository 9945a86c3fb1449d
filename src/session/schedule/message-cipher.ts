import { concat, equalBytes, passingTranscript } from '../../crypto/bytes.js';
import { COMMITMENT_BYTES } from '../../crypto/key-schedule.js';
import type { CryptoProvider, Hmac, Memory } from '../../crypto/provider.js';
import { chunkIv } from '../../envelope/chunks.js';
import { type Awaitable, later } from '../../util/awaitable.js';
import { passingMemory } from '../../util/passing-memory.js';
import { expand } from './expand.js';

/**
 * Seals or opens the chunks of one request or answer in their order (the STREAM construction), under a key that no other
 * message has. `digest`: of everything that is said about the message in the open; it decides the key, and is in each chunk.
 */
export class MessageCipher {
  readonly #crypto: CryptoProvider;
  readonly #key: Uint8Array;
  readonly #commitment: Uint8Array;
  readonly #digest: Uint8Array;
  #count = 0;

  private constructor(crypto: CryptoProvider, keys: Uint8Array, digest: Uint8Array) {
    this.#crypto = crypto;
    this.#key = keys.subarray(0, 32);
    this.#commitment = keys.subarray(32);
    this.#digest = digest;
  }

  static of(
    crypto: CryptoProvider,
    direction: Hmac,
    label: string,
    digest: Uint8Array,
  ): Awaitable<MessageCipher> {
    const keys = expand(direction, passingTranscript([label, digest]), 2);
    return later(keys, (bytes) => new MessageCipher(crypto, bytes, digest));
  }

  /** The first chunk behind the commitment to its key. */
  sealFirst(plaintext: Uint8Array, isFinal: boolean): Awaitable<Uint8Array> {
    return later(this.seal(plaintext, isFinal), (sealed) =>
      concat([this.#commitment, sealed], passingMemory),
    );
  }

  /** `undefined` for anything else than what {@link sealFirst} made. */
  openFirst(payload: Uint8Array, isFinal: boolean): Awaitable<Uint8Array | undefined> {
    if (!equalBytes(payload.subarray(0, COMMITMENT_BYTES), this.#commitment)) return undefined;
    return this.open(payload.subarray(COMMITMENT_BYTES), isFinal);
  }

  /** The next chunk. `memory`: where it may go. */
  seal(plaintext: Uint8Array, isFinal: boolean, memory?: Memory) {
    const iv = chunkIv(this.#count++, isFinal);
    return this.#crypto.aes256gcm.seal(this.#key, iv, this.#digest, plaintext, memory);
  }

  /** `undefined` for anything but the next chunk. */
  open(sealed: Uint8Array, isFinal: boolean) {
    return this.#crypto.aes256gcm.open(this.#key, chunkIv(this.#count++, isFinal), this.#digest, sealed);
  }
}
