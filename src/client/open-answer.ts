import type { OpenedAnswer } from '../envelope/open-answer.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import { FRAME, FrameReader } from '../http/answer-frames.js';
import type { PlatformBody } from '../http/fetch.js';
import { given } from '../util/given.js';
import { decodedBody } from './decoded-body.js';
import type { Opening } from './opening.js';
import { type Exchanged, mayHaveBody, rebuild, SEALED_HEADER } from './response.js';
import type { SealedRequest } from './seal-request.js';

const invalid = (field?: string) => xlinkError('ANSWER_INVALID', given({ field }));
const brokenOff = (cause?: unknown) => xlinkError('ANSWER_INVALID:BROKEN_OFF', { cause });

/**
 * Opens a sealed answer: encrypted for this agent and signed by the service, in reply to this one request. Status, headers and
 * body are what the service sealed; the body is opened as it is read. Throws `ANSWER_INVALID…`, and so does reading the body.
 */
export async function openAnswer(
  response: Response,
  request: SealedRequest,
  { agent, service, signal, maxBytes }: Opening,
): Promise<Exchanged> {
  const arrivedAt = await agent.now(); // a slow line makes no answer old
  const open = async (head: Uint8Array, first: Uint8Array, isFinal: boolean) => {
    const received = await agent.receiveContent(head, {
      request: request.binding,
      requireRequestBinding: true,
      inReplyTo: request.nonce,
      arrivedAt,
      first: { payload: first, isFinal },
    });
    if (!received.ok) throw received.error;
    const { message, answer } = received.value;
    if (message.sender !== service.did) throw invalid('from');
    return answer!;
  };
  return openFrames(response, FRAME.head, open, { signal, maxBytes });
}

/** An answer whose beginning is open; in a session no signature follows the last chunk. */
export type BegunAnswer = Omit<OpenedAnswer, 'end'> & Partial<Pick<OpenedAnswer, 'end'>>;

/** Opens what stands in such frames. `open`: what the frame in front and the first chunk open. Throws as {@link openAnswer} does. */
export async function openFrames(
  response: Response,
  head: number,
  open: (head: Uint8Array, first: Uint8Array, isFinal: boolean) => Promise<BegunAnswer>,
  { signal, maxBytes = Number.POSITIVE_INFINITY }: Pick<Opening, 'signal' | 'maxBytes'>,
): Promise<Exchanged> {
  const frames = new Frames(response, signal);
  try {
    const front = await frames.next(head);
    const { type, bytes } = await frames.next(FRAME.chunk, FRAME.finalChunk);
    const isFinal = type === FRAME.finalChunk;
    const answer = await open(front.bytes, bytes, isFinal);
    if (isFinal) await frames.end();
    const body = new OpenedBody(frames, answer, isFinal, maxBytes);
    return { response: handedOver(response, answer, body), verified: true };
  } catch (error) {
    frames.cancel();
    throw asInvalid(error);
  }
}

function handedOver(
  from: Response,
  { content: { status, contentType, headers: sealed } }: BegunAnswer,
  body: OpenedBody,
): Response {
  const headers = new Headers();
  for (const [name, value] of sealed!) if (name !== SEALED_HEADER) headers.append(name, value);
  if (contentType) headers.set('content-type', contentType);
  headers.set(SEALED_HEADER, 'true');
  return rebuild(from, mayHaveBody(status!) ? content() : body.leave(), headers, status!, '');

  function content(): PlatformBody {
    const isEmpty = body.whole?.length === 0; // what says of nothing how it is encoded
    return isEmpty ? body.whole! : decodedBody(headers, () => body.whole ?? body.stream());
  }
}

/** The frames of an answer, each of which must be of a certain type. */
class Frames {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #frames: FrameReader;
  readonly #signal: AbortSignal | undefined;

  constructor({ body }: Response, signal: AbortSignal | undefined) {
    this.#signal = signal;
    const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
    this.#reader = reader;
    this.#frames = new FrameReader(async () => (await reader?.read())?.value);
  }

  async next(...types: number[]) {
    const frame = await this.#next();
    if (frame === undefined || frame === 'broken') throw brokenOff();
    if (frame === 'malformed' || !types.includes(frame.type)) throw invalid();
    return frame;
  }

  /** Nothing may follow. */
  async end(): Promise<void> {
    if (await this.#next()) throw invalid();
  }

  /** What the caller itself gave up is not broken off. */
  #next() {
    return this.#frames.next().catch((error) => {
      if (this.#signal?.aborted) throw this.#signal.reason;
      throw error?.name === 'AbortError' || error?.name === 'TimeoutError' ? error : brokenOff(error);
    });
  }

  cancel(reason?: unknown): void {
    void this.#reader?.cancel(reason).catch(() => {});
  }
}

/** The body of an answer. Its last bytes are handed over once it is known that they are the last. */
class OpenedBody {
  readonly #frames: Frames;
  readonly #answer: BegunAnswer;
  #left: number;
  /** All of it, if it came in one chunk. */
  readonly whole: Uint8Array<ArrayBuffer> | undefined;

  constructor(frames: Frames, answer: BegunAnswer, isFinal: boolean, maxBytes: number) {
    this.#frames = frames;
    this.#answer = answer;
    this.#left = maxBytes;
    const first = this.#counted(answer.content.bytes);
    this.whole = isFinal ? new Uint8Array(first) : undefined;
  }

  /** Nobody is going to read it. */
  leave(): null {
    this.#frames.cancel();
    return null;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => enqueue(controller, this.#answer.content.bytes),
      pull: (controller) =>
        this.#pull(controller).catch((error) => {
          this.#frames.cancel();
          controller.error(asInvalid(error));
        }),
      cancel: (reason) => this.#frames.cancel(reason),
    };
    return new ReadableStream(source, { highWaterMark: 0 }) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      const { type, bytes } = await this.#frames.next(FRAME.chunk, FRAME.finalChunk);
      const isLast = type === FRAME.finalChunk;
      const opened = this.#counted(await this.#answer.chunk(bytes, isLast));
      if (isLast) {
        await this.#answer.end?.((await this.#frames.next(FRAME.end)).bytes);
        await this.#frames.end();
      }
      enqueue(controller, opened);
      if (isLast) return controller.close();
      if (opened.length > 0) return;
    }
  }

  #counted(bytes: Uint8Array): Uint8Array {
    this.#left -= bytes.length;
    if (this.#left < 0) throw xlinkError('ANSWER_INVALID:TOO_LARGE');
    return bytes;
  }
}

/** Streams take no empty pieces of some kinds, and need none. */
function enqueue(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
  if (bytes.length > 0) controller.enqueue(bytes);
}

/** What the platform throws for a call that was given up stays as it is. */
const asInvalid = (error: unknown): unknown =>
  isXlinkError(error) && error.code !== 'ANSWER_INVALID'
    ? xlinkError('ANSWER_INVALID', { cause: error })
    : error;
