import type { Did } from '../types/protocol.js';
import { backgroundPause } from '../util/backoff.js';
import type { FeedConnection, OpenFeed } from './change-feed.js';
import { changesIn, MAX_POSITIONS, positionsText } from './changes-protocol.js';
import { ask, type ExchangeOptions } from './http-exchange.js';
import type { KnownDids } from './known-dids.js';

export interface HttpFeedOptions {
  readonly exchange: ExchangeOptions;
  /** How long the registry is asked to wait for a change before it answers that there is none, in ms. */
  readonly waitMs: number;
  readonly known: KnownDids;
}

/** A feed over HTTP: one request after the other, each of which the registry answers when there is a change. */
export const openHttpFeed =
  (options: HttpFeedOptions): OpenFeed =>
  async (heard) => {
    const feed = new HttpFeed(options, heard);
    await feed.poll(0);
    return feed;
  };

class HttpFeed implements FeedConnection {
  readonly #options: HttpFeedOptions;
  readonly #heard: (did: Did | undefined) => void;
  /** By server: several may be behind the address, and each of them counts for itself. */
  readonly #positions = new Map<string, number>();
  readonly #closed = new AbortController();

  constructor(options: HttpFeedOptions, heard: (did: Did | undefined) => void) {
    this.#options = options;
    this.#heard = heard;
  }

  ping(): Promise<void> {
    return this.poll(this.#options.waitMs);
  }

  close(): void {
    this.#closed.abort();
  }

  /** Takes `waitMs` if nothing changes, also if the registry is in more of a hurry. */
  async poll(waitMs: number): Promise<void> {
    const { exchange } = this.#options;
    const began = performance.now();
    const answer = await ask(
      { method: 'GET', path: `/registry/changes?wait=${waitMs}&after=${positionsText(this.#positions)}` },
      { ...exchange, timeoutMs: exchange.timeoutMs + waitMs, signal: this.#closed.signal },
    );
    if (answer.status !== 200) throw new Error(`the registry answered with status ${answer.status}`);
    const { server, position, changed } = changesIn(answer.body);
    this.#remember(server, position);
    this.#tell(changed);
    if (changed?.length === 0)
      await backgroundPause(waitMs - (performance.now() - began), this.#closed.signal);
  }

  #remember(server: string, position: number): void {
    if (!this.#positions.has(server) && this.#positions.size === MAX_POSITIONS)
      this.#positions.delete(this.#positions.keys().next().value as string);
    this.#positions.set(server, position);
  }

  #tell(changed: readonly string[] | undefined): void {
    const dids = changed?.map((tag) => this.#options.known.find(tag)) ?? [undefined];
    if (dids.includes(undefined)) this.#heard(undefined);
    else for (const did of dids) if (did !== 'none') this.#heard(did);
  }
}
