import type { Observer, XlinkEvent } from '../types/events.js';
import { tell } from '../util/tell.js';

/** Those who are told about events. */
export class Observers {
  #observers: readonly Observer[];

  constructor(observers: readonly Observer[] = []) {
    this.#observers = observers;
  }

  /** Returns how to stop it. */
  add(observer: Observer): () => void {
    const added: Observer = (event) => observer(event); // the same function may be added twice
    this.#observers = [...this.#observers, added];
    return () => {
      this.#observers = this.#observers.filter((one) => one !== added);
    };
  }

  /** Whether anybody is told: what nobody hears need not be put together. */
  get isHeard(): boolean {
    return this.#observers.length > 0;
  }

  /** A broken observer refuses no request. */
  emit(event: XlinkEvent): void {
    for (const observer of this.#observers) tell(observer, event);
  }
}
