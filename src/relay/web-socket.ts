import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/errors.js';
import { problemBody } from '../http/problem.js';
import { SOCKET_REQUEST } from '../transport/relay-protocol.js';
import { unref } from '../util/backoff.js';
import { onAbort } from '../util/on-abort.js';
import { type Outlet, pullOf } from './receive.js';
import type { Receiver } from './receivers.js';
import { Strangers } from './strangers.js';

/** A socket that has not shown who it is by then is closed. */
const PROOF_WITHIN_MS = 10_000;
/** One that says nothing for so long is dead: there is a pull every 30 s. */
const IDLE_MS = 90_000;
/** A version 3 proof takes 8 KiB, a pull with 100 ids 5. */
const MAX_FRAME_BYTES = 64 * 1024;
/** Close codes (RFC 6455 section 7.4.1 and the registry of IANA). */
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;
/** Sockets that have not shown who they are, at most. */
const MAX_STRANGERS = 1000;

/**
 * Recipients that pull over a WebSocket: the first frame is the proof, each further one a pull, and each is answered by
 * one frame. A refusal is a problem document, and the last frame. There is one pull at a time, so a recipient gets no faster than it takes.
 */
export class Sockets {
  readonly #server: WebSocketServer;
  readonly #outlet: Outlet;
  readonly #signal: AbortSignal;
  readonly #onError: (error: XlinkError) => void;
  readonly #strangers: Strangers;

  private constructor(
    server: WebSocketServer,
    outlet: Outlet,
    signal: AbortSignal,
    onError: (error: XlinkError) => void,
    strangersPerAddress: number,
  ) {
    this.#strangers = new Strangers(strangersPerAddress, MAX_STRANGERS);
    this.#server = server;
    this.#outlet = outlet;
    this.#signal = signal;
    this.#onError = onError;
  }

  /** `undefined` where the package `ws` is not installed. */
  static async create(
    outlet: Outlet,
    signal: AbortSignal,
    onError: (error: XlinkError) => void,
    strangersPerAddress: number,
  ): Promise<Sockets | undefined> {
    try {
      const { WebSocketServer } = await import('ws');
      const options = { noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false };
      return new Sockets(new WebSocketServer(options), outlet, signal, onError, strangersPerAddress);
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(code)) return undefined; // imported or required
      throw error;
    }
  }

  /** False if the address has too many that have not shown who they are. */
  accept(address: string, request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (this.#signal.aborted) return false;
    const known = this.#strangers.enter(address, () => socket.destroy());
    if (!known) return false;
    socket.once('close', known); // also where the handshake fails
    this.#server.handleUpgrade(request, socket, head, (webSocket) => void this.#serve(webSocket, known));
    return true;
  }

  async #serve(socket: WebSocket, known: () => void): Promise<void> {
    const frames = new Frames(socket);
    const ended = new AbortController();
    const end = () => {
      ended.abort();
      socket.terminate();
    };
    const unlink = onAbort(this.#signal, end);
    socket.on('error', end);
    socket.once('close', end);
    let receiver: Receiver | undefined;
    try {
      const proof = await frames.next(PROOF_WITHIN_MS, ended.signal);
      const { did } = await this.#outlet.authenticate(proof, SOCKET_REQUEST);
      known();
      receiver = this.#outlet.receivers.enter(did);
      const { refused } = receiver;
      const over = AbortSignal.any([ended.signal, refused]);
      socket.send('{"ready":true}');
      for (;;) {
        const pull = pullOf(JSON.parse(await frames.next(IDLE_MS, over)));
        await this.#outlet.admit(did); // the proof may be hours old
        const answer = await this.#outlet.answer(did, pull, over);
        refused.throwIfAborted();
        socket.send(answer);
      }
    } catch (caught) {
      const thrown = receiver?.refused.aborted ? receiver.refused.reason : caught;
      const error = thrown instanceof SyntaxError ? xlinkError('PARSE_FAILED:SYNTAX') : toXlinkError(thrown);
      if (!ended.signal.aborted) {
        this.#onError(error);
        socket.send(problemBody(error, { authMethod: 'xlink' }));
        socket.close(error.status >= 500 ? TRY_AGAIN_LATER : POLICY_VIOLATION);
        unref(setTimeout(end, 1000));
      }
    } finally {
      receiver?.leave();
      unlink();
    }
  }
}

/** Frames that a client may send before they are asked for. */
const MAX_WAITING = 4;

/** The text frames of a socket, one at a time. */
class Frames {
  readonly #waiting: string[] = [];
  #take: ((frame: string) => void) | undefined;

  constructor(socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary || this.#waiting.length >= MAX_WAITING) return socket.terminate();
      const frame = data.toString('utf8');
      if (this.#take) this.#take(frame);
      else this.#waiting.push(frame);
    });
  }

  /** Rejects with `NETWORK_ERROR` if none comes in time. */
  next(withinMs: number, signal: AbortSignal): Promise<string> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', fail);
        this.#take = undefined;
      };
      const fail = () => {
        settle();
        reject(xlinkError('NETWORK_ERROR'));
      };
      const timer = setTimeout(fail, withinMs);
      unref(timer);
      if (signal.aborted) return fail();
      signal.addEventListener('abort', fail, { once: true });
      this.#take = (frame) => {
        settle();
        resolve(frame);
      };
    });
  }
}
