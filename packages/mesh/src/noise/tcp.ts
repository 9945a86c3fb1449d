import type { Socket } from 'node:net';
import { MeshError } from '../errors/mesh-error.js';
import { MAX_MESSAGE } from './cipher.js';
import { type MessagePipe, PipeEnd } from './pipe.js';

/** Silence after which the system asks whether the other side is there, in ms: one that lost its power says no goodbye. */
export const KEEP_ALIVE_MS = 60_000;

/** Noise messages over TCP: each after its length as u16, big-endian. */
export class TcpPipe implements MessagePipe {
  readonly #socket: Socket;
  readonly #end = new PipeEnd();
  #draining: Promise<void> | undefined;
  #pending: Buffer[] = [];
  #bytes = 0;
  #wanted = 2;
  #hasLength = false;
  hasBegun = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Buffer) => {
      this.hasBegun = true;
      this.#take(chunk);
    });
    socket.on('error', (error) => this.#end.over(error));
    socket.on('end', () => this.#end.over());
    socket.on('close', () => this.#end.over());
  }

  send(message: Uint8Array): Promise<void> {
    if (message.length > MAX_MESSAGE)
      return Promise.reject(new MeshError('NOISE_LIMIT:SIZE', { field: 'message' }));
    if (this.#end.isOver || !this.#socket.writable) return Promise.reject(new MeshError('CHANNEL_CLOSED'));
    const frame = Buffer.allocUnsafe(message.length + 2);
    frame.writeUInt16BE(message.length, 0);
    frame.set(message, 2);
    if (this.#socket.write(frame)) return Promise.resolve();
    return this.#drained();
  }

  attach(onMessage: (message: Uint8Array) => void, onEnd: (error?: unknown) => void): void {
    this.#end.attach(onMessage, onEnd);
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.pause();
    else this.#socket.resume();
  }

  end(): void {
    this.#end.over();
    this.#socket.resume();
    this.#socket.end();
    // A peer that never ends its half must not keep the connection.
    const timer = setTimeout(() => this.#socket.destroy(), 2_000);
    timer.unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#end.over();
    this.#socket.destroy();
  }

  /** One wait for all that was written meanwhile. */
  #drained(): Promise<void> {
    this.#draining ??= new Promise<void>((resolve, reject) => {
      const settle = () => {
        this.#draining = undefined;
        this.#socket.off('drain', settle);
        this.#socket.off('close', settle);
        if (this.#socket.destroyed) reject(new MeshError('CHANNEL_CLOSED'));
        else resolve();
      };
      this.#socket.on('drain', settle);
      this.#socket.on('close', settle);
    });
    return this.#draining;
  }

  #take(chunk: Buffer): void {
    this.#pending.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return;
    let data = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending, this.#bytes);
    while (data.length >= this.#wanted && !this.#end.isOver) {
      const part = data.subarray(0, this.#wanted);
      data = data.subarray(this.#wanted);
      if (this.#hasLength) this.#end.message(part);
      this.#wanted = this.#hasLength ? 2 : part.readUInt16BE(0);
      this.#hasLength = !this.#hasLength;
    }
    this.#pending = data.length > 0 ? [data] : [];
    this.#bytes = data.length;
  }
}
