import { defaultProvider } from '#provider';
import { DEFAULT_DISCOVERY_TIMEOUT_MS } from '../../discovery/options.js';
import { xlinkError } from '../../errors/errors.js';
import { addSessionRows } from '../../errors/session-rows.js';
import { withDeadline } from '../../http/abort.js';
import { MAX_SEQUENCE } from '../../session/protocol.js';
import type { BufferedRequest } from '../buffered-request.js';
import type { CalleeSealing } from '../seal-request.js';
import type { HandshakeMeans, HeldSession } from './open-session.js';
import { sendCheckpoint } from './send-checkpoint.js';

/** After a checkpoint that did not get through, the next one in this time, in ms; and after one that was demanded. */
const AGAIN_MS = 10_000;

/** The checkpoints of one session at work. */
interface Work {
  /** With what its last request was sealed and sent. */
  by: CalleeSealing & Pick<BufferedRequest, 'init'>;
  running: Promise<void> | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** No other one before that, by `performance.now()`. */
  notBefore: number;
  demandedAt: number;
  /** The service takes no more of them. */
  isOver: boolean;
  /** What came of the last one, if it did not get through. */
  failure: unknown;
}

/** Signs what was sent in sessions, in time and beside the requests: none waits for it. */
export class CheckpointKeeper {
  readonly #means: HandshakeMeans;
  readonly #onRefused: (session: HeldSession) => void;
  readonly #work = new WeakMap<HeldSession, Work>();
  /** Sessions in which something may not be signed yet. */
  readonly #unsigned = new Set<HeldSession>();

  /** `onRefused`: told of a session that cannot go on. */
  constructor(means: HandshakeMeans, onRefused: (session: HeldSession) => void) {
    addSessionRows();
    this.#means = means;
    this.#onRefused = onRefused;
  }

  /** Whether the next request may go through the session; if not, it goes under an envelope. `now`: by the caller's clock. */
  mayCarry(session: HeldSession, by: Work['by'], now: number): boolean {
    const { checkpoints, next } = session;
    if (!checkpoints) return true;
    const work = this.#workOf(session, by);
    work.by = by;
    this.#unsigned.add(session);
    const hasRoom = checkpoints.hasRoom(next, now);
    if (checkpoints.isDue(endOf(session), now) || (!hasRoom && checkpoints.isMissed(now)))
      this.#start(session, work);
    if (hasRoom) this.#watch(session, work);
    return hasRoom;
  }

  /** The service refused a request that had this ticket. False: the session cannot go on. */
  demanded(session: HeldSession, ticket: Uint8Array): boolean {
    const { checkpoints } = session;
    const work = this.#work.get(session);
    if (!checkpoints || !work) return false;
    if (ticket !== session.ticket || checkpoints.isRequired) return true; // that is done, or being done
    if (performance.now() - work.demandedAt < AGAIN_MS) return false;
    work.demandedAt = performance.now();
    checkpoints.isRequired = true;
    this.#start(session, work);
    return true;
  }

  /** Nothing more is sent in the session: what was is signed now, if it can be. */
  finish(session: HeldSession): void {
    const { checkpoints } = session;
    const work = this.#work.get(session);
    if (!checkpoints || !work) return;
    if (checkpoints.next === endOf(session)) return void this.#unsigned.delete(session);
    checkpoints.isRequired = true;
    this.#start(session, work);
  }

  /** Signs everything that was sent, and resolves when the service has countersigned it. Rejects with what was in the way. */
  async settle(): Promise<void> {
    await Promise.all([...this.#unsigned].map((session) => this.#settle(session)));
  }

  async #settle(session: HeldSession): Promise<void> {
    const { checkpoints } = session;
    const to = endOf(session);
    const work = this.#work.get(session)!;
    await work.running;
    work.notBefore = -Infinity;
    if (checkpoints!.next < to) this.finish(session);
    await work.running;
    if (checkpoints!.next >= to) return;
    throw work.failure ?? xlinkError('SESSION_CHECKPOINT_REQUIRED');
  }

  #workOf(session: HeldSession, by: Work['by']): Work {
    const known = this.#work.get(session);
    if (known) return known;
    const work: Work = {
      by,
      running: undefined,
      timer: undefined,
      notBefore: -Infinity,
      demandedAt: -Infinity,
      isOver: false,
      failure: undefined,
    };
    this.#work.set(session, work);
    return work;
  }

  /** One at a time. */
  #start(session: HeldSession, work: Work): void {
    if (work.isOver || work.running || performance.now() < work.notBefore) return;
    work.running = this.#run(session, work)
      .catch((error) => {
        work.failure = error;
        work.notBefore = performance.now() + AGAIN_MS;
      })
      .finally(() => {
        work.running = undefined;
        if (session.checkpoints!.next === endOf(session) || work.isOver) this.#unsigned.delete(session);
        this.#watch(session, work);
      });
  }

  async #run(session: HeldSession, work: Work): Promise<void> {
    const { by } = work;
    const { timeoutMs = DEFAULT_DISCOVERY_TIMEOUT_MS } = this.#means;
    const expired = () => xlinkError('NETWORK_ERROR', { cause: new Error('no checkpoint within the time') });
    const checkpoints = session.checkpoints!;
    for (;;) {
      const now = await by.agent.now();
      if (now >= session.endsAt) return void this.#unsigned.delete(session); // it would be refused
      const to = checkpoints.end(session.next, now);
      const isEmpty = to === checkpoints.next;
      if (isEmpty && endOf(session) > to && !checkpoints.isRequired) return; // answers are still to come
      const outcome = await withDeadline(timeoutMs, expired, (signal) =>
        sendCheckpoint(defaultProvider(), session, { ...by, ...this.#means, to, now }, signal),
      );
      if (outcome === 'refused') {
        work.isOver = true;
        work.failure = xlinkError('SESSION_CHECKPOINT_INVALID');
        return this.#onRefused(session);
      }
      if (!checkpoints.isDue(endOf(session), await by.agent.now())) return;
    }
  }

  /** While something is not signed, it is looked after also if nobody calls. */
  #watch(session: HeldSession, work: Work): void {
    const { limits } = session.checkpoints!;
    if (work.timer || work.isOver) return;
    work.timer = setTimeout(async () => {
      work.timer = undefined;
      const now = await work.by.agent.now().catch(() => session.endsAt);
      if (now >= session.endsAt || session.checkpoints!.next === endOf(session))
        return void this.#unsigned.delete(session);
      if (session.checkpoints!.isDue(endOf(session), now)) this.#start(session, work);
      this.#watch(session, work);
    }, limits.seconds * 250);
    (work.timer as { unref?(): void }).unref?.(); // nothing stays awake for it
  }
}

/** The number behind the last that is to be signed in a session with checkpoints. */
const endOf = ({ checkpoints, next }: HeldSession): number =>
  next < MAX_SEQUENCE ? next : checkpoints!.reachable(next);
