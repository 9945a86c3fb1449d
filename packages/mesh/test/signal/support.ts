import { createHash } from 'node:crypto';
import { afterEach } from '@jest/globals';
import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import type { SignalChannel } from '../../src/signal/channel.js';
import {
  type CarrierListener,
  MemoryPrekeyDirectory,
  type SignalCarrier,
  type SignalEvent,
  SignalProvider,
  type SignalProviderOptions,
} from '../../src/signal/index.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Calls this after the test; last come, first served. */
export const afterTest = (close: () => unknown): void => void closers.push(close);

/** 32 bytes that follow from a name. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`signal ${name}`).digest());

/** The id of the error that a call ends with. */
export async function idOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as { id?: string }).id ?? `no id: ${error}`;
  }
  return 'no error';
}

export const text = (data: Uint8Array): string => Buffer.from(data).toString('utf8');
export const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

/** One message on its way. */
export interface Parcel {
  readonly from: string;
  readonly to: string;
  readonly message: Uint8Array;
}

/** Carries messages in the process. They wait until `deliver` is called, and the test may do with them what an attacker may. */
export class Post {
  readonly queue: Parcel[] = [];
  readonly #listeners = new Map<string, CarrierListener>();
  /** Set to have sending fail. */
  isDown = false;

  as(did: string): SignalCarrier {
    return {
      send: async (to, message) => {
        if (this.isDown) throw new Error('the carrier is down');
        this.queue.push({ from: did, to, message });
      },
      onMessage: (listener) => {
        this.#listeners.set(did, listener);
        return () => this.#listeners.delete(did);
      },
    };
  }

  /** Delivers everything that waits, and what comes of it, until nothing waits. Those who are away keep what is theirs. */
  async deliver(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      const parcels = this.queue.splice(0);
      const kept: Parcel[] = [];
      for (const parcel of parcels) if (!(await this.hand(parcel))) kept.push(parcel);
      await new Promise((resolve) => setImmediate(resolve));
      const hasMore = this.queue.length > 0;
      this.queue.unshift(...kept);
      if (!hasMore) return;
    }
    throw new Error('it never ends');
  }

  /** Whether it was taken. */
  async hand({ from, to, message }: Parcel): Promise<boolean> {
    const listener = this.#listeners.get(to);
    if (!listener) return false;
    try {
      await listener(from, message);
      return true;
    } catch {
      return false;
    }
  }

  /** Takes all that waits out of the queue. */
  take(): Parcel[] {
    return this.queue.splice(0);
  }
}

/** What agents of a test share. */
export class World {
  readonly registry = new MemoryTrustRegistry();
  readonly directory = new MemoryPrekeyDirectory();
  readonly post = new Post();
  now = 1_800_000_000_000;

  async agent(name: string): Promise<Agent> {
    const made = await Agent.fromSeed({ seed: seedOf(name), registry: this.registry, name });
    if (!made.ok) throw made.error;
    afterTest(() => made.value.dispose());
    return made.value;
  }

  /** A provider that takes every channel, with what it told and what it was sent. */
  async peer(name: string, options: Partial<SignalProviderOptions> = {}): Promise<Peer> {
    const { did, provider, events } = await this.provider(name, options);
    return new Peer(did, provider, events);
  }

  /** A provider, with what it told. */
  async provider(name: string, options: Partial<SignalProviderOptions> = {}) {
    const agent = options.agent ?? (await this.agent(name));
    const events: SignalEvent[] = [];
    const provider = await SignalProvider.start({
      agent,
      directory: this.directory.as(agent.did),
      carrier: this.post.as(agent.did),
      maintenanceMs: 0,
      prekeyPoolSize: 10,
      clock: () => this.now,
      observers: [(event) => void events.push(event)],
      ...options,
    });
    afterTest(() => provider.close());
    return { did: agent.did as string, provider, events };
  }
}

export class Peer {
  readonly did: string;
  readonly provider: SignalProvider;
  readonly events: SignalEvent[];
  readonly inbox: string[] = [];
  readonly #channels = new Map<string, SignalChannel>();

  constructor(did: string, provider: SignalProvider, events: SignalEvent[]) {
    this.did = did;
    this.provider = provider;
    this.events = events;
    provider.onChannel((channel) => this.#use(channel));
  }

  /** The channel to a peer: the one it has, or a new one. */
  async to(other: Peer): Promise<SignalChannel> {
    return this.#channels.get(other.did) ?? this.#use(await this.provider.open({ did: other.did }, {}));
  }

  async send(other: Peer, message: string): Promise<void> {
    await (await this.to(other)).send(bytes(message));
  }

  told(type: SignalEvent['type']): SignalEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  get refused(): string[] {
    return this.events.flatMap((event) => (event.type === 'message-refused' ? [event.id] : []));
  }

  #use(channel: SignalChannel): SignalChannel {
    this.#channels.set(channel.peer.did, channel);
    channel.onMessage((data) => void this.inbox.push(text(data)));
    void channel.closed.then(() => this.#channels.delete(channel.peer.did));
    return channel;
  }
}
