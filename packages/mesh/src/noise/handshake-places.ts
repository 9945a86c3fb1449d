import { addressBlock } from '@private.me/xlink/server';
import { MeshError } from '../errors/mesh-error.js';

/** How many handshakes a listener has under way at once. */
export interface PlaceLimits {
  readonly maxHandshakes: number;
  /** Of one address, or of one /64 network of IPv6. */
  readonly maxHandshakesPerAddress: number;
}

/** The places of a listener for handshakes, whatever they come over: one address cannot take those of all. */
export class HandshakePlaces {
  readonly #limits: PlaceLimits;
  readonly #perBlock = new Map<string, number>();
  #taken = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes one, until the returned function is called. Throws `NOISE_HANDSHAKE_FAILED:BUSY` with the option that is in the way. */
  take(address: string): () => void {
    const block = addressBlock(address);
    const ofBlock = this.#perBlock.get(block) ?? 0;
    if (ofBlock >= this.#limits.maxHandshakesPerAddress) throw busy('maxHandshakesPerAddress');
    if (this.#taken >= this.#limits.maxHandshakes) throw busy('maxHandshakes');
    this.#taken++;
    this.#perBlock.set(block, ofBlock + 1);
    return () => {
      this.#taken--;
      const left = this.#perBlock.get(block)! - 1;
      if (left > 0) this.#perBlock.set(block, left);
      else this.#perBlock.delete(block);
    };
  }
}

const busy = (field: keyof PlaceLimits): MeshError => new MeshError('NOISE_HANDSHAKE_FAILED:BUSY', { field });
