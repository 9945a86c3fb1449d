import { Agent, type XlinkFetchOptions, xlinkFetch } from '@private.me/xlink';

/** Where the rehearsal is; a new object at every step, so that a request can tell whether it saw a change. */
export interface Phase {
  readonly name: 'observe' | 'hybrid' | 'deprecation' | 'brownout' | 'xlink-only';
}

/** One request, as its caller saw it. */
export interface Call {
  readonly client: string;
  /** How the API says it was authenticated. */
  readonly by: 'api-key' | 'xlink';
  /** Whether the answer was encrypted for the caller and signed by the API. */
  readonly sealed: boolean;
  readonly orderId: string;
  readonly write: boolean;
  readonly status: number;
  /** Error code of a refusal. */
  readonly code: string | undefined;
  /** Who the API says it was. */
  readonly seenAs: unknown;
  readonly deprecated: boolean;
  /** In force from start to end of the request; `undefined` if it changed meanwhile. */
  readonly phase: Phase['name'] | undefined;
}

/** A client of the API: writes an order, reads it back, and so on without a pause, until it is told to stop. */
export class Caller {
  readonly name: string;
  readonly #key: string;
  readonly #url: string;
  readonly #clock: () => number;
  readonly #phase: () => Phase;
  readonly #onCall: (call: Call) => void;
  #fetch: typeof fetch;
  #stopped = false;
  #running: Promise<void> | undefined;

  /** `clock`: that of the API, where hours pass at once. */
  constructor(
    name: string,
    key: string,
    url: string,
    clock: () => number,
    phase: () => Phase,
    onCall: (call: Call) => void,
  ) {
    this.#clock = clock;
    this.name = name;
    this.#key = key;
    this.#url = url;
    this.#phase = phase;
    this.#onCall = onCall;
    this.#fetch = fetch;
  }

  /** The two lines that change. The hours that are skipped are those of documents and brownouts, not of envelopes. */
  async move(options: XlinkFetchOptions = {}): Promise<void> {
    this.#fetch = xlinkFetch({
      agent: await Agent.quickstart(),
      apiKey: this.#key,
      clock: this.#clock,
      unsafeAllowHttp: true,
      unsafeAllowPrivateAddresses: true,
      ...options,
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves once the request under way is over; rejects if one ever failed without an answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      const orderId = `${this.name}-${count}`;
      await this.#call(orderId, true);
      await this.#call(orderId, false);
    }
  }

  async #call(orderId: string, write: boolean): Promise<void> {
    const before = this.#phase();
    const headers = { 'Content-Type': 'application/json', 'X-API-Key': this.#key };
    const response = write
      ? await this.#fetch(`${this.#url}/orders`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ id: orderId }),
        })
      : await this.#fetch(`${this.#url}/orders/${orderId}`, { headers: { 'X-API-Key': this.#key } });
    const body = (await response.json()) as {
      client?: unknown;
      by?: Call['by'];
      authMethod?: Call['by'];
      code?: string;
    };
    this.#onCall({
      client: this.name,
      by: (body.by ?? body.authMethod)!,
      sealed: response.headers.get('xlink-sealed') === 'true',
      orderId,
      write,
      status: response.status,
      code: body.code,
      seenAs: body.client,
      deprecated: response.headers.has('deprecation'),
      phase: before === this.#phase() ? before.name : undefined,
    });
  }
}
