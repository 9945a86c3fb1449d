import type { IncomingMessage, ServerResponse } from 'node:http';

const EVENTS = ['pipe', 'unpipe', 'prefinish', 'finish', 'close', 'error'];

/** The key and what there is of it in the open are the caller's; all else must be the same. */
const OF_THE_CALLER = new Set(['x-api-key']);

/** What an application sees and does while it serves a request, in order. */
export class Trace {
  readonly steps: unknown[] = [];
  readonly requests: unknown[] = [];
  readonly log: string[] = [];
  #res: ServerResponse | undefined;

  /** Notes the events of a response from now on. */
  watch(res: ServerResponse): void {
    this.#res = res;
    for (const event of EVENTS)
      res.on(event, (error?: { code?: string; message?: string }) =>
        this.note(
          `res: ${event}`,
          event === 'error' ? (error?.code ?? error?.message) : this.#state(),
          ...(event === 'finish' || event === 'close' ? [res.writableFinished] : []),
        ),
      );
  }

  note(step: string, ...more: unknown[]): void {
    this.steps.push(JSON.stringify([step, ...more]));
  }

  /** Notes what the response says of itself. */
  sample(step: string): void {
    this.note(step, this.#state());
  }

  /** Notes what a call returns or throws. */
  attempt(step: string, call: () => unknown): void {
    try {
      const result = call();
      this.note(
        step,
        typeof result === 'boolean' || result === undefined ? String(result) : 'done',
        this.#state(),
      );
    } catch (error) {
      const { code, name } = error as { code?: string; name: string };
      this.note(step, 'throws', code ?? name, this.#state());
    }
  }

  /** Notes a call back, with an error if there is one. */
  called(step: string, then: () => void = () => {}): (error?: unknown) => void {
    return (error) => {
      this.note(step, (error as { code?: string } | undefined)?.code ?? 'called back', this.#state());
      then();
    };
  }

  /** Notes a request as it stands. */
  request(req: IncomingMessage, more: object = {}): void {
    const { method, url, headers, rawHeaders, headersDistinct, httpVersion } = req;
    const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1]!]] : []));
    this.requests.push({
      method,
      url,
      httpVersion,
      headers: sorted(Object.entries(headers)),
      lines: sorted(lines as [string, unknown][]),
      distinct: sorted(Object.entries(headersDistinct ?? {})),
      ...more,
    });
  }

  /** Not `writableFinished`: until `finish` it says how fast the kernel took the bytes. */
  #state(): string {
    const res = this.#res;
    if (!res) return 'no response';
    const { headersSent, writableEnded, statusCode } = res;
    return `${statusCode}${headersSent ? ' sent' : ''}${writableEnded ? ' ended' : ''}`;
  }
}

const sorted = (entries: [string, unknown][]) =>
  entries
    .filter(([name]) => !OF_THE_CALLER.has(name.toLowerCase()))
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
