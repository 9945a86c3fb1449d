import type { Connection } from '@private.me/xlink';

export interface LoadOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly caller: Connection;
}

/** Callers that go on and on: two by key, two with signed GETs and two with sealed POSTs, each one request at a time. */
export class Load {
  readonly #answers: Record<string, number> = {};
  readonly #errors: string[] = [];
  readonly #workers: readonly Promise<void>[];
  #isOver = false;

  private constructor({ url, apiKey, caller }: LoadOptions) {
    const headers = { 'Content-Type': 'application/json' };
    const kinds: Record<string, () => Promise<Response>> = {
      key: () => fetch(`${url}/orders/1`, { headers: { 'X-API-Key': apiKey } }),
      'xlink get': () => caller.fetch('/orders/2'),
      'xlink post': () => caller.fetch('/orders', { method: 'POST', headers, body: '{"product":"tea"}' }),
    };
    this.#workers = Object.entries(kinds).flatMap(([kind, ask]) => [
      this.#work(kind, ask),
      this.#work(kind, ask),
    ]);
  }

  static start(options: LoadOptions): Load {
    return new Load(options);
  }

  /** Resolves once the last answer is there: how often each status came, and what came instead of an answer. */
  async stop(): Promise<{ answers: Readonly<Record<string, number>>; errors: readonly string[] }> {
    this.#isOver = true;
    await Promise.all(this.#workers);
    return { answers: this.#answers, errors: this.#errors };
  }

  #count(kind: string, status: number | string): void {
    const name = `${kind.split(' ')[0]} ${status}`;
    this.#answers[name] = (this.#answers[name] ?? 0) + 1;
  }

  async #work(kind: string, ask: () => Promise<Response>): Promise<void> {
    while (!this.#isOver) {
      try {
        const answer = await ask();
        await answer.arrayBuffer();
        this.#count(kind, answer.status);
      } catch (error) {
        const status = unsealedStatus(error);
        if (status !== undefined) this.#count(kind, status);
        else this.#errors.push(`${kind}: ${error} (${(error as Error).cause})`);
      }
    }
  }
}

/** Of an answer that the proxy made: nobody sealed it, so the caller gets an error that tells its status. */
function unsealedStatus(error: unknown): string | undefined {
  const { id, cause } = error as { id?: string; cause?: { cause?: Error } };
  return id === 'ANSWER_INVALID:NOT_SEALED'
    ? /HTTP status (\d+)/.exec(cause?.cause?.message ?? '')?.[1]
    : undefined;
}
