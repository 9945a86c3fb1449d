import type { ChannelPeer, CloseInfo, MessageListener, SecureChannel } from '../channel.js';
import { isMeshError, MeshError } from '../errors/mesh-error.js';
import { Inbox } from '../util/inbox.js';
import type { NoiseLimits } from './limits.js';
import type { ProvenHandshake } from './run-handshake.js';

/** What every Noise channel is made of. */
export interface ChannelParts {
  readonly proven: ProvenHandshake;
  readonly limits: Required<NoiseLimits>;
  readonly clock: () => number;
  readonly onFault: (error: unknown) => void;
  /** Begins to look after the other side's identity; returns what ends that. */
  readonly watch: (lost: (error: unknown) => void) => () => void;
}

/** What Noise channels have in common, over whatever they go. */
export abstract class NoiseChannelBase implements SecureChannel {
  readonly kind = 'noise';
  readonly peer: ChannelPeer;
  readonly postQuantum: boolean;
  readonly closed: Promise<CloseInfo>;
  /** The handshake hash: the same on both sides, and of this channel alone. For binding other protocols to it (Noise 11.2). */
  readonly handshakeHash: Uint8Array;
  protected readonly parts: ChannelParts;
  protected readonly inbox: Inbox;
  readonly #unwatch: () => void;
  #end!: (info: CloseInfo) => void;
  #info: CloseInfo | undefined;

  constructor(parts: ChannelParts, onPressure?: (isFull: boolean) => void) {
    this.parts = parts;
    this.peer = Object.freeze({ did: parts.proven.did, roles: Object.freeze([]) });
    this.postQuantum = parts.proven.postQuantum;
    this.handshakeHash = parts.proven.hash;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.inbox = new Inbox({
      from: this.peer,
      onFault: parts.onFault,
      limit: parts.limits.maxWaitingBytes,
      ...(onPressure ? { onPressure } : {}),
    });
    this.#unwatch = parts.watch((error) => {
      const isRevoked = isMeshError(error, 'NOISE_IDENTITY_MISMATCH:REVOKED');
      this.finish({ by: isRevoked ? 'revoked' : 'error', error });
    });
  }

  abstract send(data: Uint8Array): Promise<void>;

  /** Tells the initiator that its identity was accepted. */
  abstract ready(): Promise<void>;

  onMessage(listener: MessageListener): () => void {
    return this.inbox.listen(listener);
  }

  async close(reason?: string): Promise<void> {
    if (this.#info) return;
    await this.sayGoodbye(reason ?? '');
    this.finish({ by: 'local', ...(reason === undefined ? {} : { reason }) });
  }

  /** Whether it has ended. */
  protected get isClosed(): boolean {
    return this.#info !== undefined;
  }

  /** Throws `CHANNEL_CLOSED` with what ended it. */
  protected assertOpen(): void {
    if (this.#info) throw new MeshError('CHANNEL_CLOSED', { cause: this.#info.error });
  }

  /** Ends the channel; the first reason counts. */
  protected finish(info: CloseInfo): void {
    if (this.#info) return;
    this.#info = info;
    this.#unwatch();
    this.release();
    this.#end(Object.freeze(info));
  }

  /** Ends the channel for an error. */
  protected fail(error: unknown): void {
    this.finish({ by: isMeshError(error, 'NOISE_LIMIT') ? 'limit' : 'error', error });
  }

  /** Tells the other side, as far as that is possible. */
  protected abstract sayGoodbye(reason: string): Promise<void>;

  /** Lets go of what carried it. */
  protected abstract release(): void;
}
