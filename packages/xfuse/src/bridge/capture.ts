/** The beginning of a body. */
export interface Captured {
  readonly bytes: Uint8Array;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/** How a body ended: it was read, its reader left, or it broke off. */
export type BodyEnd = 'read' | 'left' | 'broken';

/** An answer for the caller, and what is known of it. */
export interface Capture {
  readonly response: Response;
  /** The beginning, once the caller has read it all or more than the limit; else how it ended. */
  readonly seen: Promise<Captured | BodyEnd>;
  readonly ended: Promise<BodyEnd>;
}

const join = (chunks: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
};

/** Keeps the first bytes of what passes by. */
class Keeper {
  readonly #chunks: Uint8Array[] = [];
  #kept = 0;
  isCut = false;

  constructor(readonly maxBytes: number) {}

  add(chunk: Uint8Array): void {
    if (this.isCut) return;
    this.isCut = this.#kept + chunk.length > this.maxBytes;
    // Of what is too long to compare nothing needs to stay.
    if (this.isCut) this.#chunks.length = 0;
    else this.#chunks.push(chunk.slice());
    this.#kept += chunk.length;
  }

  get captured(): Captured {
    return { bytes: join(this.#chunks), isCut: this.isCut };
  }
}

/** Reads an answer to its end, or until it is longer than `maxBytes`; then the rest is not fetched. */
export async function readUpTo(response: Response, maxBytes: number): Promise<Captured> {
  const keeper = new Keeper(maxBytes);
  if (!response.body) return keeper.captured;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return keeper.captured;
    keeper.add(value);
    if (!keeper.isCut) continue;
    void reader.cancel().catch(() => undefined);
    return keeper.captured;
  }
}

/**
 * The same answer for the caller, chunk by chunk as they come, and what was seen of it once the caller has read it, or once more than
 * `maxBytes` passed. Nothing is fetched that the caller does not ask for; `left` if it stops before, `broken` if the body fails.
 */
export function capture(response: Response, maxBytes: number): Capture {
  const keeper = new Keeper(maxBytes);
  if (!response.body)
    return { response, seen: Promise.resolve(keeper.captured), ended: Promise.resolve('read') };
  const reader = response.body.getReader();
  const seen = deferred<Captured | BodyEnd>();
  const ended = deferred<BodyEnd>();
  const finish = (end: BodyEnd) => {
    seen.resolve(end === 'read' ? keeper.captured : end);
    ended.resolve(end);
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            finish('read');
            controller.close();
            return;
          }
          keeper.add(value);
          if (keeper.isCut) seen.resolve(keeper.captured);
          controller.enqueue(value);
        } catch (error) {
          finish('broken');
          controller.error(error);
        }
      },
      cancel(reason) {
        finish('left');
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return { response: withBody(response, body), seen: seen.promise, ended: ended.promise };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** What `new Response` does not take over: where the answer came from. */
function withBody(original: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers } = original;
  const copy = new Response(body, { status, statusText, headers });
  for (const name of ['url', 'redirected', 'type'] as const)
    Object.defineProperty(copy, name, { value: original[name] });
  return copy;
}
