import type { CryptoProvider } from '../crypto/provider.js';

/** The hashes of pieces, each taken once, however many shares hold it. */
export class PieceHashes {
  readonly #crypto: CryptoProvider;
  readonly #known = new Map<Uint8Array, Promise<Uint8Array>>();

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  of(pieces: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return Promise.all(pieces.map((piece) => this.#hash(piece)));
  }

  #hash(piece: Uint8Array): Promise<Uint8Array> {
    const known = this.#known.get(piece);
    if (known) return known;
    const hash = Promise.resolve(this.#crypto.sha256(piece));
    this.#known.set(piece, hash);
    return hash;
  }
}
