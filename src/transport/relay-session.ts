import { type XlinkError, xlinkError } from '../errors/errors.js';
import { below } from '../http/base-url.js';
import { type HttpTextResponse, httpCall } from '../http/fetch.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { refusalOf } from '../http/problem.js';
import type { TransportUser } from '../types/ports.js';
import type { Did, Envelope } from '../types/protocol.js';
import { RELAY_SCOPE } from './relay-protocol.js';

export interface RelaySessionOptions {
  readonly relayUrl: string;
  readonly relayDid: Did | undefined;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly signal: AbortSignal;
}

/** One agent at one relay: proves who it is with envelopes that are for this relay, this request, and good once. */
export class RelaySession {
  readonly #options: RelaySessionOptions;
  readonly #user: TransportUser;
  #relayDid: Promise<Did> | undefined;

  constructor(user: TransportUser, options: RelaySessionOptions) {
    this.#user = user;
    this.#options = options;
    if (options.relayDid !== undefined) this.#relayDid = Promise.resolve(options.relayDid);
  }

  /** Whose mailbox it reads: another identity may have taken the place. */
  ready(): Promise<Did> {
    return this.#user.ready();
  }

  /** An envelope that carries `payload` for the request. */
  async proof(request: string, payload: unknown): Promise<Envelope> {
    const to = await this.relayDid();
    return this.#user.createIntroduction({ to, scope: RELAY_SCOPE, request, payload });
  }

  /** As the relay says itself, unless it was given: TLS vouches for it then. */
  async relayDid(): Promise<Did> {
    this.#relayDid ??= this.#askDid();
    try {
      return await this.#relayDid;
    } catch (error) {
      this.#relayDid = undefined;
      throw error;
    }
  }

  /** Rejects with the error of the relay's problem document, or with `SEND_FAILED`. `longerMs`: for an answer that waits. */
  async call(method: 'GET' | 'POST', path: string, body?: string, longerMs = 0): Promise<string> {
    const { relayUrl, fetch, timeoutMs, maxAnswerBytes, signal } = this.#options;
    const url = below(relayUrl, path);
    const headers: Readonly<Record<string, string>> =
      body === undefined ? {} : { 'Content-Type': ENVELOPE_TYPE };
    const call = {
      callee: 'the relay',
      method,
      url,
      headers,
      maxAnswerBytes,
      signal,
      timeoutMs: timeoutMs + longerMs,
    };
    let answer: HttpTextResponse;
    try {
      answer = await httpCall(fetch, body === undefined ? call : { ...call, body });
    } catch (cause) {
      throw xlinkError('SEND_FAILED', { cause });
    }
    if (answer.status === 200) return answer.text;
    const cause = new Error(`HTTP status ${answer.status}`);
    throw this.noticed(refusalOf(answer)) ?? xlinkError('SEND_FAILED', { cause });
  }

  /** A relay that is not the one it was is asked anew who it is, unless its DID was given. */
  noticed(refusal: XlinkError | undefined): XlinkError | undefined {
    if (refusal?.id === 'RECIPIENT_MISMATCH' && this.#options.relayDid === undefined)
      this.#relayDid = undefined;
    return refusal;
  }

  async #askDid(): Promise<Did> {
    const text = await this.call('GET', '/relay');
    try {
      const { did } = JSON.parse(text) as { did?: unknown };
      if (typeof did === 'string') return did; // the agent refuses what is no DID
    } catch {
      // below
    }
    throw xlinkError('SEND_FAILED', { field: 'did' });
  }
}
