import { MeshError } from '../errors/mesh-error.js';
import { MAX_MESSAGE } from './cipher.js';
import { type MessagePipe, PipeEnd } from './pipe.js';

/** The subprotocol that both sides must name. */
export const SUBPROTOCOL = 'xlink-noise.v1';
const HIGH_WATER = 1_048_576;

/** What is used of a WebSocket of the package `ws`. */
export interface WsSocket {
  readonly protocol: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: Uint8Array, sent: (error?: Error | null) => void): void;
  close(code?: number): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  on(event: 'message', listener: (data: Uint8Array, isBinary: boolean) => void): unknown;
  on(event: 'close' | 'open', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Noise messages over a WebSocket: each one binary message. */
export class WebSocketPipe implements MessagePipe {
  readonly #socket: WsSocket;
  readonly #end = new PipeEnd();
  hasBegun = false;

  constructor(socket: WsSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      this.hasBegun = true;
      if (isBinary && data.length <= MAX_MESSAGE) this.#end.message(data);
      else {
        this.#end.over(new MeshError(isBinary ? 'NOISE_LIMIT:SIZE' : 'NOISE_DECRYPT_FAILED'));
        socket.close(1003);
      }
    });
    socket.on('error', (error) => this.#end.over(error));
    socket.on('close', () => this.#end.over());
  }

  send(message: Uint8Array): Promise<void> {
    if (this.#end.isOver || this.#socket.readyState !== 1)
      return Promise.reject(new MeshError('CHANNEL_CLOSED'));
    return new Promise((resolve, reject) => {
      const isSlow = this.#socket.bufferedAmount > HIGH_WATER;
      this.#socket.send(message, (cause) => {
        if (cause) reject(new MeshError('CHANNEL_CLOSED', { cause }));
        else resolve();
      });
      if (!isSlow) resolve();
    });
  }

  attach(onMessage: (message: Uint8Array) => void, onEnd: (error?: unknown) => void): void {
    this.#end.attach(onMessage, onEnd);
  }

  hold(isHeld: boolean): void {
    if (this.#socket.readyState !== 1) return;
    if (isHeld) this.#socket.pause();
    else this.#socket.resume();
  }

  end(): void {
    this.#end.over();
    this.#socket.resume();
    this.#socket.close(1000);
  }

  destroy(): void {
    this.#end.over();
    this.#socket.terminate();
  }
}
