import { concat, EMPTY } from '../../crypto/bytes.js';
import type { Header } from '../../envelope/plaintext.js';
import type { AnswerHead, AnswerSealer } from '../../http/answer-head.js';
import type { Headers as HeaderValues, HttpResponse } from '../../http/decision.js';

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Statuses that a `Response` has no body with. */
const BODILESS = new Set([101, 103, 204, 205, 304]);

/** An answer of the adapter. */
export const responseOf = ({ status, headers, body }: HttpResponse, method: string): Response =>
  new Response(method === 'HEAD' || BODILESS.has(status) ? null : body, { status, headers: { ...headers } });

/** The same response with more headers; lists such as Link are added to. */
export function withHeaders(response: Response, more: HeaderValues): Response {
  const entries = Object.entries(more);
  if (entries.length === 0) return response;
  const copy = new Response(response.body, response);
  for (const [name, value] of entries) {
    if (name === 'Link' || name === 'Access-Control-Expose-Headers') copy.headers.append(name, value);
    else copy.headers.set(name, value);
  }
  return copy;
}

/** Seals a response, piece by piece as it is read. `onFailure`: what is sent if it cannot be sealed. */
export async function sealedResponse(
  response: Response,
  sealer: AnswerSealer,
  onFailure: (error: unknown) => Response,
): Promise<Response> {
  const reader = response.body?.getReader() as Reader | undefined;
  const head: AnswerHead = { status: response.status, headers: [...response.headers] as Header[] };
  const pieces = new Pieces(reader);
  try {
    const first = await beginning(head, pieces, sealer);
    const begun = await sealer.begin(head, first.bytes, first.isFinal);
    const body = first.isFinal ? new Uint8Array(concat(begun.parts)) : rest(begun.parts, pieces, sealer);
    const { status, headers } = begun.head;
    return new Response(BODILESS.has(status) ? null : body, {
      status,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
    });
  } catch (error) {
    pieces.cancel(error);
    return onFailure(error);
  }
}

/** The first bytes: as many as are to be held together. */
async function beginning(head: AnswerHead, pieces: Pieces, sealer: AnswerSealer): Promise<Piece> {
  let first = await pieces.next();
  const until = Date.now() + (sealer.holdMs?.(head, first.bytes.length) ?? 0);
  while (!first.isFinal && (sealer.holdMs?.(head, first.bytes.length) ?? 0) > 0) {
    const more = await pieces.within(until - Date.now());
    if (!more) break;
    first = { bytes: concat([first.bytes, more.bytes]), isFinal: more.isFinal };
  }
  return first;
}

function rest(
  begun: readonly Uint8Array[],
  pieces: Pieces,
  sealer: AnswerSealer,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source: UnderlyingDefaultSource<Uint8Array> = {
    start: (controller) => controller.enqueue(concat(begun)),
    async pull(controller) {
      const { bytes, isFinal } = await pieces.next();
      controller.enqueue(concat(await sealer.more(bytes, isFinal)));
      if (isFinal) controller.close();
    },
    cancel: (reason) => pieces.cancel(reason),
  };
  return new ReadableStream(source, { highWaterMark: 0 }) as ReadableStream<Uint8Array<ArrayBuffer>>;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly isFinal: boolean;
}

/** The pieces of a body, each with whether it is the last, as far as that is known at once: nothing waits for the next. */
class Pieces {
  readonly #reader: Reader | undefined;
  #next: Promise<{ done: boolean; value?: Uint8Array | undefined }> | undefined;

  constructor(reader: Reader | undefined) {
    this.#reader = reader;
  }

  /** The next one, if it comes in time; `Infinity`: whenever it comes. */
  async within(ms: number): Promise<Piece | undefined> {
    if (!this.#reader || ms === Number.POSITIVE_INFINITY) return this.next();
    this.#next ??= this.#reader.read();
    this.#next.catch(() => {}); // it is awaited by the next call
    const isThere = await Promise.race([this.#next.then(() => true), wait(ms)]);
    return isThere ? this.next() : undefined;
  }

  async next(): Promise<Piece> {
    if (!this.#reader) return { bytes: EMPTY, isFinal: true };
    const { done, value } = await (this.#next ?? this.#reader.read());
    this.#next = undefined;
    if (done) return { bytes: EMPTY, isFinal: true };
    this.#next = this.#reader.read();
    this.#next.catch(() => {}); // it is awaited by the next call
    const isFinal = await Promise.race([
      this.#next.then(
        (next) => next.done,
        () => false,
      ),
      aMoment(),
    ]);
    return { bytes: value!, isFinal };
  }

  cancel(reason: unknown): void {
    void this.#reader?.cancel(reason).catch(() => {});
  }
}

/** A body that is complete says so within it. */
const aMoment = (): Promise<false> => wait(0);

const wait = (ms: number): Promise<false> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms), false as const));
