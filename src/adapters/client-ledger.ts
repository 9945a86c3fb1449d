import type { AuthMethod, Clock } from '../types.js';
import type { ClientActivity, ClientId, ClientStore } from './client-store.js';
import { addActivity } from './memory-client-store.js';

/** How long counts are held back before they are written: 5 s. */
const DEFAULT_FLUSH_MS = 5000;

/** Activity of one client since the last write. */
interface Pending {
  keyRequests: number;
  xlinkRequests: number;
  lastKeyUse?: number;
  lastXlinkUse?: number;
  failures: Record<string, number>;
  lastFailure?: number;
}

/** Names of clients come from the validator; this many are held between two writes, further ones are written at once. */
const MAX_PENDING = 10_000;

/**
 * Counts what clients do and writes it to the store now and then, not at every request. What was not written is lost in
 * a crash (at most `flushMs` of counts), and written by {@link ClientLedger.flush} before an orderly stop.
 */
export class ClientLedger {
  readonly #store: ClientStore;
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #onFault: (error: unknown) => void;
  #pending = new Map<ClientId, Pending>();
  /** The writes that are under way. */
  #writing: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    store: ClientStore,
    options: { clock: Clock; flushMs?: number | undefined; onFault: (error: unknown) => void },
  ) {
    this.#store = store;
    this.#clock = options.clock;
    this.#flushMs = options.flushMs ?? DEFAULT_FLUSH_MS;
    this.#onFault = options.onFault;
  }

  keyUsed(client: ClientId): void {
    const pending = this.#of(client);
    pending.keyRequests += 1;
    pending.lastKeyUse = this.#clock();
  }

  xlinkUsed(client: ClientId): void {
    const pending = this.#of(client);
    pending.xlinkRequests += 1;
    pending.lastXlinkUse = this.#clock();
  }

  /** A refused key is a failure, too, but says nothing about how xLink works for the client. */
  failed(client: ClientId, method: AuthMethod, reason: string): void {
    const pending = this.#of(client);
    pending.failures[reason] = (pending.failures[reason] ?? 0) + 1;
    if (method === 'xlink') pending.lastFailure = this.#clock();
    else pending.lastKeyUse = this.#clock();
  }

  /** Writes what is pending, and waits for what is being written. A store that is down keeps it pending; nothing is counted twice. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const written = this.#pending;
    if (written.size > 0) {
      this.#pending = new Map();
      this.#writing = Promise.all([this.#writing, this.#write(written)]).then(() => {});
    }
    await this.#writing;
  }

  async #write(written: ReadonlyMap<ClientId, Pending>): Promise<void> {
    try {
      await this.#store.add(
        [...written].map(([client, pending]): ClientActivity => ({ client, ...pending })),
      );
    } catch (error) {
      this.#onFault(error);
      for (const [client, pending] of written) this.#restore(client, pending);
      this.#schedule();
    }
  }

  #of(client: ClientId): Pending {
    const known = this.#pending.get(client);
    if (known) return known;
    if (this.#pending.size >= MAX_PENDING) void this.flush();
    const fresh: Pending = { keyRequests: 0, xlinkRequests: 0, failures: {} };
    this.#pending.set(client, fresh);
    this.#schedule();
    return fresh;
  }

  #restore(client: ClientId, lost: Pending): void {
    const now = this.#pending.get(client);
    if (!now) {
      this.#pending.set(client, lost);
      return;
    }
    Object.assign(now, addActivity(lost, now));
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.flush(), this.#flushMs);
    (this.#timer as { unref?: () => void }).unref?.();
  }
}
