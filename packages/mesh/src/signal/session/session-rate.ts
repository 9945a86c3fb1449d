import { MeshError } from '../../errors/mesh-error.js';

const HOUR_MS = 3_600_000;
/** Sessions that one peer may begin in an hour: each leaves something behind in the state. */
const MAX_AN_HOUR = 20;
/** Peers that are counted at the same time; beyond that the one that began longest ago is forgotten. */
const MAX_PEERS = 10_000;

/** How often peers begin sessions, by one process. */
export class SessionRate {
  readonly #begun = new Map<string, readonly number[]>();

  /** Throws `SIGNAL_TOO_MANY_SESSIONS`. */
  assertRoom(did: string, now: number): void {
    if (this.#recent(did, now).length >= MAX_AN_HOUR) throw new MeshError('SIGNAL_TOO_MANY_SESSIONS');
  }

  count(did: string, now: number): void {
    const recent = this.#recent(did, now);
    this.#begun.delete(did);
    this.#begun.set(did, [...recent, now]);
    if (this.#begun.size > MAX_PEERS) this.#begun.delete(this.#begun.keys().next().value!);
  }

  #recent(did: string, now: number): readonly number[] {
    return (this.#begun.get(did) ?? []).filter((at) => now - at < HOUR_MS);
  }
}
