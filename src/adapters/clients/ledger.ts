import { defaultProvider } from '#provider';
import type { AuthMethod } from '../../types/mode.js';
import type { ClientId, Clock } from '../../types/protocol.js';
import { unref } from '../../util/backoff.js';
import { encodeBase64url } from '../../util/base64url.js';
import type { ClientActivity, ClientStore } from './store.js';

/** How long counts are held back before they are written: 5 s. */
const DEFAULT_FLUSH_MS = 5000;

/** How often it is written that keys of open requests are still in use, for reports of other instances. */
const STILL_IN_USE_MS = 60_000;

/** Activity of one client since the last write. */
interface Pending {
  keyRequests: number;
  xlinkRequests: number;
  signatureRequests?: number;
  lastKeyUse?: number;
  lastXlinkUse?: number;
  failures: Record<string, number>;
  lastFailure?: number;
}

/** Activity that is on its way to the store, and how the store recognizes it when it is given again. */
interface Batch {
  readonly name: string;
  readonly activity: readonly ClientActivity[];
}

/** Names of clients come from the validator; this many are held between two writes, further ones are written at once. */
const MAX_PENDING = 10_000;

/**
 * Counts what clients do and writes it to the store now and then, not at every request. What was not written is lost in
 * a crash (at most `flushMs` of counts while the store is up), and written by {@link ClientLedger.flush} before an orderly stop.
 */
export class ClientLedger {
  readonly #store: ClientStore;
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #onFault: (error: unknown) => void;
  #pending = new Map<ClientId, Pending>();
  /** What the store did not confirm; it may have it all the same. */
  #unconfirmed: Batch[] = [];
  #isRetrying = false;
  /** The writes that are under way. */
  #writing: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Requests by key that are open, such as event streams and WebSockets. */
  readonly #open = new Map<ClientId, number>();
  #openTimer: ReturnType<typeof setInterval> | undefined;

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

  /** A request by key stays open: the key is in use until {@link ClientLedger.keyReleased}. */
  keyHeld(client: ClientId): void {
    this.#open.set(client, (this.#open.get(client) ?? 0) + 1);
    if (this.#openTimer) return;
    this.#openTimer = setInterval(() => this.#noteOpen(), STILL_IN_USE_MS);
    unref(this.#openTimer);
  }

  /** Such a request is over. */
  keyReleased(client: ClientId): void {
    const left = (this.#open.get(client) ?? 0) - 1;
    if (left > 0) this.#open.set(client, left);
    else this.#open.delete(client);
    this.#of(client).lastKeyUse = this.#clock();
  }

  #noteOpen(): void {
    if (this.#open.size === 0) {
      clearInterval(this.#openTimer);
      this.#openTimer = undefined;
    }
    const now = this.#clock();
    for (const client of this.#open.keys()) this.#of(client).lastKeyUse = now;
  }

  xlinkUsed(client: ClientId, form?: 'envelope' | 'session' | 'signature'): void {
    const pending = this.#of(client);
    pending.xlinkRequests += 1;
    if (form === 'signature') pending.signatureRequests = (pending.signatureRequests ?? 0) + 1;
    pending.lastXlinkUse = this.#clock();
  }

  /** A refused key is a failure, too, but says nothing about how xLink works for the client. */
  failed(client: ClientId, method: AuthMethod, reason: string): void {
    const pending = this.#of(client);
    pending.failures[reason] = (pending.failures[reason] ?? 0) + 1;
    if (reason === 'CLIENT_LIMIT_EXCEEDED') return; // it was authenticated
    if (method === 'xlink') pending.lastFailure = this.#clock();
    else pending.lastKeyUse = this.#clock();
  }

  /**
   * Writes what is pending, and that keys of open requests are in use now, and waits for what is being written. A store that is down gets the same batch again later, as
   * it was, and nothing else until it has taken that; nothing is counted twice.
   */
  async flush(): Promise<void> {
    this.#noteOpen();
    await this.#flush();
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = Promise.all([this.#writing, this.#writeAll()]).then(() => {});
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    if (this.#isRetrying) return; // and when it is through, it writes what is pending, too
    if (this.#unconfirmed.length > 0) {
      this.#isRetrying = true;
      const isThrough = await this.#retry();
      this.#isRetrying = false;
      if (!isThrough) return;
    }
    if (this.#pending.size === 0) return;
    const activity = [...this.#pending].map(([client, pending]): ClientActivity => ({ client, ...pending }));
    this.#pending = new Map();
    await this.#write({ name: encodeBase64url(defaultProvider().randomBytes(16)), activity });
  }

  async #retry(): Promise<boolean> {
    const again = this.#unconfirmed;
    this.#unconfirmed = [];
    while (again.length > 0) {
      if (await this.#write(again.shift()!)) continue;
      this.#unconfirmed.push(...again);
      return false;
    }
    return true;
  }

  /** False if the store did not confirm it. */
  async #write(batch: Batch): Promise<boolean> {
    try {
      await this.#store.add(batch.activity, batch.name);
      return true;
    } catch (error) {
      this.#onFault(error);
      this.#unconfirmed.push(batch);
      this.#schedule();
      return false;
    }
  }

  #of(client: ClientId): Pending {
    const known = this.#pending.get(client);
    if (known) return known;
    if (this.#pending.size >= MAX_PENDING) void this.#flush();
    const fresh: Pending = { keyRequests: 0, xlinkRequests: 0, failures: {} };
    this.#pending.set(client, fresh);
    this.#schedule();
    return fresh;
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#flush(), this.#flushMs);
    unref(this.#timer);
  }
}
