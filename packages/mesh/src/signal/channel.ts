import type { ChannelPeer, CloseInfo, MessageListener, SecureChannel } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';
import type { Room } from './waiting.js';

/** What a channel needs of its provider. */
export interface ChannelOwner {
  /** Seals and sends. */
  send(did: string, data: Uint8Array): Promise<void>;
  /** Tells the peer that this side closes. */
  sayClose(did: string, reason: string): Promise<void>;
  /** The channel has ended. */
  ended(channel: SignalChannel): void;
  /** A listener failed. */
  failed(did: string, error: unknown): void;
}

/** A channel to one peer. Its session outlives it: the next channel goes on in it. */
export class SignalChannel implements SecureChannel {
  readonly kind = 'signal';
  /** Its first keys are of PQXDH. */
  readonly postQuantum = true;
  readonly peer: ChannelPeer;
  readonly closed: Promise<CloseInfo>;
  readonly #owner: ChannelOwner;
  readonly #listeners = new Set<MessageListener>();
  readonly #waiting: { readonly data: Uint8Array; letGo(): void }[] = [];
  #end: ((info: CloseInfo) => void) | undefined;

  constructor(peer: ChannelPeer, owner: ChannelOwner) {
    this.peer = peer;
    this.#owner = owner;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Whether somebody listens: messages then do not wait in it. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Resolves once the carrier has it: the peer, or a relay that keeps it. Rejects with `CHANNEL_CLOSED` or `SIGNAL_…`. */
  async send(data: Uint8Array): Promise<void> {
    if (!this.#end) throw new MeshError('CHANNEL_CLOSED');
    await this.#owner.send(this.peer.did, data);
  }

  onMessage(listener: MessageListener): () => void {
    this.#listeners.add(listener);
    for (const { data, letGo } of this.#waiting.splice(0)) void this.#hand(listener, data).finally(letGo);
    return () => this.#listeners.delete(listener);
  }

  async close(reason = ''): Promise<void> {
    if (!this.#end) return;
    this.#finish({ by: 'local', ...(reason ? { reason } : {}) });
    await this.#owner.sayClose(this.peer.did, reason);
  }

  /** Ends it for another reason than `close`. */
  endedBy(info: CloseInfo): void {
    if (this.#end) this.#finish(info);
  }

  /** Hands out a message, or keeps it in its room while nobody listens. Its state was written before. */
  async deliver(data: Uint8Array, room: Room): Promise<void> {
    if (!this.isHeard) this.#waiting.push({ data, letGo: room.keep() });
    await Promise.all([...this.#listeners].map((listener) => this.#hand(listener, data)));
  }

  async #hand(listener: MessageListener, data: Uint8Array): Promise<void> {
    try {
      await listener(data, this.peer);
    } catch (error) {
      this.#owner.failed(this.peer.did, error);
    }
  }

  #finish(info: CloseInfo): void {
    this.#end?.(info);
    this.#end = undefined;
    // A listener that is still to come gets it, but it is the application's from now on.
    for (const { letGo } of this.#waiting) letGo();
    this.#owner.ended(this);
  }
}
