import type { Did } from '@private.me/xlink';

/** A session that was opened. */
export interface OpenSession {
  /** The stable DID. */
  readonly fused: Did;
  /** The DID of the session. */
  readonly session: Did;
  /** Ms since 1970. */
  readonly expiresAt: number;
}

/** Which sessions are open. Share one between those who open sessions and those who check them: then one that was ended is over at once. */
export interface SessionLedger {
  /** Notes a session. */
  open(session: OpenSession): void | Promise<void>;
  /** Whether it was noted and not ended. What it throws counts as no. */
  isOpen(session: Did, fused: Did): boolean | Promise<boolean>;
  /** Ends one. */
  end(session: Did): void | Promise<void>;
  /** Ends all of a fused DID, and returns those that it ended. */
  endAll(fused: Did): readonly Did[] | Promise<readonly Did[]>;
}

/** Most sessions that are kept; the oldest make room. */
const MAX_SESSIONS = 100_000;

/** Keeps open sessions in memory. */
export class MemorySessionLedger implements SessionLedger {
  readonly #sessions = new Map<Did, OpenSession>();
  readonly #clock: () => number;

  /** `clock`: ms since 1970, default `Date.now`. */
  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /** Notes a session. */
  open(session: OpenSession): void {
    this.#sessions.delete(session.session);
    this.#sessions.set(session.session, session);
    if (this.#sessions.size <= MAX_SESSIONS) return;
    const now = this.#clock();
    for (const [did, { expiresAt }] of this.#sessions) if (expiresAt <= now) this.#sessions.delete(did);
    for (const did of this.#sessions.keys())
      if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(did);
      else break;
  }

  /** Whether it was noted, did not expire, and was not ended. */
  isOpen(session: Did, fused: Did): boolean {
    const known = this.#sessions.get(session);
    return known?.fused === fused && known.expiresAt > this.#clock();
  }

  /** Ends one. */
  end(session: Did): void {
    this.#sessions.delete(session);
  }

  /** Ends all of a fused DID. */
  endAll(fused: Did): Did[] {
    const ended = [...this.#sessions.values()]
      .filter((one) => one.fused === fused)
      .map(({ session }) => session);
    for (const session of ended) this.#sessions.delete(session);
    return ended;
  }
}
