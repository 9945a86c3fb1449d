import type { Did } from '../types/protocol.js';
import { backgroundPause } from '../util/backoff.js';
import { within } from '../util/deadline.js';
import type { FeedState } from './managed.js';

/** A connection over which a backend tells of changes. */
export interface FeedConnection {
  /** Resolves when all that changed before was told. Rejects, or never settles, if the connection is dead. */
  ping(): Promise<unknown>;
  /** Must not throw. */
  close(): void;
}

/**
 * Opens a connection and subscribes. `heard` is called with what is told (`undefined`: anything may have changed), `lost`
 * when the connection breaks. A rejection must leave nothing open.
 */
export type OpenFeed = (heard: (did: Did | undefined) => void, lost: () => void) => Promise<FeedConnection>;

export interface ChangeFeedOptions {
  readonly open: OpenFeed;
  /** Told of each change, and `undefined` after every (re)connection: what was told before it was missed. */
  readonly announce: (did: Did | undefined) => void;
  /** How long opening and each ping may take, in ms. */
  readonly timeoutMs: number;
  /** The pause between one ping and the next, in ms: a frozen network says nothing by itself. */
  readonly heartbeatMs: number;
  /** How long a healthy ping takes, in ms. Default 0: no longer than the network. */
  readonly pingMs?: number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** A ping may be so much later than it should be before the feed counts as down. */
const GRACE_MS = 500;

/**
 * Keeps one subscription to changes open for as long as there are listeners: it reconnects by itself, for ever. It is
 * `live` only while pings are answered when they should be; a connection is given up `timeoutMs` after a ping.
 */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #listeners = new Set<object>();
  /** Ends the running loop; absent without listeners. */
  #stop: (() => void) | undefined;
  #state: FeedState = 'off';
  /** When the connection last proved that nothing was missed; by `performance.now`. */
  #provenAt = 0;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
  }

  get state(): FeedState {
    const { heartbeatMs, pingMs = 0 } = this.#options;
    const isLate = performance.now() - this.#provenAt > heartbeatMs + pingMs + GRACE_MS;
    return this.#state === 'live' && isLate ? 'down' : this.#state;
  }

  /** Keeps the feed open until the returned function is called as often as this one was. */
  listen(): () => void {
    const listener = {};
    this.#listeners.add(listener);
    if (!this.#stop) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.close();
    };
  }

  /** Ends it for all listeners. */
  close(): void {
    this.#listeners.clear();
    this.#stop?.();
    this.#stop = undefined;
    this.#state = 'off';
  }

  #start(): void {
    const run = new AbortController();
    this.#stop = () => run.abort();
    this.#state = 'down';
    void this.#keepOpen(run.signal);
  }

  async #keepOpen(signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        await this.#openOnce(signal, () => {
          pauseMs = FIRST_PAUSE_MS;
        });
      } catch {
        // whatever it was: it is tried again
      }
      if (signal.aborted) return;
      this.#state = 'down';
      await backgroundPause(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  /** Returns, or throws, when the connection is of no more use. */
  async #openOnce(signal: AbortSignal, opened: () => void): Promise<void> {
    const { open, announce, timeoutMs, heartbeatMs } = this.#options;
    const ended = new AbortController();
    const over = ended.signal;
    const end = () => ended.abort();
    const heard = (did: Did | undefined) => {
      if (!over.aborted) announce(did);
    };
    const connection = await within(timeoutMs, open(heard, end), silent, (late) => late.close());
    signal.addEventListener('abort', end);
    try {
      if (signal.aborted || over.aborted) return;
      this.#state = 'live';
      this.#provenAt = performance.now();
      opened();
      announce(undefined);
      for (;;) {
        await backgroundPause(heartbeatMs, over);
        if (over.aborted) return;
        await within(timeoutMs, connection.ping(), silent);
        this.#provenAt = performance.now();
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
      connection.close();
    }
  }
}

const silent = () => new Error('The connection for changes does not answer.');
