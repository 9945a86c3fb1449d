import { lengthPrefixed, put64 } from '../crypto/bytes.js';
import { deriveChunkKey } from '../crypto/key-schedule.js';
import type { CryptoProvider, Memory, Sha256Stream } from '../crypto/provider.js';
import type { Suite } from '../crypto/suites.js';
import { passingMemory } from '../util/passing-memory.js';
import { labelOf } from './kinds.js';

/** Content of one chunk of an answer, at most: 64 KiB. The first chunk has the status and the headers in front of it. */
export const MAX_CHUNK_BYTES = 65_536;

/** The IV of a chunk, 12 bytes: its number, and whether it is the last. */
export function chunkIv(number: number, isFinal: boolean): Uint8Array {
  const iv = passingMemory(12).fill(0, 0, 4);
  iv[0] = isFinal ? 1 : 0;
  put64(iv, 4, number);
  return iv;
}

/**
 * Seals or opens the chunks of one answer in their order (the STREAM construction): each under the same key, with its number
 * and whether it is the last in the IV. So none can be left out, repeated, moved or put behind the last one.
 */
export class Chunks {
  readonly #crypto: CryptoProvider;
  readonly #endLabel: Uint8Array;
  readonly #key: Uint8Array;
  readonly #headerDigest: Uint8Array;
  readonly #all: Sha256Stream;
  #count = 0;

  private constructor(crypto: CryptoProvider, suite: Suite, key: Uint8Array, headerDigest: Uint8Array) {
    this.#crypto = crypto;
    this.#endLabel = labelOf(suite, 'answer end');
    this.#key = key;
    this.#headerDigest = headerDigest;
    this.#all = crypto.sha256Stream();
  }

  /** `secret`: what was agreed on; `label` and `header`: those of the answer. */
  static async of(
    crypto: CryptoProvider,
    { suite, label }: { readonly suite: Suite; readonly label: Uint8Array },
    secret: Uint8Array,
    header: Uint8Array,
  ): Promise<Chunks> {
    const headerDigest = await crypto.sha256(header);
    const key = await deriveChunkKey(crypto, secret, label, headerDigest);
    return new Chunks(crypto, suite, key, headerDigest);
  }

  /** Chunks so far. */
  get count(): number {
    return this.#count;
  }

  /** `memory`: where the sealed chunk may go. */
  async seal(plaintext: Uint8Array, isFinal: boolean, memory?: Memory): Promise<Uint8Array> {
    const iv = this.#nextIv(isFinal);
    const sealed = await this.#crypto.aes256gcm.seal(this.#key, iv, this.#headerDigest, plaintext, memory);
    this.#all.update(sealed);
    return sealed;
  }

  /** `undefined` for anything but the next chunk. */
  async open(sealed: Uint8Array, isFinal: boolean): Promise<Uint8Array | undefined> {
    const iv = this.#nextIv(isFinal);
    this.#all.update(sealed);
    return this.#crypto.aes256gcm.open(this.#key, iv, this.#headerDigest, sealed);
  }

  /** What is signed behind the last of several chunks, and the context of ML-DSA. Called once. */
  end(): { readonly transcript: Uint8Array; readonly label: Uint8Array } {
    const label = this.#endLabel;
    const parts = [label, this.#headerDigest, this.#count, this.#all.digest()];
    return { transcript: lengthPrefixed(parts), label };
  }

  #nextIv(isFinal: boolean): Uint8Array {
    return chunkIv(this.#count++, isFinal);
  }
}
