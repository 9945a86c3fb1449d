import { SLOW_BODY_MS } from '../../checks/timestamp.js';
import { concat } from '../../crypto/bytes.js';
import { xlinkError } from '../../errors/service-errors.js';
import { MAX_DISCARDED_BYTES } from '../node/response.js';

type Bytes = Uint8Array<ArrayBuffer>;
type Reader = ReadableStreamDefaultReader<Bytes>;
type Next = Awaited<ReturnType<Reader['read']>>;

/** The body of a request of the Fetch standard, which can be read once: what was read of it is handed on in front of the rest. */
export class FetchBody {
  readonly #request: Request;
  readonly #chunks: Bytes[] = [];
  #reader: Reader | undefined;
  #next: Promise<Next> | undefined;

  constructor(request: Request) {
    this.#request = request;
  }

  /** All bytes. Rejects as {@link InboundRequest.readBody}; nonces are kept for bodies that take `withinMs` and no longer. */
  async read(
    maxBytes: number,
    checkStart: (start: Uint8Array) => void = () => {},
    withinMs = SLOW_BODY_MS,
  ): Promise<Uint8Array> {
    // Before the body is touched: a server on Node reads on what nobody did.
    if (Number(this.#request.headers.get('content-length')) > maxBytes) throw xlinkError('BODY_TOO_LARGE');
    if (this.#request.bodyUsed) throw xlinkError('BODY_CONSUMED');
    this.#reader = this.#request.body?.getReader() as Reader | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLate = false;
    const tooSlow = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        isLate = true;
        reject(xlinkError('BODY_TOO_SLOW'));
      }, withinMs);
    });
    try {
      return await Promise.race([this.#drain(maxBytes, checkStart, () => isLate), tooSlow]);
    } finally {
      clearTimeout(timer);
    }
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
    let size = 0;
    while (this.#reader) {
      const { done, value } = await this.#peek().catch((cause) => {
        throw xlinkError('BODY_ABORTED', { cause }); // whatever runtimes say if the client is gone
      });
      if (done || isLate()) break;
      this.#next = undefined;
      this.#chunks.push(value);
      size += value.length;
      if (this.#chunks.length === 1) checkStart(value);
      if (size > maxBytes) throw xlinkError('BODY_TOO_LARGE');
    }
    return concat(this.#chunks);
  }

  #peek(): Promise<Next> {
    this.#next ??= this.#reader!.read();
    return this.#next;
  }
}
