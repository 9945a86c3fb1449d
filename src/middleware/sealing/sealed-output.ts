import { concat } from '../../crypto/bytes.js';
import type { Header } from '../../envelope/plaintext.js';
import type { AnswerHead, AnswerSealer } from '../../http/answer-head.js';
import { type Awaitable, isPromiseLike, later, orElse } from '../../util/awaitable.js';

/** Called when bytes are on their way, and nobody reads them any more; with an error if they did not get there. */
export type Written = (error?: unknown) => void;

/** What is to be done behind some bytes. */
export interface Ending {
  readonly written: Written;
  /** Of the last bytes: the fields that follow the body. */
  readonly trailers?: readonly Header[] | undefined;
}

/** Where sealed bytes go. */
export interface Wire {
  /** Whether fields can follow the body. */
  readonly takesTrailers?: boolean;
  /** Sends status and headers, with the first bytes; `isFinal`: with all of them. As `write`, otherwise. */
  begin(head: AnswerHead, parts: readonly Uint8Array[], isFinal: boolean, end: Ending): boolean;
  /** Sends further bytes, and calls back when they are on their way. False: no more, please, until it drains. */
  write(parts: readonly Uint8Array[], isFinal: boolean, end: Ending): boolean;
  /** Room for more again, after `write` of the output returned false while the wire itself had room. */
  drained(): void;
  /** Sends what is sent in the place of an answer that cannot be sealed, or breaks off what has begun. */
  fail(error: unknown, hasBegun: boolean, written: Written): void;
}

/** What goes out next: the head with the first bytes, the trailers with the last. */
interface Sealed {
  readonly head?: AnswerHead | undefined;
  readonly parts: readonly Uint8Array[];
  readonly trailers?: readonly Header[] | undefined;
}

/** Bytes that are held before who writes is asked to wait: those of one chunk. */
const HIGH_WATER_MARK = 65_536;

/**
 * The answer as a handler writes it, on its way to become sealed: what is written in one go is sealed in one go, in order, and
 * callbacks come when it is on the wire. Sealing may take its time, for a signature may come from elsewhere.
 */
export class SealedOutput {
  readonly #sealer: AnswerSealer;
  readonly #wire: Wire;
  #head: AnswerHead | undefined;
  #held: Uint8Array[] = [];
  #callbacks: (() => void)[] = [];
  #waiting: (() => void)[] = [];
  #size = 0;
  #ended = false;
  #hasBegun = false;
  #state: 'idle' | 'at work' | 'over' = 'idle';
  #isAwaited = false;
  #wireIsFull = false;
  /** Until then the beginning waits for the rest. */
  #hold: ReturnType<typeof setTimeout> | undefined;
  #wasHeld = false;

  constructor(sealer: AnswerSealer, wire: Wire) {
    this.#sealer = sealer;
    this.#wire = wire;
  }

  /** Bytes that were written and are not on the wire yet. */
  get size(): number {
    return this.#size;
  }

  /** False: no more, please, until it drains. */
  get hasRoom(): boolean {
    return !this.#isAwaited && !this.#wireIsFull;
  }

  head(head: AnswerHead): void {
    this.#head = head;
    this.#work();
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || this.#state === 'over') return;
    this.#held.push(bytes);
    this.#size += bytes.length;
    this.#isAwaited = this.#size >= HIGH_WATER_MARK;
    this.#work();
  }

