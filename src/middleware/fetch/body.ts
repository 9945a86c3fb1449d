import { SLOW_BODY_MS } from '../../checks/timestamp.js';
import { concat } from '../../crypto/bytes.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { BodySource } from '../../http/body-source.js';
import { streamOf } from '../../util/stream-of.js';
import { MAX_DISCARDED_BYTES } from '../node/response.js';

type Bytes = Uint8Array<ArrayBuffer>;
type Reader = ReadableStreamDefaultReader<Bytes>;
type Next = Awaited<ReturnType<Reader['read']>>;

/** The body of a request of the Fetch standard, which can be read once: what was read of it is handed on in front of the rest. */
export class FetchBody {
  readonly #request: Request;
  /** What was read, as long as it may be handed on. */
  #chunks: Bytes[] = [];
  #keeps = true;
  #startedAt: number | undefined;
  #reader: Reader | undefined;
  #next: Promise<Next> | undefined;

  constructor(request: Request) {
    this.#request = request;
  }

  /** All bytes. Rejects as {@link InboundRequest.readBody}; nonces are kept for bodies that take `withinMs` and no longer. */
  async read(
    maxBytes: number,
    checkStart: (start: Uint8Array) => void = () => {},
    withinMs = this.#left(),
  ): Promise<Uint8Array> {
    // Before the body is touched: a server on Node reads on what nobody did.
    if (Number(this.#request.headers.get('content-length')) > maxBytes) throw xlinkError('BODY_TOO_LARGE');
    if (!this.#reader && this.#request.bodyUsed) throw xlinkError('BODY_CONSUMED');
    this.#reader ??= this.#request.body?.getReader() as Reader | undefined;
    return inTime((isLate) => this.#drain(maxBytes, checkStart, isLate), withinMs);
  }

  /** The body as it comes; `undefined` for what is better read whole: its length is known, or somebody reads it already. */
  source(): BodySource | undefined {
    const { headers, body, bodyUsed } = this.#request;
    if (!body || bodyUsed || this.#reader || headers.has('content-length')) return undefined;
    this.#reader = body.getReader() as Reader;
    this.#startedAt = performance.now();
    return {
      next: () => (this.#keeps ? inTime(() => this.#piece(), this.#left()) : this.#piece()),
      restore: () => {}, // what was read is handed on
    };
  }

  /** Other bytes take the place of the body. */
  replaced(pieces: AsyncIterable<Uint8Array>): ReadableStream<Bytes> {
    this.#keeps = false;
    this.#chunks = [];
    const all = pieces[Symbol.asyncIterator]();
    return streamOf(all, async (reason) => {
      await this.#reader!.cancel(reason);
      await all.return?.();
    });
  }

  /** The time that is left for who reads it. */
  #left(): number {
    const passed = this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
    return Math.max(0, SLOW_BODY_MS - passed);
  }

  /** What handlers are to get in the place of the body; `undefined` as long as nobody has read of it. */
  unread(): ReadableStream<Bytes> | undefined {
    if (!this.#reader) return undefined;
    let at = 0;
    return new ReadableStream<Bytes>(
      {
        pull: async (controller) => {
          const chunk = this.#chunks[at];
          at += 1;
          if (chunk) return controller.enqueue(chunk);
          const { done, value } = await this.#peek();
          this.#next = undefined;
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => this.#reader!.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * For a request that is refused. `readsOn`: on Node a body that is given up takes its connection with it, and with that the
   * refusal, so the rest is read and thrown away.
   */
  async giveUp(readsOn: boolean): Promise<void> {
    try {
      let size = 0;
      while (readsOn && this.#reader && size <= MAX_DISCARDED_BYTES) {
        const { done, value } = await this.#peek();
        this.#next = undefined;
        if (done) return;
        size += value.length;
      }
      await this.#reader?.cancel();
    } catch {
      // the client is gone
    }
  }

  async #drain(
    maxBytes: number,
    checkStart: (start: Uint8Array) => void,
    isLate: () => boolean,
  ): Promise<Uint8Array> {
    let size = this.#chunks.reduce((sum, { length }) => sum + length, 0);
    while (this.#reader) {
      if (size > maxBytes) throw xlinkError('BODY_TOO_LARGE');
      const value = await this.#piece();
      if (!value || isLate()) break;
      size += value.length;
      if (this.#chunks.length === 1) checkStart(value);
    }
    return concat(this.#chunks);
  }

  async #piece(): Promise<Bytes | undefined> {
    const { done, value } = await this.#peek().catch((cause) => {
      throw xlinkError('BODY_ABORTED', { cause }); // whatever runtimes say if the client is gone
    });
    if (done) return undefined;
    this.#next = undefined;
    if (this.#keeps) this.#chunks.push(value);
    return value;
  }

  #peek(): Promise<Next> {
    this.#next ??= this.#reader!.read();
    return this.#next;
  }
}

/** What comes of `work`, which is told whether it is late. Rejects with `BODY_TOO_SLOW`. */
async function inTime<T>(work: (isLate: () => boolean) => Promise<T>, withinMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLate = false;
  const tooSlow = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(xlinkError('BODY_TOO_SLOW'));
    }, withinMs);
  });
  try {
    return await Promise.race([work(() => isLate), tooSlow]);
  } finally {
    clearTimeout(timer);
  }
}
