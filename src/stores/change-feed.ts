import type { FeedState } from '../registry/managed.js';
import type { Did } from '../types/protocol.js';
import { within } from '../util/deadline.js';

/** A connection over which a backend tells of changes. */
export interface FeedConnection {
  /** Rejects, or never settles, if the connection is dead. */
  ping(): Promise<unknown>;
  /** Must not throw. */
  close(): void;
}

/**
 * Opens a connection and subscribes. `heard` is called with what is told, `lost` when the connection breaks. A rejection
 * must leave nothing open.
 */
export type OpenFeed = (heard: (did: Did) => void, lost: () => void) => Promise<FeedConnection>;

export interface ChangeFeedOptions {
  readonly open: OpenFeed;
  /** Told of each change, and `undefined` after every (re)connection: what was told before it was missed. */
  readonly announce: (did: Did | undefined) => void;
  /** How long opening and each ping may take, in ms. */
  readonly timeoutMs: number;
  /** How often the connection is tried, in ms: a frozen network says nothing by itself. */
  readonly heartbeatMs: number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

/** Keeps one subscription to changes open for as long as there are listeners: it reconnects by itself, for ever. */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #listeners = new Set<object>();
  /** Ends the running loop; absent without listeners. */
  #stop: (() => void) | undefined;
  #state: FeedState = 'off';

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
  }

  get state(): FeedState {
    return this.#state;
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
      await pause(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  /** Returns, or throws, when the connection is of no more use. */
  async #openOnce(signal: AbortSignal, opened: () => void): Promise<void> {
    const { open, announce, timeoutMs, heartbeatMs } = this.#options;
    const ended = new AbortController();
    const over = ended.signal;
    const end = () => ended.abort();
    const heard = (did: Did) => {
      if (!over.aborted) announce(did);
    };
    const connection = await within(timeoutMs, open(heard, end), silent, (late) => late.close());
    signal.addEventListener('abort', end);
    try {
      if (signal.aborted || over.aborted) return;
      this.#state = 'live';
      opened();
      announce(undefined);
      for (;;) {
        await pause(heartbeatMs, over);
        if (over.aborted) return;
        await within(timeoutMs, connection.ping(), silent);
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
      connection.close();
    }
  }
}

const silent = () => new Error('The connection for changes does not answer.');

/** Does not keep the process alive. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    (timer as { unref?: () => void }).unref?.();
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
