import type { FeedConnection } from '../../registry/change-feed.js';
import type { Deadline } from '../../util/deadline.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import type { PostgresClient } from './types.js';

export interface Subscriber {
  /** A name that needs no escaping. */
  readonly channel: string;
  readonly heard: (payload: string) => void;
  /** The connection broke: nothing is heard any more. */
  readonly lost: () => void;
}

/** The one connection of a pool that listens, for as long as there are subscribers, whichever stores they belong to. */
export class PostgresListener {
  readonly #connect: (deadline: Deadline) => Promise<PostgresClient>;
  readonly #turns = new KeyedMutex<PostgresListener>();
  /** Of the connection there is. */
  readonly #subscribers = new Set<Subscriber>();
  #client: PostgresClient | undefined;

  constructor(connect: (deadline: Deadline) => Promise<PostgresClient>) {
    this.#connect = connect;
  }

  /** Rejects when the time is up. Each `ping` has the time of a new deadline. */
  async listen(newDeadline: () => Deadline, subscriber: Subscriber): Promise<FeedConnection> {
    const deadline = newDeadline();
    const subscribe = async () => {
      const client = this.#client ?? (await this.#open(deadline));
      this.#subscribers.add(subscriber);
      await this.#query(client, deadline, `LISTEN "${subscriber.channel}"`);
    };
    const close = () => this.#close(subscriber, newDeadline);
    await deadline.keep(() => this.#inTurn(deadline, subscribe), close);
    return { ping: () => this.#ping(subscriber, newDeadline()), close };
  }

  /** Statements are sent one by one: `pg` does not want several to wait at a client. */
  #inTurn<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(this, async () => {
      deadline.assertLeft(0); // a turn that comes too late says nothing against the connection
      return work();
    });
  }

  async #open(deadline: Deadline): Promise<PostgresClient> {
    const client = await this.#connect(deadline);
    this.#client = client;
    const lost = () => this.#drop(client);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ channel, payload }: { channel: string; payload?: string }) => {
      if (!payload) return;
      for (const subscriber of [...this.#subscribers])
        if (subscriber.channel === channel) subscriber.heard(payload);
    });
    client.unref?.(); // who only listens does not keep the process alive
    return client;
  }

  #ping(subscriber: Subscriber, deadline: Deadline): Promise<void> {
    return this.#inTurn(deadline, async () => {
      const client = this.#subscribers.has(subscriber) ? this.#client : undefined;
      if (!client) throw new Error('The connection is closed.');
      await this.#query(client, deadline, 'SELECT 1');
    });
  }

  #close(subscriber: Subscriber, newDeadline: () => Deadline): void {
    if (!this.#subscribers.delete(subscriber)) return;
    if (this.#subscribers.size === 0) this.#drop(this.#client);
    else {
      const deadline = newDeadline();
      this.#inTurn(deadline, () => this.#unlisten(subscriber.channel, deadline)).catch(() => {});
    }
  }

  async #unlisten(channel: string, deadline: Deadline): Promise<void> {
    const isWanted = [...this.#subscribers].some((one) => one.channel === channel);
    if (this.#client && !isWanted) await this.#query(this.#client, deadline, `UNLISTEN "${channel}"`);
  }

  /** A connection that does not answer is of no use to any subscriber. */
  async #query(client: PostgresClient, deadline: Deadline, sql: string): Promise<void> {
    try {
      await deadline.keep(() => client.query(sql));
    } catch (error) {
      this.#drop(client);
      throw error;
    }
  }

  #drop(client: PostgresClient | undefined): void {
    if (!client || this.#client !== client) return;
    this.#client = undefined;
    const subscribers = [...this.#subscribers];
    this.#subscribers.clear();
    client.release(true);
    for (const { lost } of subscribers) lost();
  }
}
