import { concat } from '../crypto/bytes.js';
import { MAX_CHUNK_BYTES } from '../envelope/chunks.js';
import { xlinkError } from '../errors/errors.js';
import { untilAborted } from '../http/abort.js';
import { streamOf } from '../util/stream-of.js';
import { encodeUtf8 } from '../util/utf8.js';

type Bytes = Uint8Array<ArrayBuffer>;
type Next = ReadableStreamReadResult<unknown>;

/** How long is waited for the end of a stream before what there is goes out, in ms: one that is short by then is like any other body. */
const READ_AHEAD_MS = 250;
/** A piece that is smaller than that is a small one. */
const SMALL_BYTES = 16_384;
/** How long bytes wait for more to travel with them, in ms: the first small pieces, and, as a service takes only so many, later ones. */
const GATHER_MS = 25;
const MAX_GATHER_MS = 3000;
const QUICK_PIECES = 64;
const DOUBLES_AFTER = 16;

const gatherMs = (smallPieces: number): number =>
  smallPieces < QUICK_PIECES
    ? GATHER_MS
    : Math.min(MAX_GATHER_MS, GATHER_MS * 2 ** (1 + (smallPieces - QUICK_PIECES) / DOUBLES_AFTER));
/** What a stream may hold that has to be in memory as a whole: 16 MiB. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** A stream as the caller gave it: Node's are iterables, too. */
export type BodyStream = ReadableStream<unknown> | AsyncIterable<unknown>;

/** A body that comes as a stream, and of which there is more than was read ahead. It can be sent once. */
export class Upload {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #signal: AbortSignal | undefined;
  #ahead: Bytes[] = [];
  #size = 0;
  #next: Promise<Next> | undefined;
  #isUsed = false;
  /** Why nobody wants the rest: what comes of the stream then is no end of it. */
  #cancelled: { readonly reason: unknown } | undefined;
  #held: Promise<Bytes> | undefined;

  private constructor(stream: ReadableStream<unknown>, signal: AbortSignal | undefined) {
    this.#reader = stream.getReader();
    this.#signal = signal;
  }

  /** The bytes of a stream that ends soon, or what sends it as it comes. Rejects with what the stream fails with. */
  static async of(stream: BodyStream, signal: AbortSignal | undefined): Promise<Bytes | Upload> {
    const upload = new Upload(webStream(stream), signal);
    if (!(await upload.#gather(MAX_CHUNK_BYTES + 1, READ_AHEAD_MS))) return upload.#take();
    return sendsStreams() ? upload : upload.whole();
  }

  /** All of it in memory. Rejects with `REQUEST_BODY_UNSUPPORTED` for more than 16 MiB, and `REQUEST_BODY_USED`. */
  whole(): Promise<Bytes> {
    this.#held ??= this.#hold();
    return this.#held;
  }

  /** Resolves when the first piece is there: what is said about a request in the open is not to be old by then. */
  async ready(isWhole: boolean): Promise<void> {
    if (!this.#isUsed) await this.#gather(MAX_CHUNK_BYTES, isWhole ? undefined : GATHER_MS);
  }

  /**
   * The bytes as they come, in pieces of 64 KiB at most. `isWhole`: in as few as can be; otherwise nothing waits for more than a moment. Throws
   * `REQUEST_BODY_USED`, and what the stream fails with.
   */
  pieces(isWhole: boolean): AsyncGenerator<Bytes> {
    this.#use();
    return this.#pieces(isWhole);
  }

  async *#pieces(isWhole: boolean): AsyncGenerator<Bytes> {
    let small = 0;
    for (let isMore = true; isMore; ) {
      isMore = await this.#gather(MAX_CHUNK_BYTES, isWhole ? undefined : gatherMs(small));
      const bytes = this.#take();
      if (bytes.length < SMALL_BYTES) small += 1;
      for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES)
        yield bytes.subarray(at, at + MAX_CHUNK_BYTES);
    }
  }

  /** As a body for the platform's `fetch`: the bytes, if they are in memory. Throws `REQUEST_BODY_USED`. */
  async body(): Promise<Bytes | ReadableStream<Bytes>> {
    if (this.#held) return this.#held;
    return streamOf(this.pieces(false), (reason) => this.cancel(reason));
  }

  /** Nobody wants the rest. */
  cancel(reason: unknown): void {
    this.#isUsed = true;
    this.#cancelled ??= { reason };
    void this.#reader.cancel(reason).catch(() => {});
  }

  #use(): void {
    if (this.#isUsed) throw xlinkError('REQUEST_BODY_USED', { field: 'body' });
    this.#isUsed = true;
  }

  async #hold(): Promise<Bytes> {
    this.#use();
    if (await this.#gather(MAX_HELD_BYTES + 1)) {
      this.cancel(undefined);
      throw xlinkError('REQUEST_BODY_UNSUPPORTED', { field: 'body' });
    }
    return this.#take();
  }

  /** Reads until there are so many bytes, or so much time is over and there are some. False: there are no more to come. */
  async #gather(bytes: number, withinMs?: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late =
      withinMs === undefined
        ? undefined
        : new Promise<undefined>((resolve) => {
            timer = setTimeout(resolve, withinMs, undefined);
          });
    try {
      let isLate = false;
      while (this.#size < bytes && !(isLate && this.#size > 0)) {
        this.#next ??= this.#reader.read();
        const waits = late && !isLate ? [this.#next, late] : [this.#next];
        const next = await untilAborted(Promise.race(waits), this.#signal);
        if (this.#cancelled)
          throw this.#cancelled.reason ?? xlinkError('REQUEST_BODY_USED', { field: 'body' });
        if (next === undefined) isLate = true;
        else if (next.done) return false;
        else this.#add(next.value);
      }
      return true;
    } catch (error) {
      this.cancel(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #add(value: unknown): void {
    this.#next = undefined;
    if (!(value instanceof Uint8Array))
      throw new TypeError('a body that is a stream holds bytes (Uint8Array)');
    this.#ahead.push(value as Bytes);
    this.#size += value.length;
  }

  #take(): Bytes {
    const bytes = this.#ahead.length === 1 ? this.#ahead[0]! : (concat(this.#ahead) as Bytes);
    this.#ahead = [];
    this.#size = 0;
    return bytes;
  }
}

function webStream(stream: BodyStream): ReadableStream<unknown> {
  if ('getReader' in stream) return stream;
  const pieces = bytesIn(stream);
  return streamOf(pieces, () => pieces.return(undefined));
}

/** Texts in an iterable are UTF-8, as for the platform. */
async function* bytesIn(pieces: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces)
    yield typeof piece === 'string' ? encodeUtf8(piece) : (piece as Uint8Array);
}

/** Whether the platform can send a stream: what cannot asks no `duplex` of it, and makes a text of the body. */
function sendsStreams(): boolean {
  let isAsked = false;
  const init = {
    method: 'POST',
    body: new ReadableStream(),
    get duplex() {
      isAsked = true;
      return 'half';
    },
  };
  return !new Request('http://localhost', init).headers.has('content-type') && isAsked;
}
