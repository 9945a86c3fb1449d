import type { MeshError } from '../../errors/mesh-error.js';
import { Assembler, type FragmentPacket } from './packet.js';

/** Times of retransmission, in ms. */
export interface RetransmitTimes {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** One handshake over UDP: puts messages together, sends them again, and ends with the first error. */
export class UdpHandshake {
  readonly #times: RetransmitTimes;
  readonly #send: (packet: Uint8Array) => void;
  #assembler = new Assembler();
  #messages: Uint8Array[] = [];
  #waiting: { resolve(message: Uint8Array): void; reject(error: unknown): void } | undefined;
  #error: MeshError | undefined;
  #packets: () => readonly Uint8Array[] = () => [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(times: RetransmitTimes, send: (packet: Uint8Array) => void) {
    this.#times = times;
    this.#send = send;
  }

  /** Sends the packets now, and with `repeat` again and again until the next message comes or {@link UdpHandshake.stop}. */
  put(packets: () => readonly Uint8Array[], repeat: boolean): void {
    this.#packets = packets;
    this.again();
    clearTimeout(this.#timer);
    if (repeat) this.#schedule(this.#times.firstMs);
  }

  /** Sends the newest packets once more. */
  again(): void {
    for (const packet of this.#packets()) this.#send(packet);
  }

  /** Takes a piece of the message that is due. */
  take(fragment: FragmentPacket): void {
    const message = this.#assembler.add(fragment);
    if (!message) return;
    this.#assembler = new Assembler();
    this.stop();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve(message);
    else this.#messages.push(message);
  }

  /** The next message. */
  receive(): Promise<Uint8Array> {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Sends nothing more by itself. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Ends the handshake. */
  fail(error: MeshError): void {
    this.#error ??= error;
    this.stop();
    this.#waiting?.reject(this.#error);
    this.#waiting = undefined;
  }

  #schedule(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.again();
      this.#schedule(Math.min(this.#times.maxMs, waitMs * 2));
    }, waitMs);
    this.#timer.unref();
  }
}
