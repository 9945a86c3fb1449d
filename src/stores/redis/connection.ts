import type { OnWarning } from '../../agent/warnings.js';
import { Deadline } from '../../util/deadline.js';
import { hasPool, type RedisClient } from './client.js';
import { warnOfMissingLimits } from './client-options.js';
import { type ClientState, stateOf } from './client-state.js';
import { type RedisCommand, type RedisCommands, type RedisStore, redisCommands } from './commands.js';
import { ServerWarnings } from './server-warnings.js';

/** What every Redis store is given about its client. */
export interface RedisConnectionOptions {
  readonly client: RedisClient;
  readonly timeoutMs: number;
  readonly onWarning: OnWarning | undefined;
}

/**
 * The way of a store to Redis, over the client of the application. Each call has a time limit that holds even if the
 * client never answers, and is sent at once or not at all. What rejects does so with an error of the client, or one that
 * says what is wrong with it.
 */
export class RedisConnection<S extends RedisStore> {
  readonly #commands: RedisCommands;
  readonly #state: ClientState;
  readonly #timeoutMs: number;
  readonly #hasPool: boolean;
  readonly warnings: ServerWarnings;

  /** `store` says which commands may be sent. */
  constructor(store: S, { client, timeoutMs, onWarning }: RedisConnectionOptions) {
    this.#commands = redisCommands(client, timeoutMs);
    this.#state = stateOf(client);
    this.#timeoutMs = timeoutMs;
    this.#hasPool = hasPool(client);
    this.warnings = new ServerWarnings(store, onWarning);
    warnOfMissingLimits(store, client, onWarning);
    // The script of markers tells of it, too.
    if (store !== 'RedisNonceStore' && store !== 'RedisSequenceStore')
      this.onReady(() => void this.#warnOfPolicies());
  }

  /** Stands before every key of the store: what the client was told to put there (`keyPrefix`), and does not by itself. */
  get keyPrefix(): string {
    return this.#commands.keyPrefix;
  }

  /** Calls the listener when the client is connected: now, if it is, and again each time. */
  onReady(listener: () => void): void {
    this.#state.onReady(listener);
  }

  /** How many connections the client has made since it is known here; `undefined` for a pool, which does not tell. */
  get connections(): number | undefined {
    return this.#hasPool ? undefined : this.#state.connections;
  }

  /** The time of one call, from now. */
  newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`Redis did not answer within ${ms} ms.`));
  }

  /** `key` is the first key of the command, or its channel. */
  call(key: string, command: RedisCommand<S>, deadline = this.newDeadline()): Promise<unknown> {
    return this.#run(() => this.#commands.call(key, command), deadline);
  }

  /**
   * Commands that Redis carries out in this order, if their keys are of one slot: without waiting in between, on one
   * connection, or each after the answer to the one before, where the client has several. Of different slots, they may be
   * carried out at the same time, by different nodes of a cluster. Resolves to the answers.
   */
  inOrder(commands: readonly (readonly [key: string, command: RedisCommand<S>])[]): Promise<unknown[]> {
    const send = async ([key, command]: (typeof commands)[number]) => this.#commands.call(key, command);
    return this.#run(async () => {
      const replies: unknown[] = [];
      await this.each([...commands.entries()], async ([at, command]) => {
        replies[at] = await send(command);
      });
      return replies;
    });
  }

  /** Does the work for each item: at once, or one after the other, so that a pool does not open connections for it. */
  async each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
    if (!this.#hasPool) await Promise.all(items.map(work));
    else for (const item of items) await work(item);
  }

  /** The answers to all of them. Rejects if any of the commands failed; all have keys of one slot, as `key` is. */
  transaction(key: string, commands: readonly RedisCommand<S>[]): Promise<unknown[]> {
    return this.#run(() => this.#commands.transaction(key, commands));
  }

  /** In silence, where the account may not ask. */
  async #warnOfPolicies(): Promise<void> {
    try {
      for (const send of await this.servers()) {
        const info = String(await send(['INFO', 'memory']));
        this.warnings.ofPolicy(/^maxmemory_policy:([\w-]+)/m.exec(info)?.[1] ?? '');
      }
    } catch {
      // asked again after the next connection
    }
  }

  /** For SCAN and INFO: each server that holds some of the keys. */
  async servers(): Promise<readonly ((command: RedisCommand<S>) => Promise<unknown>)[]> {
    const servers = await this.#run(() => this.#commands.servers());
    return servers.map((send) => (command) => this.#run(() => send(command)));
  }

  #run<T>(work: () => Promise<T>, deadline = this.newDeadline()): Promise<T> {
    return this.#state.run(work, this.#timeoutMs, deadline);
  }
}
