import type { RegistryEntry } from '@private.me/xlink';
import type { ChannelKind, ChannelProvider } from '../channel.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isBoolean,
  isFunction,
} from '../util/options.js';
import type { RouterObserver } from './events.js';
import type { RoleBinding } from './roles.js';

/** Options of {@link SecureMeshRouter}. */
export interface RouterOptions {
  /** What opens channels; one for each kind. */
  readonly providers: readonly ChannelProvider[];
  /**
   * Where it is looked up which kinds another agent takes: capabilities such as `mesh:noise` and `mesh:signal`. One that names none
   * is tried with all. Default: not looked up.
   */
  readonly registry?: { lookup(did: string): RegistryEntry | undefined | Promise<RegistryEntry | undefined> };
  /** Roles of DIDs, which channels then have as `peer.roles`. Default: nobody has any. */
  readonly roles?: RoleBinding;
  /** Only channels with a hybrid key agreement, where the caller does not say it. Default `false`. */
  readonly postQuantum?: boolean;
  /** How often it is looked whether open channels can be replaced by better ones, in ms. Default 30000; 0: never by itself. */
  readonly upgradeMs?: number;
  /** How long a channel that was replaced stays open for what is still under way, in ms. Default 5000. */
  readonly drainMs?: number;
  /** Told of events. Default none. */
  readonly observers?: readonly RouterObserver[];
  /** ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
}

const OWNER = 'SecureMeshRouter';
const NAMES = ['providers', 'registry', 'roles', 'postQuantum', 'upgradeMs', 'drainMs', 'observers', 'clock'];

/** The options with their defaults. Throws `INVALID_OPTION`. */
export function routerSettings(options: RouterOptions) {
  checkNames(OWNER, options, NAMES);
  const { providers, registry, roles = {}, observers = [], clock = Date.now } = options;
  const isProvider = hasMethods('canReach', 'open');
  if (!Array.isArray(providers) || providers.length === 0 || !providers.every(isProvider))
    throw invalidOption(
      'providers',
      `${OWNER}: providers must be a list of at least one provider of channels.`,
    );
  const byKind = new Map<ChannelKind, ChannelProvider>(
    providers.map((one: ChannelProvider) => [one.kind, one]),
  );
  if (byKind.size < providers.length)
    throw invalidOption('providers', `${OWNER}: there are two providers of one kind.`);
  checkValue(OWNER, 'registry', registry, hasMethods('lookup'), 'a trust registry');
  const isRoles = (value: unknown) => isFunction(value) || (typeof value === 'object' && value !== null);
  checkValue(OWNER, 'roles', roles, isRoles, 'a table of roles by DID, or a function');
  checkValue(OWNER, 'postQuantum', options.postQuantum, isBoolean, 'true or false');
  for (const name of ['upgradeMs', 'drainMs'] as const)
    checkValue(OWNER, name, options[name], integerIn(0, 86_400_000), 'a whole number from 0 to 86400000');
  const isObservers = (value: unknown) => Array.isArray(value) && value.every(isFunction);
  checkValue(OWNER, 'observers', observers, isObservers, 'a list of functions');
  checkValue(OWNER, 'clock', clock, isFunction, 'a function');
  return {
    providers: byKind as ReadonlyMap<ChannelKind, ChannelProvider>,
    capabilitiesOf: async (did: string) => (await registry?.lookup(did))?.capabilities,
    roles,
    postQuantum: options.postQuantum ?? false,
    upgradeMs: options.upgradeMs ?? 30_000,
    drainMs: options.drainMs ?? 5_000,
    observers,
    clock,
  };
}
