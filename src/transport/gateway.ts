import { xlinkError } from '../errors/errors.js';
import { err, type Result } from '../errors/result.js';
import { below, isBaseUrl } from '../http/base-url.js';
import { fetchOrPlatform } from '../http/fetch.js';
import type { Transport, TransportUser } from '../types/ports.js';
import type { Did, Envelope } from '../types/protocol.js';
import { type Backoff, exponentialBackoff } from '../util/backoff.js';
import {
  checkOptions,
  integerIn,
  isFunction,
  isPromptFunction,
  isString,
  requireOption,
} from '../util/options.js';
import { LongPoll, type MailboxSource } from './long-poll.js';
import { Mailbox } from './mailbox.js';
import { postEnvelope } from './post-envelope.js';
import { MAX_WAIT_MS } from './relay-protocol.js';
import { RelaySession } from './relay-session.js';
import { RelaySocket, type WebSocketClass } from './relay-socket.js';

/** Options of {@link GatewayTransport}. */
export interface GatewayTransportOptions {
  /** Where the relay is. https; http for localhost only. */
  readonly relayUrl: string;
  /** The relay's DID. Default: the one that the relay shows at its address, which TLS vouches for. */
  readonly relayDid?: Did;
  /** Receives over a WebSocket of this class: `WebSocket` of the platform or of the package `ws`. Default: long poll. */
  readonly webSocket?: WebSocketClass;
  /** How long the relay holds a pull while there is nothing, in ms. Default 25 000, at most 30 000. */
  readonly waitMs?: number;
  /** For one request, without that wait; in ms. Default 10 000. */
  readonly timeoutMs?: number;
  /** Attempts to send after the first. Default 4; 0 to 10. */
  readonly retries?: number;
  /** Default: 250 ms, doubled each time up to 30 s, at random between half of that and all of it. */
  readonly backoff?: Backoff;
  /** A longer answer of the relay is refused. Bytes; default 16 MiB. */
  readonly maxAnswerBytes?: number;
  /** Told what went wrong while receiving; it goes on by itself. Default: not called. */
  readonly onError?: (error: unknown) => void;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

type Handler = Parameters<Transport['onReceive']>[0];

/**
 * Sends and receives through a relay, so that neither side has to be reachable. `send` succeeds when the relay has the
 * envelope on its disk. What it keeps for this agent is fetched from the first `onReceive` on, until `dispose()`; it is
 * acknowledged once every handler has resolved, and comes again until then. Use `agent.onMessage()`, and give the agent a
 * `maxAgeMs` and a nonce store that lasts. Like a server that listens, an agent that receives keeps its process alive.
 *
 * One transport serves one agent, and one process receives for a DID.
 */
export class GatewayTransport implements Transport {
  /** Recipients send them back through the relay, once they have taken the message. */
  readonly receipts = 'later';
  readonly #options: GatewayTransportOptions;
  readonly #fetch: typeof fetch;
  readonly #backoff: Backoff;
  readonly #handlers = new Set<Handler>();
  readonly #closed = new AbortController();
  #session: RelaySession | undefined;
  #isReceiving = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: GatewayTransportOptions) {
    checkOptions('GatewayTransport', options, {
      relayUrl: isBaseUrl,
      relayDid: isString,
      webSocket: isFunction,
      waitMs: integerIn(0, MAX_WAIT_MS),
      timeoutMs: integerIn(1, 600_000),
      retries: integerIn(0, 10),
      backoff: isPromptFunction,
      maxAnswerBytes: integerIn(1024, 2 ** 30),
      onError: isFunction,
      fetch: isFunction,
    });
    requireOption('GatewayTransport', options, 'relayUrl');
    this.#options = { ...options };
    this.#fetch = fetchOrPlatform(options.fetch);
    this.#backoff = options.backoff ?? exponentialBackoff(250, 30_000);
  }

  /** Called by the agent. Throws `INVALID_OPTION` for a second one. */
  attach(user: TransportUser): void {
    if (this.#session)
      throw xlinkError('INVALID_OPTION', {
        field: 'transport',
        hint: 'GatewayTransport: one transport serves one agent; make one for each.',
      });
    const { relayUrl, relayDid, timeoutMs = 10_000, maxAnswerBytes = 16 * 1024 * 1024 } = this.#options;
    this.#session = new RelaySession(user, {
      relayUrl,
      relayDid,
      timeoutMs,
      maxAnswerBytes,
      fetch: this.#fetch,
      signal: this.#closed.signal,
    });
    this.#start();
  }

  /** The relay knows an envelope that it has, so what may have arrived is sent again as it is. */
  async send(
    envelope: Envelope,
    _to: Did,
    _again?: unknown,
    onReceipt?: (receipt: Envelope) => void,
  ): Promise<Result<void>> {
    const { relayUrl, timeoutMs = 10_000, retries = 4 } = this.#options;
    const { signal } = this.#closed;
    if (signal.aborted) return err(xlinkError('SEND_FAILED', { cause: signal.reason }));
    const url = below(relayUrl, '/relay/send');
    return postEnvelope(envelope, {
      url,
      timeoutMs,
      retries,
      signal,
      fetch: this.#fetch,
      backoff: this.#backoff,
      onReceipt,
    });
  }

  onReceive(handler: Handler): void {
    this.#handlers.add(handler);
    this.#start();
  }

  /** What is under way is given up; what was not acknowledged stays at the relay. */
  dispose(): void {
    this.#handlers.clear();
    this.#closed.abort(new Error('the transport was disposed'));
  }

  #start(): void {
    const session = this.#session;
    const { signal } = this.#closed;
    if (!session || this.#handlers.size === 0 || this.#isReceiving || signal.aborted) return;
    this.#isReceiving = true;
    const source = this.#source(session);
    signal.addEventListener('abort', () => source.close(), { once: true });
    const { waitMs = 25_000, onError = () => {} } = this.#options;
    const reply = async (receipt: Envelope) => void (await this.send(receipt, receipt.to));
    const take = async (envelope: Envelope, wantsReceipt: boolean) => {
      const arrival = wantsReceipt ? { reply } : undefined;
      for (const handler of this.#handlers) await handler(envelope, arrival);
      signal.throwIfAborted(); // the handlers may have been taken away meanwhile
    };
    const owner = () => session.ready();
    void new Mailbox({ source, owner, take, waitMs, onError, signal, backoff: this.#backoff }).run();
  }

  #source(session: RelaySession): MailboxSource {
    const { relayUrl, webSocket, timeoutMs = 10_000, maxAnswerBytes = 16 * 1024 * 1024 } = this.#options;
    return webSocket
      ? new RelaySocket(session, { relayUrl, webSocket, timeoutMs, maxAnswerBytes })
      : new LongPoll(session);
  }
}
