import type { ChannelKind, ChannelPeer, CloseInfo, MessageListener, SecureChannel } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';
import { Inbox } from '../util/inbox.js';

const MAX_WAITING_BYTES = 4_194_304;

/** A channel without keys of its own: each message is sealed by what carries it. */
export class SimpleChannel implements SecureChannel {
  readonly kind: ChannelKind;
  readonly peer: ChannelPeer;
  readonly closed: Promise<CloseInfo>;
  readonly #inbox: Inbox;
  readonly #carry: (data: Uint8Array) => Promise<void>;
  #end!: (info: CloseInfo) => void;
  #isClosed = false;

  constructor(
    kind: ChannelKind,
    did: string,
    carry: (data: Uint8Array) => Promise<void>,
    onFault: (error: unknown) => void,
  ) {
    this.kind = kind;
    this.peer = Object.freeze({ did, roles: Object.freeze([]) });
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#carry = carry;
    this.#inbox = new Inbox({ from: this.peer, onFault, limit: MAX_WAITING_BYTES });
  }

  async send(data: Uint8Array): Promise<void> {
    if (this.#isClosed) throw new MeshError('CHANNEL_CLOSED');
    await this.#carry(data);
  }

  onMessage(listener: MessageListener): () => void {
    return this.#inbox.listen(listener);
  }

  /** Hands a message out. Throws `CHANNEL_CLOSED` while 4 MiB wait for a listener. */
  take(data: Uint8Array): void {
    if (this.#isClosed || this.#inbox.isFull) throw new MeshError('CHANNEL_CLOSED');
    this.#inbox.push(data);
  }

  async close(reason?: string): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end(Object.freeze({ by: 'local', ...(reason === undefined ? {} : { reason }) }));
  }
}
