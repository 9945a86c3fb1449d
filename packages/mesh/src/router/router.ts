import type { ChannelKind, ChannelProvider, CloseInfo, Reach, SecureChannel, Target } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';
import { openFirst } from './attempt.js';
import { type ChannelConfig, keyOf, labelOf, purposeOf, targetOf } from './channel-config.js';
import { type RouterEvent, teller } from './events.js';
import { fallbackFor, UPGRADES } from './fallbacks.js';
import { RouteMemory } from './memory.js';
import { type RouterOptions, routerSettings } from './options.js';
import { rolesOf } from './roles.js';
import { type ChannelOwner, RoutedChannel } from './routed-channel.js';
import { type RouteRow, routeFor } from './routes.js';

/** A channel with what it was asked for. */
interface Known {
  readonly target: Target;
  readonly config: ChannelConfig;
  readonly channel: Promise<RoutedChannel>;
  open: RoutedChannel | undefined;
}

/**
 * Chooses what joins this agent to another one, to a group or to a service, and keeps the channel up: by where the other side is, by what it
 * can, and by what failed before. The choice is data: `ROUTES`, `FALLBACKS` and `UPGRADES`.
 */
export class SecureMeshRouter {
  readonly #settings: ReturnType<typeof routerSettings>;
  readonly #memory: RouteMemory;
  readonly #tell: (event: RouterEvent) => void;
  readonly #known = new Map<string, Known>();
  readonly #listeners = new Set<(channel: RoutedChannel) => void>();
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: RouterOptions) {
    this.#settings = routerSettings(options);
    this.#memory = new RouteMemory(this.#settings.clock);
    this.#tell = teller(this.#settings.observers);
    const { upgradeMs } = this.#settings;
    if (upgradeMs === 0) return;
    this.#timer = setInterval(() => void this.checkUpgrades(), upgradeMs);
    this.#timer.unref();
  }

  /**
   * A channel to a DID, to the URL of an API, or with `groupId` to a group. The same target gets the same channel while it is open. Throws
   * `INVALID_OPTION`, `ROUTE_NOT_FOUND…`, or what a wrong identity was refused with.
   */
  async establishChannel(target: string | Target, config: ChannelConfig = {}): Promise<RoutedChannel> {
    const whole = targetOf(target, config);
    const key = keyOf(whole, config, this.#settings.postQuantum);
    if (this.#isClosed) throw new MeshError('CHANNEL_CLOSED');
    const before = this.#known.get(key);
    if (before) return before.channel;
    const known: Known = {
      target: whole,
      config,
      channel: this.#establish(whole, key, config),
      open: undefined,
    };
    this.#known.set(key, known);
    try {
      known.open = await known.channel;
      return known.open;
    } catch (error) {
      if (this.#known.get(key) === known) this.#known.delete(key);
      throw error;
    }
  }

  /**
   * Takes a channel that another agent opened: give it to `listen()` of a provider. Where there is a channel to the same agent already, it
   * brings messages to that, and carries what is sent if it is of a better kind and no hybrid key agreement is asked for. One without hybrid
   * key agreement never counts as a channel that was asked for with `postQuantum`.
   */
  accept(channel: SecureChannel): void {
    const target: Target = channel.kind === 'mls' ? { groupId: channel.peer.did } : { did: channel.peer.did };
    const { postQuantum } = this.#settings;
    const key = keyOf(target, {}, postQuantum && channel.postQuantum === true);
    const asked = keyOf(target, {}, postQuantum);
    const known = this.#known.has(asked) ? asked : key;
    const before = this.#known.get(known);
    if (!before) this.#welcome(channel, target, key);
    else
      before.channel.then(
        (open) => {
          // Where both sides open one at the same time, both are kept: each side hears on both.
          const carries = !this.#settings.postQuantum && isBetter(channel.kind, open.kind);
          this.#accepted(channel, target, known, carries);
          if (carries) open.upgrade(channel);
          else open.join(channel);
        },
        () => this.#welcome(channel, target, key),
      );
  }

  /** Calls the listener with each channel that another agent opens, until the returned function is called. */
  onChannel(listener: (channel: RoutedChannel) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks now whether open channels can be replaced by better ones; done every `upgradeMs` by itself. */
  async checkUpgrades(): Promise<void> {
    await Promise.all([...this.#known].map(([key, known]) => this.#upgrade(key, known)));
  }

  /** Closes all channels. Providers and listeners stay with their owner. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#known.values()].map(({ open }) => open?.close()));
  }

  #accepted(
    { kind, postQuantum = false }: SecureChannel,
    target: Target,
    channel: string,
    carries: boolean,
  ): void {
    this.#tell({ type: 'accepted', target: labelOf(target), channel, kind, postQuantum, carries });
  }

  #welcome(channel: SecureChannel, target: Target, key: string): void {
    this.#accepted(channel, target, key, true);
    const routed = this.#routed(channel, target, key, {});
    this.#known.set(key, { target, config: {}, channel: Promise.resolve(routed), open: routed });
    for (const listener of [...this.#listeners]) listener(routed);
  }

  async #establish(target: Target, key: string, config: ChannelConfig): Promise<RoutedChannel> {
    const channel = await this.#open(target, key, config);
    return this.#routed(channel, target, key, config);
  }

  #routed(channel: SecureChannel, target: Target, key: string, config: ChannelConfig): RoutedChannel {
    const { roles, drainMs } = this.#settings;
    const owner: ChannelOwner = {
      rolesOf: (did) => rolesOf(roles, did),
      fault: (error) => this.#tell({ type: 'fault', error }),
      ended: (ended, { by }) => {
        if (this.#known.get(key)?.open === ended) this.#known.delete(key);
        this.#tell({ type: 'closed', target: labelOf(target), channel: key, kind: ended.kind, by });
      },
      replace: (lost, info) => this.#replace(lost, info, target, key, config),
    };
    return new RoutedChannel(channel, owner, drainMs);
  }

  async #replace(
    lost: SecureChannel,
    { error }: CloseInfo,
    target: Target,
    key: string,
    config: ChannelConfig,
  ): Promise<SecureChannel> {
    const rule = fallbackFor(lost.kind, 'lost', false);
    const from = lost.kind;
    const lostWay = { from, failure: 'lost', rule: rule.name, error, attempted: false } as const;
    this.#tell({ type: 'fallback', target: labelOf(target), ...lostWay });
    if (this.#isClosed || rule.follows === 'stop') throw new MeshError('CHANNEL_CLOSED', { cause: error });
    this.#memory.failed(key, from);
    return this.#open(target, key, config);
  }

  async #open(target: Target, key: string, config: ChannelConfig): Promise<SecureChannel> {
    const { providers } = this.#settings;
    const began = performance.now();
    const reached = new Map<ChannelKind, Reach>();
    const purpose = purposeOf(target);
    const noise = purpose === 'pair' ? providers.get('noise') : undefined;
    if (noise && (config.only?.includes('noise') ?? true))
      reached.set('noise', await noise.canReach(target, config.signal));
    const row = this.#route(target, config, reached.get('noise'));
    const allowed = await this.#allowed(target, row, config);
    const kinds = this.#memory.order(key, allowed);
    if (kinds.length === 0) throw nowhere(target, row.kinds[0]!, reached.get('noise'));
    const options = {
      postQuantum: config.postQuantum ?? this.#settings.postQuantum,
      ...(config.signal ? { signal: config.signal } : {}),
      ...(config.timeoutMs === undefined ? {} : { timeoutMs: config.timeoutMs }),
      ...(config.transport ? { transport: config.transport } : {}),
    };
    const [memory, tell] = [this.#memory, this.#tell];
    const opened = await openFirst({ target, key, kinds, providers, reached, options, memory, began, tell });
    const durationMs = performance.now() - began;
    const { channel, postQuantum } = opened;
    const { kind } = channel;
    const label = { target: labelOf(target), channel: key };
    tell({ type: 'established', ...label, kind, route: row.name, durationMs, postQuantum });
    return channel;
  }

  #route(target: Target, config: ChannelConfig, noise: Reach | undefined): RouteRow {
    const peer = noise === undefined ? 'unknown' : noise.state === 'online' ? 'online' : 'offline';
    return routeFor({
      purpose: purposeOf(target),
      peer,
      latency: config.latency ?? 'low',
      isTelemetry: config.transport === 'udp',
    });
  }

  /** Kinds of the row that this side has a provider for, the caller allows, and the other side does not rule out. */
  async #allowed(
    target: Target,
    { kinds }: RouteRow,
    { only }: ChannelConfig,
  ): Promise<readonly ChannelKind[]> {
    const { providers, capabilitiesOf } = this.#settings;
    const said = target.did === undefined ? undefined : await capabilitiesOf(target.did);
    const named = said?.filter((name) => name.startsWith('mesh:'));
    return kinds.filter(
      (kind) =>
        providers.has(kind) &&
        (only?.includes(kind) ?? true) &&
        (!named || named.length === 0 || named.includes(`mesh:${kind}`)),
    );
  }

  async #upgrade(key: string, { target, config, open }: Known): Promise<void> {
    if (!open) return;
    const { providers } = this.#settings;
    const row = this.#route(target, config, { state: 'online' });
    const allowed = await this.#allowed(target, row, config);
    const rank = (kind: ChannelKind) => allowed.indexOf(kind);
    for (const { from, to, when } of UPGRADES) {
      if (from !== open.kind || rank(to) < 0 || rank(to) > rank(from)) continue;
      const began = performance.now();
      const told = () => {
        const durationMs = performance.now() - began;
        return { target: labelOf(target), channel: key, from, to, durationMs };
      };
      try {
        const provider: ChannelProvider = providers.get(to)!;
        const { state, postQuantum = false } = await provider.canReach(target);
        const needsPostQuantum = config.postQuantum ?? this.#settings.postQuantum;
        const isThere = state === 'online' || (when === 'online-or-offline' && state === 'offline');
        if (!isThere || (needsPostQuantum && !postQuantum)) continue;
        const next = await provider.open(target, { postQuantum: needsPostQuantum });
        this.#memory.worked(key, to);
        if (!open.isOpen) return await next.close();
        open.upgrade(next);
        this.#tell({ type: 'upgraded', ...told(), postQuantum });
        return;
      } catch (error) {
        this.#tell({ type: 'upgrade-failed', ...told(), error });
      }
    }
  }
}

/** No kind is left: because Noise could not reach the target and nothing else may, or because there is no provider. */
function nowhere(target: Target, kind: ChannelKind, noise: Reach | undefined): MeshError {
  if (noise === undefined || noise.state === 'online' || noise.state === 'unsupported')
    return new MeshError('ROUTE_NOT_FOUND:NO_PROVIDER', { field: kind });
  const { why, cause } = noise;
  const isKnown = why !== 'no address';
  return new MeshError(isKnown ? 'ROUTE_NOT_FOUND:UNREACHABLE' : 'ROUTE_NOT_FOUND:NO_ADDRESS', {
    field: labelOf(target),
    cause,
  });
}

/** What carries messages rather, where there are two. */
const RANK: readonly ChannelKind[] = ['noise', 'mls', 'session', 'signal', 'envelope'];
const isBetter = (one: ChannelKind, other: ChannelKind) => RANK.indexOf(one) <= RANK.indexOf(other);
