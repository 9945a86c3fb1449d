import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { err, type Result } from '../errors/result.js';
import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import { isBaseUrl } from '../http/base-url.js';
import { fetchOrPlatform, type HttpTextResponse } from '../http/fetch.js';
import { ENVELOPE_TYPE, mediaTypeOf, PROBLEM_TYPE } from '../http/media-type.js';
import { problemBody } from '../http/problem.js';
import { readAtMost } from '../http/read-body.js';
import { asksForReceipt, RECEIPT_HEADER } from '../http/receipt-header.js';
import { requestBinding, targetOf } from '../http/request-binding.js';
import {
  SESSION_OFFER_HEADER,
  SESSION_TYPE,
  SUPERSEDES_HEADER,
  sessionUrl,
} from '../http/session-headers.js';
import type { Arrival, SessionWay, Transport } from '../types/ports.js';
import type { Did, Envelope } from '../types/protocol.js';
import { type Backoff, exponentialBackoff } from '../util/backoff.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isFunction,
  isPromptFunction,
  requireOption,
} from '../util/options.js';
import { decodeUtf8 } from '../util/utf8.js';
import { type Posting, postEnvelope } from './post-envelope.js';
import { postInSession } from './post-in-session.js';

/** Options of {@link HttpsTransportAdapter}. */
export interface HttpsTransportOptions {
  /** Where the receiver takes envelopes by POST, such as the route of `agent.middleware()`. https; http for localhost only. */
  readonly baseUrl: string;
  /** For one attempt, the answer included; in ms. Default 10 000. */
  readonly timeoutMs?: number;
  /** Attempts after the first. Default 2; 0 to 10. */
  readonly retries?: number;
  /** Default: 200 ms, doubled each time up to 5 s, at random between half of that and all of it. */
  readonly backoff?: Backoff;
  /**
   * Default: that of the platform. Node's keeps connections open and shares them; to tune that, pass a `fetch` of the
   * package `undici` with a dispatcher of your own: `(url, init) => fetch(url, { ...init, dispatcher })`.
   */
  readonly fetch?: typeof fetch;
  /**
   * Lets messages travel in a session, once the receiver has said that it takes them (`AgentMiddlewareOptions.sessions`): one signed handshake, and then
   * no signature for each. Such a message has no envelope that could be kept or shown: see `SendOutcome.inSession`. Default `false`.
   */
  readonly session?: boolean;
}

type Handler = Parameters<Transport['onReceive']>[0];

/**
 * Delivers envelopes by POST as `application/xlink-envelope`. `send` succeeds when the receiver has the envelope; it
 * does not say what became of the message then. Fails with the error of the receiver's problem document where there is
 * one, `SEND_FAILED` for other refusals and where nothing could be reached, and `SEND_FAILED:UNKNOWN_OUTCOME` where the
 * envelope may have arrived.
 *
 * A caller has nowhere to receive: envelopes come to the `agent.middleware()` of the other side. For a server that speaks
 * `Request` and `Response`, {@link HttpsTransportAdapter.handle} hands them to the handlers of `onReceive`.
 */
