import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import type { Did } from '../types/protocol.js';
import { Places } from '../util/places.js';

/** A request or socket that waits for messages. */
export interface Receiver {
  /** Aborted, with the error as reason, once its DID is not admitted any more. */
  readonly refused: AbortSignal;
  /** To be called once, when it is over. */
  readonly leave: () => void;
}

/** Who waits for messages: so many of each DID, so many in all, and none whose DID is known to be admitted no longer. */
export class Receivers {
  readonly #places: Places;
  readonly #admit: (did: Did) => Promise<void>;
  readonly #open = new Map<Did, Set<AbortController>>();

  /** `admit` rejects with `RELAY_NOT_ALLOWED` for a DID that is not admitted. */
  constructor(ofEach: number, inAll: number, admit: (did: Did) => Promise<void>) {
    this.#places = new Places(ofEach, inAll);
    this.#admit = admit;
  }

  /** Throws `RELAY_UNAVAILABLE` for one too many. */
  enter(did: Did): Receiver {
    const leavePlace = this.#places.enter(did);
    if (!leavePlace) throw xlinkError('RELAY_UNAVAILABLE');
    const refused = new AbortController();
    const ofDid = this.#open.get(did) ?? new Set();
    this.#open.set(did, ofDid.add(refused));
    const leave = () => {
      leavePlace();
      ofDid.delete(refused);
      if (ofDid.size === 0) this.#open.delete(did);
    };
    return { refused: refused.signal, leave };
  }

  /** The entry of a DID was changed; `undefined`: any entry may have been. Where it cannot be told, the next regular check does. */
  async changed(did: Did | undefined): Promise<void> {
    for (const one of did === undefined ? [...this.#open.keys()] : [did]) {
      if (!this.#open.has(one)) continue;
      try {
        await this.#admit(one);
      } catch (error) {
        if (!isXlinkError(error) || error.id !== 'RELAY_NOT_ALLOWED') continue;
        for (const receiver of [...(this.#open.get(one) ?? [])]) receiver.abort(error);
      }
    }
  }
}
