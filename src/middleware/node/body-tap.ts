import { SLOW_BODY_MS } from '../../checks/timestamp.js';
import { EMPTY } from '../../crypto/bytes.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { BodySource } from '../../http/body-source.js';
import { isConnection } from './connection.js';
import type { NodeRequest, PushedRequest } from './types.js';

/** Bytes that are held before the connection is asked to wait; a piece counts as so many at least. */
const HIGH_WATER_MARK = 65_536;
const PIECE_BYTES = 256;

const taps = new WeakMap<NodeRequest, BodyTap>();

/** The tap of a request whose body is tapped. */
export const tapOf = (req: NodeRequest): BodyTap | undefined => taps.get(req);

/** When a body was opened: whoever reads all of it after that has what is left of its time, in ms. */
const openedAt = new WeakMap<NodeRequest, number>();
export function timeLeftFor(req: NodeRequest): number {
  const opened = openedAt.get(req);
  return opened === undefined ? SLOW_BODY_MS : Math.max(0, SLOW_BODY_MS - (performance.now() - opened));
}

/**
 * Takes the body of a request where Node hands it to its stream, before anybody who reads that can see it, and puts other bytes in its
 * place. The stream stays as it is: whoever reads it reads Node's own, and it asks the connection to wait as always.
 */
export class BodyTap implements BodySource {
  readonly #req: PushedRequest;
  readonly #push: PushedRequest['push'];
  readonly #read: PushedRequest['_read'];
  /** What came; what is before `#at` was taken. */
  #held: Uint8Array[] = [];
  #at = 0;
  /** All that was taken, as long as it may be put back. */
  #taken: Uint8Array[] | undefined = [];
  #size = 0;
  #isEnded = false;
  /** Whether the connection was asked to wait. */
  #waits = false;
  #isGone = false;
  #isRead = false;
  #wake = () => {};
  #asked = () => {};
  readonly #timer: ReturnType<typeof setTimeout>;
  #isLate = false;

  /** `undefined` for what is better read whole: it is there already, or its length is known. */
  static of(req: NodeRequest, withinMs = SLOW_BODY_MS): BodyTap | undefined {
    const isOver = req.complete || req.destroyed || req._readableState?.ended;
    return isPushed(req) && !isOver ? new BodyTap(req, withinMs) : undefined;
  }

  private constructor(req: PushedRequest, withinMs: number) {
    this.#req = req;
    this.#push = req.push;
    this.#read = req._read;
    req.push = (chunk) => this.#arrived(chunk);
    req._read = (size) => this.#askedFor(size);
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#wake();
    }, withinMs);
    req.on('close', this.#onClose);
    taps.set(req, this);
    openedAt.set(req, performance.now());
    while (req.readableLength > 0) this.#arrived(req.read() as Uint8Array);
    this.#waits = true; // Node may have asked the connection to wait, when nobody read
  }

  readonly #onClose = () => {
    this.#isGone = !this.#isEnded;
    clearTimeout(this.#timer);
    this.#wake();
    this.#asked();
  };

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = this.#take();
      if (bytes) return bytes;
      if (this.#isEnded) return undefined;
      if (this.#isGone) throw xlinkError('BODY_ABORTED');
      if (this.#isLate) throw xlinkError('BODY_TOO_SLOW');
      this.#goOn();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(): Uint8Array | undefined {
    const bytes = this.#held[this.#at];
    if (!bytes) return undefined;
    this.#at += 1;
    this.#size -= Math.max(bytes.length, PIECE_BYTES);
    if (this.#at === this.#held.length) {
      this.#held = [];
      this.#at = 0;
    }
    this.#taken?.push(bytes);
    return bytes;
  }

  restore(): void {
    if (!this.#taken) return;
    const bytes = [...this.#taken, ...this.#held.slice(this.#at)];
    this.#release();
    this.#req.push = this.#push;
    this.#req._read = this.#read;
    this.#req.removeListener('close', this.#onClose);
    taps.delete(this.#req);
    for (const piece of [EMPTY, ...bytes]) this.#push.call(this.#req, piece);
    if (this.#isEnded) this.#push.call(this.#req, null);
    else this.#goOn();
  }

  /** From now on these are the body. Where they break off, the request does, as if its client had gone. */
  replace(pieces: AsyncIterable<Uint8Array>): void {
    this.#release();
    void this.#handOn(pieces);
  }

  #release(): void {
    this.#taken = undefined;
    clearTimeout(this.#timer);
    this.#isLate = false;
  }

  async #handOn(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const req = this.#req;
    const all = pieces[Symbol.asyncIterator]();
    this.#push.call(req, EMPTY); // nothing is being read any more, so that the stream asks again
    for (let isOver = false; !isOver; ) {
      const next = await all.next().catch((error) => ({ done: true, value: undefined, error }) as const);
      isOver = next.done === true;
      if (this.#isGone) break;
      // Outside of all that is caught: who reads may throw.
      if ('error' in next) this.#breakOff(next.error);
      else if (next.done) this.#push.call(req, null);
      else if (next.value.length > 0 && !this.#push.call(req, next.value)) await this.#room();
    }
    req.removeListener('close', this.#onClose);
  }

  #breakOff(error: unknown): void {
    const req = this.#req;
    if (req._dumped)
      this.#push.call(req, null); // the answer is out: Node throws away what nobody has read
    else req.destroy(error);
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#asked = resolve;
    });
  }

  /** Node hands over what came. False: no more, please. */
  #arrived(chunk: Uint8Array | null): boolean {
    if (chunk === null) this.#isEnded = true;
    else {
      this.#held.push(chunk);
      this.#size += Math.max(chunk.length, PIECE_BYTES);
    }
    this.#waits = this.#size >= HIGH_WATER_MARK;
    this.#wake();
    return !this.#waits;
  }

  /** Somebody reads the stream. As long as it is not known what is in it, that is nobody but this. */
  #askedFor(size: number): void {
    if (this.#taken) return;
    // Each time lets the connection go on. The first one tells Node that somebody reads.
    if (this.#size < HIGH_WATER_MARK || !this.#isRead) this.#read.call(this.#req, size);
    this.#isRead = true;
    this.#asked();
  }

  /** Lets the connection go on, as Node does when its stream has room. */
  #goOn(): void {
    if (!this.#waits) return;
    this.#waits = false;
    const { socket } = this.#req;
    if (!socket?._paused) socket?.resume?.();
  }
}

/**
 * Whether it is a message of HTTP/1 that Node itself pushes, and nobody reads yet: other runtimes, injected requests and wrappers of them have their
 * own ways, and streams of HTTP/2 end in others.
 */
function isPushed(req: NodeRequest): req is PushedRequest {
  const { headers, stream, socket } = req;
  if (stream || headers['transfer-encoding'] === undefined || !isConnection(socket)) return false;
  const { readableFlowing, listenerCount } = req as PushedRequest;
  return readableFlowing !== true && READERS.every((event) => listenerCount.call(req, event) === 0);
}

const READERS = ['data', 'readable'];