export class HttpsTransportAdapter implements Transport {
  readonly #options: HttpsTransportOptions;
  readonly #backoff: Backoff;
  readonly #handlers = new Set<Handler>();
  readonly #closed = new AbortController();
  /** The receiver has said so. */
  #takesSessions = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: HttpsTransportOptions) {
    checkOptions('HttpsTransportAdapter', options, {
      baseUrl: isBaseUrl,
      timeoutMs: integerIn(1, 600_000),
      retries: integerIn(0, 10),
      backoff: isPromptFunction,
      fetch: isFunction,
      session: isBoolean,
    });
    requireOption('HttpsTransportAdapter', options, 'baseUrl');
    this.#options = { ...options };
    this.#backoff = options.backoff ?? exponentialBackoff(200, 5000);
  }

  /** Messages are bound to the POST that brings them. */
  get binding(): string {
    return requestBinding('POST', targetOf(new URL(this.#options.baseUrl)));
  }

  async send(
    envelope: Envelope,
    _to: Did,
    again?: () => Promise<Envelope>,
    onReceipt?: (receipt: Envelope) => void,
  ): Promise<Result<void>> {
    return this.#post((posting) => postEnvelope(envelope, { ...posting, onReceipt }, again));
  }

  /** Only with the option `session`, and a receiver that takes them. */
  get sessionWay(): SessionWay | undefined {
    const { session = false, baseUrl, timeoutMs = 10_000, fetch } = this.#options;
    if (!session || !this.#takesSessions) return undefined;
    return {
      url: sessionUrl(baseUrl),
      timeoutMs,
      fetch: fetchOrPlatform(fetch),
      send: (message) => this.#post((posting) => postInSession(message, posting)),
    };
  }

  async #post(post: (posting: Posting) => Promise<Result<void>>): Promise<Result<void>> {
    const { baseUrl: url, timeoutMs = 10_000, retries = 2 } = this.#options;
    const fetch = fetchOrPlatform(this.#options.fetch);
    const { signal } = this.#closed;
    if (signal.aborted) return err(xlinkError('SEND_FAILED', { cause: signal.reason }));
    const onDelivered = ({ headers }: HttpTextResponse) => {
      this.#takesSessions = headers.has(SESSION_OFFER_HEADER);
    };
    return post({ url, timeoutMs, retries, fetch, signal, backoff: this.#backoff, onDelivered });
  }

  onReceive(handler: Handler): void {
    this.#handlers.add(handler);
  }

  /**
   * Hands the envelope in the body of a request to every handler. 204 when all have taken it, or the receipt that the sender asked for; otherwise a problem
   * document with the error that a handler rejected with. At most 1.5 MiB. Messages must be bound to the method and target
   * of this request, as those of `send` are. This authenticates nothing:
   * that is what `agent.receive()` in the handler does.
   */
  async handle(request: Request): Promise<Response> {
    try {
      if (request.method !== 'POST') return new Response(null, { status: 405, headers: { Allow: 'POST' } });
      assertNoSession(request);
      const envelope = await envelopeOf(request);
      if (this.#handlers.size === 0) throw xlinkError('SEND_FAILED'); // there is no handler to take it
      let receipt: Envelope | undefined;
      const arrival: Arrival = {
        request: requestBinding('POST', targetOf(new URL(request.url))),
        ...(asksForReceipt(request.headers.get(RECEIPT_HEADER))
          ? { reply: (signed) => void (receipt = signed) }
          : {}),
      };
      for (const handler of this.#handlers) await handler(envelope, arrival);
      if (!receipt) return new Response(null, { status: 204 });
      return new Response(JSON.stringify(receipt), { headers: { 'Content-Type': ENVELOPE_TYPE } });
    } catch (error) {
      const refusal = toXlinkError(error);
      const headers = { 'Content-Type': PROBLEM_TYPE };
      return new Response(problemBody(refusal), { status: refusal.status, headers });
    }
  }

  /** What is under way is given up. */
  dispose(): void {
    this.#handlers.clear();
    this.#closed.abort(new Error('the transport was disposed'));
  }
}

/** Sessions are for `agent.middleware()`: neither can be opened here, nor can it be known which numbers were used. */
function assertNoSession({ headers, url }: Request): void {
  const isInSession = mediaTypeOf(headers.get('content-type')) === SESSION_TYPE;
  if (isInSession || new URL(url).searchParams.has(SUPERSEDES_HEADER))
    throw xlinkError('SESSION_NOT_ACCEPTED');
}

const MAX_BYTES = DEFAULT_MAX_ENVELOPE_BYTES;

async function envelopeOf(request: Request): Promise<Envelope> {
  const bytes = await readAtMost(request, MAX_BYTES, () => xlinkError('ENVELOPE_TOO_LARGE'));
  try {
    return JSON.parse(decodeUtf8(bytes)) as Envelope; // agent.receive() is strict about what it holds
  } catch {
    throw xlinkError('PARSE_FAILED:SYNTAX');
  }
}
