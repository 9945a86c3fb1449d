import type { ChannelKind, ChannelPeer, CloseInfo, MessageListener, SecureChannel } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';

/** What a routed channel asks of its router. */
export interface ChannelOwner {
  /** Another channel in the place of one that was lost; rejects where there is none. */
  replace(lost: SecureChannel, info: CloseInfo): Promise<SecureChannel>;
  /** Told when the channel has ended for good. */
  ended(channel: RoutedChannel, info: CloseInfo): void;
  /** The roles of a DID. */
  rolesOf(did: string): readonly string[];
  /** Told what a listener threw. */
  fault(error: unknown): void;
}

/**
 * The channel that applications hold: what carries it may change beneath it. While it changes, `send` waits; what was sent before may
 * have been lost with a channel that broke, and is not sent again.
 */
export class RoutedChannel implements SecureChannel {
  readonly peer: ChannelPeer;
  readonly closed: Promise<CloseInfo>;
  readonly #owner: ChannelOwner;
  readonly #listeners = new Set<MessageListener>();
  /** What may still bring messages, with what ends listening. */
  readonly #carriers = new Map<SecureChannel, (() => void) | undefined>();
  readonly #drainMs: number;
  #current: SecureChannel;
  #replacing: Promise<unknown> | undefined;
  #end!: (info: CloseInfo) => void;
  #info: CloseInfo | undefined;

  /** `drainMs`: how long a channel that was replaced stays open for what is still under way. */
  constructor(first: SecureChannel, owner: ChannelOwner, drainMs: number) {
    this.#drainMs = drainMs;
    const { did } = first.peer;
    this.peer = Object.freeze({ did, roles: first.kind === 'mls' ? Object.freeze([]) : owner.rolesOf(did) });
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#owner = owner;
    this.#current = first;
    this.carry(first);
  }

  /** What carries it now. */
  get kind(): ChannelKind {
    return this.#current.kind;
  }

  /** The channel beneath. */
  get carrier(): SecureChannel {
    return this.#current;
  }

  /** Whether nobody has closed it. */
  get isOpen(): boolean {
    return this.#info === undefined;
  }

  async send(data: Uint8Array): Promise<void> {
    await this.#replacing;
    if (this.#info) throw new MeshError('CHANNEL_CLOSED', { cause: this.#info.error });
    await this.#current.send(data);
  }

  onMessage(listener: MessageListener): () => void {
    this.#listeners.add(listener);
    for (const carrier of this.#carriers.keys()) this.#listen(carrier);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      for (const [carrier, stop] of this.#carriers) {
        stop?.();
        this.#carriers.set(carrier, undefined);
      }
    };
  }

  async close(reason?: string): Promise<void> {
    if (this.#info) return;
    this.#finish({ by: 'local', ...(reason === undefined ? {} : { reason }) });
    await Promise.all([...this.#carriers.keys()].map((carrier) => carrier.close(reason)));
  }

  /** Sends over this channel from now on. What the one before still brings is handed out. */
  carry(next: SecureChannel): void {
    this.#current = next;
    this.join(next);
  }

  /** Hears on this channel too. */
  join(next: SecureChannel): void {
    if (this.#carriers.has(next)) return;
    this.#carriers.set(next, undefined);
    if (this.#listeners.size > 0) this.#listen(next);
    void next.closed.then((info) => this.#lost(next, info));
  }

  /** Lets another channel take the place of the one of now, which stays open for what is still under way. */
  upgrade(next: SecureChannel): void {
    const before = this.#current;
    this.carry(next);
    if (before === next) return;
    setTimeout(
      () => before.close('upgraded').catch((error) => this.#owner.fault(error)),
      this.#drainMs,
    ).unref();
  }

  /** Without listeners messages wait in the carriers, which stop reading when it is too many. */
  #listen(carrier: SecureChannel): void {
    if (!this.#carriers.get(carrier))
      this.#carriers.set(
        carrier,
        carrier.onMessage((data, { did }) => this.#deliver(data, did)),
      );
  }

  async #deliver(data: Uint8Array, did: string): Promise<void> {
    const isPeer = did === this.peer.did;
    const from = isPeer ? this.peer : Object.freeze({ did, roles: this.#owner.rolesOf(did) });
    for (const listener of [...this.#listeners]) {
      try {
        await listener(data, from);
      } catch (error) {
        this.#owner.fault(error);
      }
    }
  }

  /** Only what broke is replaced: who closed, or was revoked, meant it. */
  #lost(carrier: SecureChannel, info: CloseInfo): void {
    this.#carriers.delete(carrier);
    if (this.#info || carrier !== this.#current) return;
    if (info.by !== 'error' && info.by !== 'limit') {
      this.#finish(info);
      return;
    }
    this.#replacing = this.#owner
      .replace(carrier, info)
      .then((next) => {
        if (!this.#info) return this.carry(next);
        this.#owner.ended(this, this.#info); // it was told as established meanwhile
        return next.close();
      })
      .catch((error) => this.#finish({ by: 'error', error }))
      .finally(() => {
        this.#replacing = undefined;
      });
  }

  #finish(info: CloseInfo): void {
    if (this.#info) return;
    this.#info = info;
    this.#end(Object.freeze(info));
    this.#owner.ended(this, info);
  }
}
