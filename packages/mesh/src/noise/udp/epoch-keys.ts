import { MeshError } from '../../errors/mesh-error.js';
import type { CipherState } from '../cipher.js';
import { MAX_UNDER_ONE_KEY } from '../limits.js';

const NO_DATA = new Uint8Array();
/** Keys that are made ahead of the newest one, so that a forged number costs little: two hours of silence at one key in 120 s. */
const MAX_AHEAD = 64;

/** The epoch of a number: 2^20 numbers belong to each. */
export const epochOf = (n: number): number => Math.floor(n / MAX_UNDER_ONE_KEY);

/** Keys for what is sent: the number says under which key. */
export class SendingKeys {
  #cipher: CipherState;
  #n = 0;
  #used = 0;

  constructor(cipher: CipherState) {
    this.#cipher = cipher;
  }

  /** Messages under the key of now. */
  get used(): number {
    return this.#used;
  }

  /** Number and ciphertext of the next message. Throws `NOISE_LIMIT:MESSAGES`. */
  encrypt(plaintext: Uint8Array): { readonly n: number; readonly ciphertext: Uint8Array } {
    if (this.#n >= Number.MAX_SAFE_INTEGER) throw new MeshError('NOISE_LIMIT:MESSAGES');
    const n = this.#n++;
    const ciphertext = this.#cipher.encryptAt(n, NO_DATA, plaintext);
    this.#used++;
    if (epochOf(this.#n) > epochOf(n)) this.#turn();
    return { n, ciphertext };
  }

  /** Goes on with the first number of the next epoch. */
  skip(): void {
    this.#n = (epochOf(this.#n) + 1) * MAX_UNDER_ONE_KEY;
    this.#turn();
  }

  #turn(): void {
    this.#cipher = this.#cipher.next();
    this.#used = 0;
  }
}

/** Keys for what comes: that of the newest epoch, the one before, and those ahead that were needed. */
export class ReceivingKeys {
  readonly #keys = new Map<number, CipherState>();
  #newest = 0;

  constructor(cipher: CipherState) {
    this.#keys.set(0, cipher);
  }

  /** Throws `NOISE_DECRYPT_FAILED`, also for numbers that are too far ahead. */
  decrypt(n: number, ciphertext: Uint8Array): Uint8Array {
    const epoch = epochOf(n);
    const plaintext = this.#keyOf(epoch).decryptAt(n, NO_DATA, ciphertext);
    if (epoch > this.#newest) {
      this.#newest = epoch;
      for (const old of this.#keys.keys()) if (old < epoch - 1) this.#keys.delete(old);
    }
    return plaintext;
  }

  #keyOf(epoch: number): CipherState {
    const known = this.#keys.get(epoch);
    if (known) return known;
    if (epoch < this.#newest || epoch > this.#newest + MAX_AHEAD) throw new MeshError('NOISE_DECRYPT_FAILED');
    let at = Math.max(...this.#keys.keys());
    let key = this.#keys.get(at)!;
    while (at < epoch) {
      key = key.next();
      this.#keys.set(++at, key);
    }
    return key;
  }
}
