import type { ChannelPeer, MessageListener } from '../channel.js';

/** Options of {@link Inbox}. */
export interface InboxOptions {
  /** Who sends the messages. */
  readonly from: ChannelPeer;
  /** Told what a listener threw. */
  readonly onFault: (error: unknown) => void;
  /** Called when more bytes wait than `limit`, and when they no longer do. */
  readonly onPressure?: (isFull: boolean) => void;
  /** Bytes that may wait. */
  readonly limit: number;
}

/** Hands messages to listeners, one after the other and in order; keeps them while nobody listens. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #listeners = new Set<MessageListener>();
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isFull = false;
  #isBusy = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Whether more waits than may. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes a message. */
  push(data: Uint8Array): void {
    this.#waiting.push(data);
    this.#bytes += data.length + 64;
    this.#weigh();
    void this.#work();
  }

  /** Adds a listener until the returned function is called. */
  listen(listener: MessageListener): () => void {
    this.#listeners.add(listener);
    void this.#work();
    return () => void this.#listeners.delete(listener);
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#listeners.size > 0 && this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const [at, data] of batch.entries()) {
        if (this.#listeners.size === 0) {
          this.#waiting.unshift(...batch.slice(at));
          break;
        }
        for (const listener of [...this.#listeners]) {
          try {
            const working = listener(data, this.#options.from);
            if (working !== undefined) await working;
          } catch (error) {
            this.#options.onFault(error);
          }
        }
        this.#bytes -= data.length + 64;
        this.#weigh();
      }
    }
    this.#isBusy = false;
  }

  #weigh(): void {
    const isFull = this.#bytes > this.#options.limit;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#options.onPressure?.(isFull);
  }
}
