import { MeshError } from '../errors/mesh-error.js';

/** Carries whole messages in order: a TCP connection with lengths, or a WebSocket. */
export interface MessagePipe {
  /** Whether a byte of the other side has come. */
  readonly hasBegun: boolean;
  /** Hands a message over; resolves when it may be followed by more. Rejects with `CHANNEL_CLOSED` when the connection has ended. */
  send(message: Uint8Array): Promise<void>;
  /** From now on, and for what waited: who takes messages, and who is told of the end. */
  attach(onMessage: (message: Uint8Array) => void, onEnd: (error?: unknown) => void): void;
  /** Stops reading, or goes on. */
  hold(isHeld: boolean): void;
  /** Ends the connection once all was sent. */
  end(): void;
  /** Ends the connection at once. */
  destroy(): void;
}

/** What of a pipe is the same whatever it goes over: messages and the end wait until somebody takes them. */
export class PipeEnd {
  #onMessage: ((message: Uint8Array) => void) | undefined;
  #onEnd: ((error?: unknown) => void) | undefined;
  #waiting: Uint8Array[] = [];
  #ended: { readonly error: unknown } | undefined;

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** Messages that nobody has taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  attach(onMessage: (message: Uint8Array) => void, onEnd: (error?: unknown) => void): void {
    this.#onMessage = onMessage;
    this.#onEnd = onEnd;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#onMessage(message);
    if (this.#ended) onEnd(this.#ended.error);
  }

  message(message: Uint8Array): void {
    if (this.#ended) return;
    if (this.#onMessage) this.#onMessage(message);
    else this.#waiting.push(message);
  }

  over(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = { error };
    this.#onEnd?.(error);
  }
}

/** The messages of a pipe one by one, for a handshake. At most two may wait: nobody has a right to send more before it is over. */
export class PipeReader {
  readonly #pipe: MessagePipe;
  readonly #messages: Uint8Array[] = [];
  #waiting: { resolve(message: Uint8Array): void; reject(error: unknown): void } | undefined;
  #ended: MeshError | undefined;
  #onFailure: ((error: MeshError) => void) | undefined;

  constructor(pipe: MessagePipe) {
    this.#pipe = pipe;
    pipe.attach(
      (message) => this.#take(message),
      (cause) => this.fail(new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause })),
    );
  }

  /** The next message. */
  receive(): Promise<Uint8Array> {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Ends the handshake. */
  fail(error: MeshError): void {
    this.#ended ??= error;
    this.#onFailure?.(this.#ended);
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  /** What the work resolves to, unless the handshake fails before. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.#onFailure = reject;
      if (this.#ended) reject(this.#ended);
    });
  }

  /** Throws what ended the handshake. */
  assertOpen(): void {
    if (this.#ended) throw this.#ended;
  }

  /** What came too early for the handshake and belongs to the channel. */
  rest(): Uint8Array[] {
    return this.#messages.splice(0);
  }

  #take(message: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve(message);
    else {
      this.#messages.push(message);
      if (this.#messages.length >= 2) this.#pipe.hold(true);
    }
  }
}
