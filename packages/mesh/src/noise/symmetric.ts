import { utf8 } from '../util/bytes.js';
import { CipherState } from './cipher.js';
import { hashOf, hkdf, type Suite } from './suite.js';

/** Chaining key, handshake hash, and the key of the moment (Noise 5.2). */
export class SymmetricState {
  readonly #suite: Suite;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState | undefined;

  /** Begins with the name of the protocol. */
  constructor(suite: Suite) {
    this.#suite = suite;
    const name = utf8(suite.name);
    const { length } = suite.hash;
    this.#hash = new Uint8Array(length);
    if (name.length <= length) this.#hash.set(name);
    else this.#hash = hashOf(suite.hash, name);
    this.#chainingKey = this.#hash;
  }

  /** The handshake hash so far. */
  get hash(): Uint8Array {
    return this.#hash;
  }

  /** Whether what is written now is encrypted. */
  get hasKey(): boolean {
    return this.#cipher !== undefined;
  }

  /** Hashes what both sides see. */
  mixHash(data: Uint8Array): void {
    this.#hash = hashOf(this.#suite.hash, this.#hash, data);
  }

  /** Mixes what both sides agreed on into the key. */
  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#suite.hash, this.#chainingKey, input, 2);
    this.#begin(chainingKey!, key!);
  }

  /** Mixes a key that both sides had before. */
  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, hashed, key] = hkdf(this.#suite.hash, this.#chainingKey, input, 3);
    this.mixHash(hashed!);
    this.#begin(chainingKey!, key!);
  }

  /** Encrypts if there is a key, and hashes what goes out. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const out = this.#cipher ? this.#cipher.encrypt(this.#hash, plaintext) : plaintext;
    this.mixHash(out);
    return out;
  }

  /** Decrypts if there is a key, and hashes what came in. Throws `NOISE_DECRYPT_FAILED`. */
  decryptAndHash(data: Uint8Array): Uint8Array {
    const plaintext = this.#cipher ? this.#cipher.decrypt(this.#hash, data) : data;
    this.mixHash(data);
    return plaintext;
  }

  /** The keys of both directions: that of the initiator comes first. */
  split(): [CipherState, CipherState] {
    const [first, second] = hkdf(this.#suite.hash, this.#chainingKey, new Uint8Array(), 2);
    const stateOf = (key: Uint8Array) => new CipherState(this.#suite.cipher, key.subarray(0, 32));
    return [stateOf(first!), stateOf(second!)];
  }

  #begin(chainingKey: Uint8Array, key: Uint8Array): void {
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(this.#suite.cipher, key.subarray(0, 32));
  }
}
