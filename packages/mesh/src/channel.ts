/** The ways two or more agents can be joined. */
export type ChannelKind = 'noise' | 'signal' | 'mls' | 'envelope' | 'session';

/** Whom or what a channel is for. */
export interface Target {
  /** DID of the other agent. Absent for a group or a bare service. */
  readonly did?: string;
  /** Id of a group; then the channel joins all of its members. */
  readonly groupId?: string;
  /** Base URL of an HTTP API. */
  readonly url?: string;
  /** Where the agent listens: `tcp://host:port`, `udp://host:port`, `ws://…` or `wss://…`. Absent: the provider must know. */
  readonly addresses?: readonly string[];
}

/** What a provider knows of a target before it opens a channel. */
export interface Reach {
  /**
   * `online`: it answers now. `offline`: what is sent waits for it. `unreachable`: this way leads nowhere now. `unsupported`:
   * the other side cannot speak this kind.
   */
  readonly state: 'online' | 'offline' | 'unreachable' | 'unsupported';
  /** Why, in a word or two for logs. Holds no value from outside. */
  readonly why?: string;
  /** The error that said so, such as that of the connection. Default none. */
  readonly cause?: unknown;
  /** Round trip in ms, if it was measured. */
  readonly latencyMs?: number;
  /** Whether the channel would hold against quantum computers. Default `false`. */
  readonly postQuantum?: boolean;
}

/** How a channel is opened. */
export interface OpenOptions {
  /** Ends the attempt; the provider then rejects and leaves nothing open. */
  readonly signal?: AbortSignal;
  /** Longest time to open, in ms. Default: that of the provider. */
  readonly timeoutMs?: number;
  /** Require a hybrid key agreement (X25519 and ML-KEM-768); the provider rejects where it cannot have one. Default `false`. */
  readonly postQuantum?: boolean;
  /** Which transport Noise takes. Default: that of the address. */
  readonly transport?: 'tcp' | 'udp' | 'websocket';
}

/** Who is at the other end, as its keys prove. */
export interface ChannelPeer {
  /** DID of the other agent; of a group, its id. */
  readonly did: string;
  /** Roles that the router binds to this DID. A group has none: its members do. */
  readonly roles: readonly string[];
}

/** How a channel ended. */
export interface CloseInfo {
  /** Who or what ended it. */
  readonly by: 'local' | 'peer' | 'revoked' | 'limit' | 'error';
  /** Why, if it was said. */
  readonly reason?: string;
  /** The error, where `by` is `error`, `limit` or `revoked`. */
  readonly error?: unknown;
}

/**
 * Called with each message. `from`: who sent it; in a group the member whom its signature proves, elsewhere the `peer` of the channel. A
 * rejection is told to the channel's owner and closes nothing.
 */
export type MessageListener = (data: Uint8Array, from: ChannelPeer) => void | Promise<void>;

/** One open channel, whatever carries it. */
export interface SecureChannel {
  /** What carries it. */
  readonly kind: ChannelKind;
  /** Who is at the other end. */
  readonly peer: ChannelPeer;
  /** Whether its key agreement holds against quantum computers. Absent: not known, which counts as no. */
  readonly postQuantum?: boolean;
  /** Resolves once the message was handed to what carries it. Rejects when the channel is closed. */
  send(data: Uint8Array): Promise<void>;
  /** Calls the listener with each message from now on, until the returned function is called. The first one gets what waited. */
  onMessage(listener: MessageListener): () => void;
  /** Closes it, and resolves when that is done. Once more does nothing. */
  close(reason?: string): Promise<void>;
  /** Resolves when the channel has ended, and never rejects. */
  readonly closed: Promise<CloseInfo>;
}

/** Opens channels of one kind. The extension point of the router. */
export interface ChannelProvider {
  /** What it opens. */
  readonly kind: ChannelKind;
  /** Whether the target can be had this way. Rejects only when the signal is aborted. */
  canReach(target: Target, signal?: AbortSignal): Promise<Reach>;
  /** Opens a channel, or rejects with a `MeshError`. */
  open(target: Target, options: OpenOptions): Promise<SecureChannel>;
}
