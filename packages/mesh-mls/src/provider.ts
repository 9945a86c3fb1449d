import type { MlsClient } from './client.js';
import { GroupError } from './errors.js';
import type { MlsGroup } from './group/group.js';
import { isPostQuantum } from './suites.js';

// The shapes of the port of channels in @private.me/mesh, which need not be installed.

/** Whom or what a channel is for. */
export interface MlsTarget {
  /** Id of a group that the client is in. */
  readonly groupId?: string;
}

/** Whether a group can be had. */
export interface MlsReach {
  /** `offline`: what is sent waits in the log of the group. */
  readonly state: 'offline' | 'unreachable' | 'unsupported';
  /** Why, in a word or two. */
  readonly why?: string;
  /** Whether its key agreement holds against quantum computers: a suite with X-Wing. */
  readonly postQuantum?: boolean;
}

/** How a channel ended. */
export interface MlsCloseInfo {
  /** `local`: closed here. `peer`: this agent was removed. */
  readonly by: 'local' | 'peer';
  readonly reason?: string;
}

/** Who sent a message. `roles` is empty: the router fills it in. */
export interface MlsSender {
  readonly did: string;
  readonly roles: readonly string[];
}

/** Called with each message of a group and its sender. */
export type MlsChannelListener = (data: Uint8Array, from: MlsSender) => void | Promise<void>;

/** A group as a channel of the mesh router. */
export interface MlsChannel {
  readonly kind: 'mls';
  /** Whether the suite of the group has X-Wing. */
  readonly postQuantum: boolean;
  /** `did` is the id of the group. */
  readonly peer: { readonly did: string; readonly roles: readonly string[] };
  /** Resolves once the server has the message. Throws as {@link MlsGroup.send}. */
  send(data: Uint8Array): Promise<void>;
  /**
   * Calls the listener with each message of others from now on, and with the member who sent it, as its signature proves. The first one
   * gets what waited.
   */
  onMessage(listener: MlsChannelListener): () => void;
  /** Ends the channel; this agent stays in the group. */
  close(reason?: string): Promise<void>;
  /** Resolves when it has ended: closed here, with the client, or because this agent was removed. */
  readonly closed: Promise<MlsCloseInfo>;
}

/** Gives groups to the router of `@private.me/mesh`: a `ChannelProvider` for targets with a `groupId`. */
export class MlsProvider {
  readonly kind = 'mls';
  readonly #client: MlsClient;

  constructor(client: MlsClient) {
    this.#client = client;
  }

  /** Whether this agent is in the group. */
  async canReach({ groupId }: MlsTarget): Promise<MlsReach> {
    if (groupId === undefined) return { state: 'unsupported', why: 'no group' };
    const group = this.#client.group(groupId);
    if (!group?.isActive) return { state: 'unreachable', why: 'not a member' };
    return { state: 'offline', why: 'log', postQuantum: isPostQuantum(group.suite) };
  }

  /** The group as a channel. Throws `GROUP_UNKNOWN`, and `SUITE_UNKNOWN` where X-Wing is asked for and the group has another suite. */
  async open({ groupId }: MlsTarget, options: { readonly postQuantum?: boolean } = {}): Promise<MlsChannel> {
    const group = groupId === undefined ? undefined : this.#client.group(groupId);
    if (!group?.isActive) throw new GroupError('GROUP_UNKNOWN');
    if (options.postQuantum && !isPostQuantum(group.suite))
      throw new GroupError('SUITE_UNKNOWN', { field: 'postQuantum' });
    return channelOf(group);
  }

  /**
   * Calls the listener with a channel to each group that this agent is in and gets into, until the returned function is called: give it
   * `accept` of the router.
   */
  onChannel(listener: (channel: MlsChannel) => void): () => void {
    for (const group of this.#client.groups) listener(channelOf(group));
    return this.#client.onGroup((group) => listener(channelOf(group)));
  }
}

function channelOf(group: MlsGroup): MlsChannel {
  const listeners = new Set<() => void>();
  let isOpen = true;
  let end: (info: MlsCloseInfo) => void = () => {};
  const closed = new Promise<MlsCloseInfo>((resolve) => {
    end = resolve;
  });
  const finish = (info: MlsCloseInfo) => {
    if (!isOpen) return;
    isOpen = false;
    end(info);
  };
  void group.ended.then((by) => finish(by === 'removed' ? { by: 'peer', reason: by } : { by: 'local' }));
  return {
    kind: 'mls',
    postQuantum: isPostQuantum(group.suite),
    peer: { did: group.id, roles: [] },
    closed,
    async send(data) {
      if (!isOpen) throw new GroupError('CLOSED');
      await group.send(data);
    },
    onMessage(listener) {
      const stop = group.onMessage(({ from, data }) => listener(data, { did: from, roles: [] }));
      listeners.add(stop);
      return stop;
    },
    async close(reason) {
      for (const stop of listeners) stop();
      finish({ by: 'local', ...(reason === undefined ? {} : { reason }) });
    },
  };
}