  /** Calls back when everything that was written is on the wire. False: it is already, and there will be no call. */
  flush(callback: () => void): boolean {
    if (this.#state !== 'at work') return false;
    this.#callbacks.push(callback);
    return true;
  }

  /** Calls back when a whole answer was handed to the wire. False: it was already, or is not whole, and there will be no call. */
  whenSent(then: () => void): boolean {
    if (!this.#ended || this.#state === 'over') return false;
    this.#waiting.push(then);
    return true;
  }

  end(): void {
    this.#ended = true;
    this.#work();
  }

  /** The wire has room again. */
  drained(): void {
    this.#wireIsFull = false;
  }

  /** Whoever was to get it is gone. */
  abandon(): void {
    this.#finish();
  }

  /** What the handler wrote cannot be sealed. */
  fail(error: unknown): void {
    if (this.#state === 'over') return;
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    this.#wire.fail(error, this.#hasBegun, () => callAll(callbacks));
    this.#finish();
  }

  #work(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'at work';
    queueMicrotask(() => this.#run());
  }

  /** At once where the sealer seals at once. */
  #run(): void {
    const failed = (error: unknown) => this.fail(error);
    try {
      while (this.#state === 'at work' && this.#hasWork()) {
        const goesOn = this.#step();
        if (isPromiseLike(goesOn)) return void goesOn.then((does) => does && this.#run(), failed);
        if (!goesOn) return; // whoever was called back may have begun the next run
      }
      if (this.#state === 'at work') this.#pause();
    } catch (error) {
      failed(error);
    }
  }

  /** Seals all that is held. False: it waits for more. */
  #step(): Awaitable<boolean> {
    const [bytes, callbacks, isFinal] = [joined(this.#held), this.#callbacks, this.#ended];
    this.#held = [];
    this.#callbacks = [];
    const isFirst = !this.#hasBegun;
    if (isFirst && !isFinal && this.#holds(bytes)) {
      this.#pause();
      callAll(callbacks);
      return false;
    }
    if (!isFirst && bytes.length === 0 && !isFinal) {
      callAll(callbacks);
      return true;
    }
    const sealed = orElse(
      () => this.#seal(bytes, isFinal),
      (error) => {
        this.#callbacks = [...callbacks, ...this.#callbacks];
        throw error;
      },
    );
    return later(sealed, (made) => {
      this.#send(made, bytes.length, callbacks, isFinal);
      return true;
    });
  }

  #send({ head, parts, trailers }: Sealed, size: number, callbacks: (() => void)[], isFinal: boolean): void {
    if (this.#isOver()) return void callAll(callbacks);
    this.#hasBegun = true;
    this.#size -= size;
    if (isFinal) callbacks.push(...this.#callbacks.splice(0));
    const written = (error?: unknown) => {
      if (!error) this.#sealer.reuse(parts);
      callAll(callbacks);
    };
    const end = { written, trailers };
    const hasRoom = head
      ? this.#wire.begin(head, parts, isFinal, end)
      : this.#wire.write(parts, isFinal, end);
    this.#wireIsFull = !hasRoom;
    if (isFinal) this.#finish();
  }

  #seal(bytes: Uint8Array, isFinal: boolean): Awaitable<Sealed> {
    const sealer = this.#sealer;
    const begun: Awaitable<Sealed> = this.#hasBegun
      ? later(sealer.more(bytes, isFinal), (parts) => ({ parts }))
      : sealer.begin(this.#head!, bytes, isFinal, this.#wire.takesTrailers);
    if (!isFinal || !sealer.trailers) return begun;
    return later(begun, ({ head, parts }) =>
      later(sealer.trailers!(), (trailers) => ({ head, parts, trailers })),
    );
  }

  /** Until there is more to do. */
  #pause(): void {
    this.#state = 'idle';
    if (!this.#isAwaited) return;
    this.#isAwaited = false;
    if (!this.#wireIsFull) this.#wire.drained();
  }

  #hasWork(): boolean {
    return this.#held.length > 0 || this.#callbacks.length > 0 || !this.#hasBegun || this.#ended;
  }

  /** Whether the beginning is held, because the rest may come in time. What was taken is put back then. */
  #holds(bytes: Uint8Array): boolean {
    const ms = this.#wasHeld ? 0 : (this.#sealer.holdMs?.(this.#head!, bytes.length) ?? 0);
    if (ms === 0) return false;
    this.#held = bytes.length > 0 ? [bytes, ...this.#held] : this.#held;
    if (ms < Number.POSITIVE_INFINITY)
      this.#hold ??= setTimeout(() => {
        this.#wasHeld = true;
        this.#work();
      }, ms);
    return true;
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #finish(): void {
    this.#state = 'over';
    clearTimeout(this.#hold);
    const callbacks = this.#callbacks;
    this.#held = [];
    this.#callbacks = [];
    this.#size = 0;
    callAll(callbacks);
    callAll(this.#waiting.splice(0));
  }
}

const joined = (pieces: readonly Uint8Array[]): Uint8Array =>
  pieces.length === 1 ? pieces[0]! : concat(pieces);

const callAll = (callbacks: readonly (() => void)[]): void => {
  for (const callback of callbacks) callback();
};
