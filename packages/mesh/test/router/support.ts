import {
  type ChannelKind,
  type ChannelProvider,
  type CloseInfo,
  type MessageListener,
  type OpenOptions,
  type Reach,
  type RouterEvent,
  type RouterOptions,
  type SecureChannel,
  SecureMeshRouter,
  type Target,
} from '../../src/index.js';
import { afterTest } from '../support.js';

/** A channel of a provider that is played: messages come out at `sent`. */
export class PlayedChannel implements SecureChannel {
  readonly kind: ChannelKind;
  readonly peer;
  readonly closed: Promise<CloseInfo>;
  readonly sent: string[] = [];
  readonly listeners = new Set<MessageListener>();
  end!: (info: CloseInfo) => void;

  constructor(kind: ChannelKind, did: string) {
    this.kind = kind;
    this.peer = { did, roles: [] };
    this.closed = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  async send(data: Uint8Array): Promise<void> {
    this.sent.push(Buffer.from(data).toString());
  }

  onMessage(listener: MessageListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async close(reason?: string): Promise<void> {
    this.end({ by: 'local', ...(reason === undefined ? {} : { reason }) });
  }

  /** `did`: the sender, where the channel is a group. */
  async hear(text: string, did = this.peer.did): Promise<void> {
    const data = new TextEncoder().encode(text);
    for (const listener of this.listeners) await listener(data, { did, roles: [] });
  }
}

/** A provider that does as it is told: the router knows providers by this port alone. */
export class PlayedProvider implements ChannelProvider {
  readonly kind: ChannelKind;
  readonly opened: { readonly channel: PlayedChannel; readonly options: OpenOptions }[] = [];
  reach: Reach;
  failure: unknown;

  constructor(kind: ChannelKind, reach: Reach['state'], failure?: unknown) {
    this.kind = kind;
    this.reach = { state: reach, postQuantum: true };
    this.failure = failure;
  }

  async canReach(): Promise<Reach> {
    return this.reach;
  }

  async open({ did, groupId, url }: Target, options: OpenOptions): Promise<SecureChannel> {
    const failure = typeof this.failure === 'function' ? this.failure(options) : this.failure;
    if (failure) throw failure;
    const channel = new PlayedChannel(this.kind, did ?? groupId ?? url!);
    this.opened.push({ channel, options });
    return channel;
  }

  get last(): PlayedChannel {
    return this.opened.at(-1)!.channel;
  }
}

/** Events of one type. */
export const only = <T extends RouterEvent['type']>(events: readonly RouterEvent[], type: T) =>
  events.filter((event): event is Extract<RouterEvent, { type: T }> => event.type === type);

export const PEER = 'did:key:z6MkPeer';

/** A router whose providers are played. */
export function play(options: Partial<RouterOptions> = {}) {
  const all = (['noise', 'signal', 'mls', 'envelope', 'session'] as const).map(
    (kind) =>
      [
        kind,
        new PlayedProvider(kind, kind === 'signal' || kind === 'envelope' ? 'offline' : 'online'),
      ] as const,
  );
  const providers = Object.fromEntries(all) as Record<ChannelKind, PlayedProvider>;
  const events: RouterEvent[] = [];
  const time = { now: 1_000_000 };
  const router = new SecureMeshRouter({
    providers: Object.values(providers),
    upgradeMs: 0,
    drainMs: 0,
    observers: [(event) => void events.push(event)],
    clock: () => time.now,
    ...options,
  });
  afterTest(() => router.close());
  return { router, providers, events, time };
}
