import type { Did } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { changeTag } from './changes-protocol.js';

/** DIDs that were asked for: those that the tags of a change feed can be about. */
export class KnownDids {
  readonly #capacity: number;
  #byTag: BoundedMap<string, Did>;
  /** Whether one was dropped for want of room. */
  #isPartial = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#byTag = new BoundedMap(capacity);
  }

  async add(did: Did): Promise<void> {
    const tag = await changeTag(did);
    if (this.#byTag.get(tag) !== undefined) return;
    this.#isPartial ||= this.#byTag.size === this.#capacity;
    this.#byTag.set(tag, did);
  }

  /** `none` if it was not asked for; `undefined` if that cannot be said. */
  find(tag: string): Did | 'none' | undefined {
    return this.#byTag.get(tag) ?? (this.#isPartial ? undefined : 'none');
  }

  clear(): void {
    this.#byTag = new BoundedMap(this.#capacity);
    this.#isPartial = false;
  }
}
