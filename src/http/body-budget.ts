import { xlinkError } from '../errors/service-errors.js';
import { addressBlock } from '../util/address-block.js';

/** What a request takes at least: its entry here, and Node's own objects. */
const MIN_BYTES = 1024;

/**
 * Room for the bodies of requests whose sender is not known yet. An address may hold as much as stays free: the first one half
 * of the room, the next one half of what is left, and so on. Of `n` that all go on sending, each ends up with about an
 * `n + 1`th; those that hold theirs leave little to the last. See {@link addressBlock} for what one address is.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #byAddress = new Map<string, number>();
  #held = 0;
  #lastAddress: string | undefined;
  #lastBlock = '';

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are taken now. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes room, and returns how to give it back; doing that twice changes nothing. Throws `INTAKE_FULL:ADDRESS` for an
   * address that has its share already, `INTAKE_FULL` if there is no room for one that holds nothing.
   */
  take(address: string, bytes: number): () => void {
    if (address !== this.#lastAddress) this.#lastBlock = addressBlock(address);
    this.#lastAddress = address;
    const block = this.#lastBlock;
    const size = Math.max(MIN_BYTES, bytes);
    const own = this.#byAddress.get(block) ?? 0;
    const free = this.#maxBytes - this.#held;
    if (own + size > free - size) throw xlinkError(own > 0 ? 'INTAKE_FULL:ADDRESS' : 'INTAKE_FULL');
    this.#add(block, size);
    let isTaken = true;
    return () => {
      if (isTaken) this.#add(block, -size);
      isTaken = false;
    };
  }

  #add(block: string, size: number): void {
    this.#held += size;
    const own = (this.#byAddress.get(block) ?? 0) + size;
    if (own > 0) this.#byAddress.set(block, own);
    else this.#byAddress.delete(block);
  }
}
