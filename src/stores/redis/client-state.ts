import { pause } from '../../util/backoff.js';
import type { Deadline } from '../../util/deadline.js';
import {
  hasOneConnection,
  type IoredisClient,
  isIoredis,
  isIoredisCluster,
  isNodeRedisCluster,
  type RedisClient,
} from './client.js';

/** Calls that Redis has not answered, at most: above that nothing more is sent, so that a silent server costs no memory. */
export const MAX_UNANSWERED = 10_000;

/** How long an answer may take before the connection counts as silent, in ms; a longer `timeoutMs` counts instead. */
const SILENT_MS = 1000;
const POLL_MS = 10;

const states = new WeakMap<RedisClient, ClientState>();

/** The one state of a client, however many stores use it. */
export function stateOf(client: RedisClient): ClientState {
  const state = states.get(client) ?? new ClientState(client);
  states.set(client, state);
  return state;
}

/** Whether a client can be given a command now: it is connected, and what it was given before is answered. */
export class ClientState {
  readonly #client: RedisClient;
  /** When each call that is unanswered should have been answered at the latest; oldest first. */
  readonly #unanswered = new Set<{ readonly due: number }>();
  readonly #onReady: (() => void)[] = [];
  #connections = 0;
  /** Whether it was connected, or failed to: from then on it reconnects by itself, and is not waited for. */
  #hasTried = false;

  constructor(client: RedisClient) {
    this.#client = client;
    for (const event of ['connect', 'ready']) client.on(event, () => this.#connected());
    client.on('reconnecting', () => {
      this.#hasTried = true;
    });
    onConnection(client, () => {
      this.#connections += 1;
    });
  }

  /** Calls the listener when the client is connected: now, if it is, and again each time. */
  onReady(listener: () => void): void {
    this.#onReady.push(listener);
    if (isReady(this.#client)) listener();
  }

  /** How many connections were made, all nodes of a cluster together. Counted before anything is sent over the new one. */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Begins the work if the client would send it now: one that is away would keep it, and send it when it is back, long
   * after the caller was told that it failed. A client that is connecting for the first time is waited for; one of
   * ioredis that connects at its first command (`lazyConnect`) is told to.
   */
  async run<T>(work: () => Promise<T>, timeoutMs: number, deadline: Deadline): Promise<T> {
    while (!isReady(this.#client)) {
      if (this.#hasTried || isClosed(this.#client)) throw new Error('The Redis client is not connected.');
      connectIfLazy(this.#client);
      await deadline.keep(() => pause(POLL_MS));
    }
    this.#hasTried = true;
    this.#assertAnswering();
    return deadline.keep(() => this.#counted(work, timeoutMs));
  }

  /**
   * A single connection answers in order: behind a command whose time is over, nothing is answered in time. And
   * node-redis gives up a silent connection (`socketTimeout`) only if nothing is written to it.
   */
  #assertAnswering(): void {
    if (this.#unanswered.size >= MAX_UNANSWERED)
      throw new Error(`${MAX_UNANSWERED} commands wait for an answer of Redis.`);
    const [oldest] = this.#unanswered;
    if (oldest && oldest.due < performance.now() && hasOneConnection(this.#client))
      throw new Error('Redis has not answered earlier commands.');
  }

  /** Counts until the client lets go of the work, which may be long after its caller was told that it failed. */
  async #counted<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
    const call = { due: performance.now() + Math.max(timeoutMs, SILENT_MS) };
    this.#unanswered.add(call);
    try {
      return await work();
    } finally {
      this.#unanswered.delete(call);
    }
  }

  #connected(): void {
    if (isReady(this.#client)) for (const listener of this.#onReady) listener();
  }
}

/** Tells of each connection that is made, before anything is sent over it. Not of those of a pool. */
function onConnection(client: RedisClient, listener: () => void): void {
  if (isNodeRedisCluster(client)) {
    client.on('node-connect', listener);
    client.on('node-reconnecting', listener); // version 5 tells of the first connection to a node alone
  } else if (isIoredisCluster(client)) {
    const watch = (node: IoredisClient) => node.on('connect', listener);
    client.nodes().forEach(watch);
    client.on('+node', watch);
  } else client.on('connect', listener);
}

function isReady(client: RedisClient): boolean {
  if (isIoredis(client)) return client.status === 'ready';
  // A cluster of version 5 does not say; it is open before it knows its nodes.
  return client.isReady ?? (client.isOpen && !(isNodeRedisCluster(client) && client.masters.length === 0));
}

/** Nothing is being done to connect it, or it failed before. */
const isClosed = (client: RedisClient): boolean =>
  isIoredis(client) ? !['wait', 'connecting', 'connect'].includes(client.status) : !client.isOpen;

function connectIfLazy(client: RedisClient): void {
  if (isIoredis(client) && client.status === 'wait') client.connect().catch(() => {}); // its status says so
}
