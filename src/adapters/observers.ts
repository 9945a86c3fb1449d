import type { Observer, XlinkEvent } from '../types/events.js';

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

  emit(event: XlinkEvent): void {
    for (const observer of this.#observers) tell(observer, event);
  }
}

/** A broken observer must not refuse a request. */
export function tell(observer: Observer, event: XlinkEvent): void {
  try {
    observer(event);
  } catch {
    // there is no observer left to tell
  }
}
