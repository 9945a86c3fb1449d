import { MeshError } from '../errors/mesh-error.js';
import { SignalChannel } from './channel.js';
import type { SignalEvent } from './events.js';
import { type Room, Waiting, type WaitingLimits } from './waiting.js';

/** What channels need of their provider. */
export interface ChannelsOwner {
  readonly options: WaitingLimits & {
    readonly maxMessageBytes: number;
    readonly rolesOf: (did: string) => readonly string[];
  };
  /** Seals and sends. */
  send(did: string, kind: 'data' | 'close', data: Uint8Array): Promise<void>;
  readonly tell: (event: SignalEvent) => void;
}

/** The open channels of a provider, by peer; and who takes those that peers begin. */
export class OpenChannels {
  readonly #owner: ChannelsOwner;
  readonly #waiting: Waiting;
  readonly #byPeer = new Map<string, Set<SignalChannel>>();
  readonly #takers = new Set<(channel: SignalChannel) => void>();

  constructor(owner: ChannelsOwner) {
    this.#owner = owner;
    this.#waiting = new Waiting(owner.options);
  }

  /** Calls the listener with each channel that a peer begins, until the returned function is called. */
  onChannel(taker: (channel: SignalChannel) => void): () => void {
    this.#takers.add(taker);
    return () => this.#takers.delete(taker);
  }

  /** A new channel to a peer. */
  add(did: string): SignalChannel {
    const { options, send, tell } = this.#owner;
    const channel = new SignalChannel(
      { did, roles: options.rolesOf(did) },
      {
        send: async (to, data) => {
          assertSize(data, options.maxMessageBytes);
          await send(to, 'data', data);
        },
        sayClose: (to, reason) => send(to, 'close', Buffer.from(reason)).catch(() => {}), // it is closed all the same
        ended: (one) => this.#forget(one),
        failed: (from, error) => tell({ type: 'listener-failed', did: from, error }),
      },
    );
    this.#byPeer.set(did, (this.#byPeer.get(did) ?? new Set()).add(channel));
    return channel;
  }

  /** Room for a message of a peer, whom somebody must listen to or have listened for. Throws `SIGNAL_NO_LISTENER…`. */
  roomFor(from: string, bytes: number): Room {
    const channels = this.#of(from);
    if (channels.length === 0 && this.#takers.size === 0) throw new MeshError('SIGNAL_NO_LISTENER');
    // Where somebody listens in every channel nothing waits; in one that is still to come it may.
    const mayWait = channels.length === 0 || channels.some(({ isHeard }) => !isHeard);
    return this.#waiting.take(from, bytes, mayWait);
  }

  /** Hands a message to the channels of a peer, or to a new one. */
  async deliver(from: string, data: Uint8Array, room: Room): Promise<void> {
    const known = this.#of(from);
    // The last one was closed while the message was opened: in a channel that nobody has it would wait for ever.
    if (known.length === 0 && this.#takers.size === 0) throw new MeshError('SIGNAL_NO_LISTENER');
    const channels = known.length > 0 ? known : [this.#begun(from)];
    await Promise.all(channels.map((channel) => channel.deliver(data, room)));
  }

  /** The peer closes its channel. */
  closedByPeer(from: string, data: Uint8Array): void {
    const reason = Buffer.from(data).toString('utf8');
    for (const channel of this.#of(from)) channel.endedBy({ by: 'peer', ...(reason ? { reason } : {}) });
  }

  /** Ends all, without telling peers. */
  endAll(): void {
    for (const did of [...this.#byPeer.keys()])
      for (const channel of this.#of(did)) channel.endedBy({ by: 'local' });
  }

  #of(did: string): SignalChannel[] {
    return [...(this.#byPeer.get(did) ?? [])];
  }

  #begun(from: string): SignalChannel {
    const channel = this.add(from);
    for (const taker of this.#takers) taker(channel);
    return channel;
  }

  #forget(channel: SignalChannel): void {
    const open = this.#byPeer.get(channel.peer.did);
    open?.delete(channel);
    if (open?.size === 0) this.#byPeer.delete(channel.peer.did);
  }
}

function assertSize({ length }: Uint8Array, maxMessageBytes: number): void {
  if (length > maxMessageBytes)
    throw new MeshError('SIGNAL_MESSAGE_TOO_LARGE', {
      field: 'maxMessageBytes',
      hint: `It has ${length} bytes, and at most ${maxMessageBytes} are sent: send it in parts, or raise the limit on both sides.`,
    });
}
