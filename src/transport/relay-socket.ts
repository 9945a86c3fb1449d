import { xlinkError } from '../errors/errors.js';
import { below } from '../http/base-url.js';
import { refusalIn } from '../http/problem.js';
import type { Did } from '../types/protocol.js';
import { unref } from '../util/backoff.js';
import type { MailboxSource } from './long-poll.js';
import { type Delivery, deliveriesIn, type Pull, SOCKET_REQUEST } from './relay-protocol.js';
import type { RelaySession } from './relay-session.js';

/** The part of a `WebSocket` that is used here: that of browsers and of Node from 22 on, and that of the package `ws`. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

/** A `WebSocket` class: the global one, or that of the package `ws`. */
export type WebSocketClass = new (url: string) => WebSocketLike;

export interface RelaySocketOptions {
  readonly relayUrl: string;
  readonly webSocket: WebSocketClass;
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
}

/** The one who waits for the next frame. */
interface Waiting {
  readonly resolve: (text: string) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Pulls over one WebSocket. Its first frame proves who pulls; after that there is a frame each way for every pull, which
 * also shows that the connection is alive. A connection that fails is given up, and the next pull makes another.
 */
export class RelaySocket implements MailboxSource {
  readonly #session: RelaySession;
  readonly #options: RelaySocketOptions;
  #socket: WebSocketLike | undefined;
  /** Who its proof was by. */
  #did: Did | undefined;
  #waiting: Waiting | undefined;
  #isClosed = false;

  constructor(session: RelaySession, options: RelaySocketOptions) {
    this.#session = session;
    this.#options = options;
  }

  async pull(pull: Pull, did: Did): Promise<readonly Delivery[]> {
    const { timeoutMs } = this.#options;
    try {
      if (this.#did !== did) this.#drop(lost()); // a connection is for one mailbox
      const socket = this.#socket ?? (await this.#open());
      const answer = await this.#ask(() => socket.send(JSON.stringify(pull)), pull.waitMs + timeoutMs);
      const refusal = refusalIn(answer);
      if (refusal) throw refusal;
      return deliveriesIn(answer);
    } catch (error) {
      this.#drop(error);
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#drop(new Error('the transport was disposed'));
  }

  async #open(): Promise<WebSocketLike> {
    const { webSocket, relayUrl, timeoutMs, maxAnswerBytes } = this.#options;
    const proof = await this.#session.proof(SOCKET_REQUEST, {});
    if (this.#isClosed) throw lost();
    this.#did = proof.from;
    const socket = new webSocket(below(relayUrl, '/relay/socket').replace(/^http/, 'ws'));
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket;
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (!isCurrent()) return;
      if (typeof data === 'string' && data.length <= maxAnswerBytes) this.#waiting?.resolve(data);
      else this.#drop(lost());
    };
    socket.onerror = (event: { error?: unknown }) => isCurrent() && this.#drop(lost(event.error));
    socket.onclose = () => isCurrent() && this.#drop(lost());
    const answer = await this.#ask(
      () => (socket.onopen = () => socket.send(JSON.stringify(proof))),
      timeoutMs,
    );
    const refusal = this.#session.noticed(refusalIn(answer));
    if (refusal) throw refusal;
    return socket;
  }

  /** Starts something, and waits for the frame that answers it. */
  #ask(start: () => void, withinMs: number): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      const timer: unknown = setTimeout(
        () => reject(lost(new Error(`no answer within ${withinMs} ms`))),
        withinMs,
      );
      unref(timer);
      const settle = () => {
        clearTimeout(timer as number);
        this.#waiting = undefined;
      };
      this.#waiting = {
        resolve: (text) => {
          settle();
          resolve(text);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      start();
    });
  }

  #drop(error: unknown): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#waiting?.reject(error);
    try {
      socket?.close();
    } catch {
      // it was not open yet
    }
  }
}

const lost = (cause?: unknown) => xlinkError('SEND_FAILED', { cause });
