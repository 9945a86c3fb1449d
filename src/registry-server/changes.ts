import { xlinkError } from '../errors/errors.js';
import type { HttpResponse } from '../http/decision.js';
import { changeTag, MAX_WAIT_MS } from '../registry/changes-protocol.js';
import type { ManagedTrustRegistry } from '../registry/managed.js';
import type { Did } from '../types/protocol.js';
import { addressBlock } from '../util/address-block.js';
import { backgroundPause } from '../util/backoff.js';
import { onAbort } from '../util/on-abort.js';
import { Places } from '../util/places.js';
import { ChangeLog } from './change-log.js';
import { jsonResponse, plainProblem } from './responses.js';

export interface ChangesOptions {
  readonly registry: ManagedTrustRegistry;
  readonly maxWaiters: number;
  readonly waitersPerAddress: number;
}

/** Who asks: where from, and a signal for when it is gone. */
export interface Waiter {
  readonly address: string | undefined;
  readonly gone: AbortSignal;
}

/** Answers who asks what changed: at once if something has, else when something does or the time is up. */
export class Changes {
  readonly #registry: ManagedTrustRegistry;
  readonly #log = new ChangeLog();
  readonly #places: Places;
  readonly #closed = new AbortController();
  /** Aborted, and replaced, at every change. */
  #next = new AbortController();
  #stop: (() => void) | undefined;

  constructor({ registry, maxWaiters, waitersPerAddress }: ChangesOptions) {
    this.#registry = registry;
    this.#places = new Places(waitersPerAddress, maxWaiters);
  }

  async answer(query: URLSearchParams, { address, gone }: Waiter): Promise<HttpResponse> {
    if (!this.#registry.onChange) return plainProblem(501, 'No changes are told.');
    if (this.#closed.signal.aborted) return CLOSING;
    this.#stop ??= this.#listen();
    const leave = this.#places.enter(addressBlock(address ?? 'unknown'));
    if (!leave) return plainProblem(503, 'Too many wait for changes.', { 'Retry-After': '1' });
    try {
      const after = query.get('after') ?? '';
      const waitMs = Math.min(Number(query.get('wait')) || 0, MAX_WAIT_MS);
      if (this.#log.since(after).changed?.length === 0) await this.#changeOr(waitMs, gone);
      if (this.#closed.signal.aborted) return CLOSING;
      // Asked last: what is answered now must have been heard until now.
      return this.#isDeaf ? DEAF : jsonResponse(200, this.#log.since(after));
    } finally {
      leave();
    }
  }

  /** Answers all who wait, and listens to the registry no more. */
  close(): void {
    this.#closed.abort();
    this.#next.abort();
    this.#stop?.();
  }

  get #isDeaf(): boolean {
    const feed = this.#registry.changeFeed;
    return feed !== undefined && feed !== 'live';
  }

  #listen(): (() => void) | undefined {
    try {
      return this.#registry.onChange?.((did) => void this.#changed(did));
    } catch (cause) {
      throw xlinkError('LOOKUP_FAILED', { cause }); // it is set up wrongly, which its operator has to know
    }
  }

  async #changed(did: Did | undefined): Promise<void> {
    if (did === undefined) this.#log.addUnknown();
    else this.#log.add(await changeTag(did));
    this.#next.abort();
    if (!this.#closed.signal.aborted) this.#next = new AbortController();
  }

  async #changeOr(waitMs: number, gone: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const unlink = [this.#next.signal, gone].map((signal) => onAbort(signal, () => ended.abort()));
    if (!gone.aborted) await backgroundPause(waitMs, ended.signal);
    for (const each of unlink) each();
  }
}

const DEAF = plainProblem(503, 'Changes are not heard of.', { 'Retry-After': '1' });
const CLOSING = plainProblem(503, 'The server ends.', { Connection: 'close' });
