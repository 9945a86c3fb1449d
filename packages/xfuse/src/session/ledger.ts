import type { Did } from '@private.me/xlink';
import { XfuseError } from '../errors.js';

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
  /** Notes a session. Throws `SESSION_ENDED` for one that was ended before: it stays so, also where its nonce comes again. */
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
  /** Those that were ended, until nothing that was certified of them is good any more. */
  readonly #ended = new Map<Did, number>();
  readonly #clock: () => number;

  /** `clock`: ms since 1970, default `Date.now`. */
  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /** Notes a session. Throws `SESSION_ENDED` for one that was ended. */
  open(session: OpenSession): void {
    if ((this.#ended.get(session.session) ?? 0) > this.#clock()) throw new XfuseError('SESSION_ENDED');
    const before = this.#sessions.get(session.session);
    const expiresAt = Math.max(session.expiresAt, before?.expiresAt ?? 0);
    this.#sessions.delete(session.session);
    this.#sessions.set(session.session, { ...session, expiresAt });
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
    const now = this.#clock();
    if (this.#ended.size >= MAX_SESSIONS)
      for (const [did, until] of this.#ended)
        if (until <= now || this.#ended.size >= MAX_SESSIONS) this.#ended.delete(did);
    this.#ended.set(session, this.#sessions.get(session)?.expiresAt ?? now + 86_400_000);
    this.#sessions.delete(session);
  }

  /** Ends all of a fused DID. */
  endAll(fused: Did): Did[] {
    const ended = [...this.#sessions.values()]
      .filter((one) => one.fused === fused)
      .map(({ session }) => session);
    for (const session of ended) this.end(session);
    return ended;
  }
}
