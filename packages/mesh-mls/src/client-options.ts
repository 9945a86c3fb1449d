import type { Agent } from '@private.me/xlink';
import type { DidFetch } from './delivery/client.js';
import type { MlsObserver } from './events.js';
import type { GroupStateStore } from './state/store.js';
import { DEFAULT_SUITE, isSuite, MLS_SUITES, type MlsSuite } from './suites.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isFunction,
  isServerUrl,
} from './util/options.js';
import type { CryptoWorker } from './worker/worker.js';

/** Somebody added this agent to a group. */
export interface Invitation {
  /** Id of the group. */
  readonly group: string;
  /** URL of its server. */
  readonly server: string;
  /** DID of the member who did it: it signed the welcome, and is active in the registry. */
  readonly by: string;
}

/** Options of {@link MlsClient.start}. */
export interface MlsClientOptions {
  /** Who is a member. Its registry decides who may be one. */
  readonly agent: Agent;
  /** URL of the identity server (`xlink serve`, with this package installed) with its key packages and new groups. */
  readonly server: string;
  /**
   * Other servers whose groups may be joined: each may order, withhold and delay messages of its groups. The agent has to be in the registry of
   * each. Default none.
   */
  readonly servers?: readonly string[];
  /** Where another DID has its key packages: `server` or one of `servers`. Default: `server`. */
  readonly homeOf?: (did: string) => string;
  /**
   * Where groups and keys are kept, sealed under a key of the identity: `FileOperationsStore`, `RedisOperationsStore`,
   * `PostgresOperationsStore`, or `MemoryOperationsStore`, which forgets all groups with the process.
   */
  readonly store: GroupStateStore;
  /** Cipher suite of new groups, and of key packages. Default `x25519-aes128`, suite 1 of RFC 9420. */
  readonly suite?: MlsSuite;
  /** Further suites for which key packages are published, for groups of others. Default none. */
  readonly suites?: readonly MlsSuite[];
  /** One-time key packages that wait at the server, 2 to 100. Default 20. */
  readonly keyPackages?: number;
  /** Whether an invitation is followed. `by` has signed the welcome by then. Default: those of active DIDs are. */
  readonly accept?: (invitation: Invitation) => boolean | Promise<boolean>;
  /** Groups that are joined at most. Default 100. */
  readonly maxGroups?: number;
  /** Told what happens. Default: not called. */
  readonly onEvent?: MlsObserver;
  /** Longest time for one call to the server, in ms. Default 15,000. */
  readonly timeoutMs?: number;
  /** How long the server holds back the answer that nothing is new, in ms. Default 20,000, at most 25,000. */
  readonly waitMs?: number;
  /** How often the registry is asked about all members, beside its change feed, in ms. Default 60,000. */
  readonly recheckMs?: number;
  /** Between one member and the next that would remove a revoked one, in ms. Default 2000. */
  readonly removeDelayMs?: number;
  /** Thread of the cryptography. Default: one for all clients of the process. */
  readonly worker?: CryptoWorker;
  /** Calls servers as the agent. Default: `xlinkFetch` of the agent. */
  readonly fetch?: DidFetch;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

const NAMES = [
  ...[
    'agent',
    'server',
    'servers',
    'homeOf',
    'store',
    'suite',
    'suites',
    'keyPackages',
    'accept',
    'maxGroups',
  ],
  ...['onEvent', 'timeoutMs', 'waitMs', 'recheckMs', 'removeDelayMs', 'worker', 'fetch', 'clock'],
];

const isUrls = (value: unknown): boolean => Array.isArray(value) && value.every(isServerUrl);
const isSuites = (value: unknown): boolean => Array.isArray(value) && value.every(isSuite);

/** Options with their defaults. Throws `INVALID_OPTION`. */
export function resolveOptions(options: MlsClientOptions) {
  const owner = 'MlsClient.start';
  checkNames(owner, options, NAMES);
  const check = (name: keyof MlsClientOptions, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(owner, name, options[name], isGood, what);
  for (const name of ['agent', 'server', 'store'] as const)
    if (options[name] === undefined) throw invalidOption(name, `${owner}: ${name} is needed.`);
  check('agent', hasMethods('sign', 'deriveSubkey', 'ready'), 'an Agent');
  check('server', isServerUrl, 'an https URL, or http of this machine');
  check('servers', isUrls, 'https URLs, or http of this machine');
  check('store', hasMethods('load', 'list', 'save', 'remove'), 'a store, such as FileOperationsStore');
  check('suite', isSuite, `one of ${Object.keys(MLS_SUITES).join(', ')}`);
  check('suites', isSuites, `some of ${Object.keys(MLS_SUITES).join(', ')}`);
  check('keyPackages', integerIn(2, 100), 'a whole number from 2 to 100');
  check('maxGroups', integerIn(1, 1000), 'a whole number from 1 to 1000');
  check('timeoutMs', integerIn(1, 600_000), 'a whole number of ms, from 1 to 600000');
  check('waitMs', integerIn(0, 25_000), 'a whole number of ms, from 0 to 25000');
  check('recheckMs', integerIn(100, 86_400_000), 'a whole number of ms, from 100 to 86400000');
  check('removeDelayMs', integerIn(0, 60_000), 'a whole number of ms, from 0 to 60000');
  for (const name of ['homeOf', 'accept', 'onEvent', 'fetch', 'clock'] as const)
    check(name, isFunction, 'a function');
  const { suite = DEFAULT_SUITE, suites = [] } = options;
  return {
    servers: [],
    accept: () => true,
    keyPackages: 20,
    maxGroups: 100,
    timeoutMs: 15_000,
    waitMs: 20_000,
    recheckMs: 60_000,
    removeDelayMs: 2000,
    clock: Date.now,
    ...options,
    suite,
    suites: [...new Set([suite, ...suites])],
  };
}

/** Options, with defaults in the place of what was left out. */
export type ResolvedOptions = ReturnType<typeof resolveOptions>;
