import type { ServiceAgent } from '../agent/service-agent.js';
import { isOwnScope } from '../checks/scope.js';
import { isScope } from '../envelope/fields.js';
import { xlinkError } from '../errors/service-errors.js';
import { MAX_REQUESTS, MAX_SECONDS, MIN_REQUESTS } from '../session/checkpoint/limits.js';
import { MemoryLeafStore } from '../session/checkpoint/memory-leaves.js';
import type { CheckpointRules, LeafStore, SessionCheckpoint } from '../session/checkpoint/ports.js';
import type { SequenceStore, TicketKeyStore } from '../session/ports.js';
import { MemorySequenceStore } from '../session/sequence/memory.js';
import { Sessions } from '../session/sessions.js';
import type { Clock, Scope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isFunction,
  isObject,
  type OptionCheck,
} from '../util/options.js';
import { isOneOfSeveral } from './one-of-several.js';

/** Options of `sessions` of a `DualModeAdapter`. */
export interface SessionOptions {
  /**
   * Scopes that need a signature at once, such as `payments`: no request of a session may use them, not even under `*`. Guards refuse
   * it (`SESSION_NOT_ALLOWED`), and clients send an envelope in its place by themselves. Default none.
   */
  readonly never?: readonly Scope[];
  /** How long a session is good, in ms: 60 000 to 3 600 000. Default 600 000. Clients open another one before its end. */
  readonly lifetimeMs?: number;
  /**
   * Remembers which requests were received, for all instances together, such as `RedisSequenceStore` or `PostgresSequenceStore`. Needs `tickets`. Default: in the
   * memory of this process.
   */
  readonly sequences?: SequenceStore;
  /**
   * Shares the keys of tickets between instances, such as `RedisTicketKeyStore` or `PostgresTicketKeyStore`, so that any of them serves any session. Needs `sequences`.
   * Default: in the memory of this process, and a restart ends its sessions.
   */
  readonly tickets?: TicketKeyStore;
  /** Sessions that one client may open per minute, in each process. Default 60. */
  readonly handshakesPerMinute?: number;
  /**
   * Whether callers sign, some hundred at a time, what they sent in a session (docs/PROTOCOL.md, section 18.9): `true`, or options such as
   * `{ requests: 64 }`. Requests of a caller that does not are refused (`SESSION_CHECKPOINT_REQUIRED`). With an `audit` log each is an entry before
   * it is countersigned. Default: `true` if there is an `onCheckpoint`, else `false`.
   */
  readonly checkpoints?: boolean | CheckpointOptions;
  /**
   * Given each checkpoint that was accepted, with all that can be shown to others, before its answer is sent: to be kept with the logs. If it rejects,
   * the checkpoint is not countersigned, and the session ends. Default: not called.
   */
  readonly onCheckpoint?: (checkpoint: SessionCheckpoint) => Awaitable<void>;
}

/** Options of `checkpoints` of {@link SessionOptions}. */
export interface CheckpointOptions {
  /** The request that would be the one of this number among those that are not signed is refused; 8 to 4096. Default 256. */
  readonly requests?: number;
  /** So long after the last checkpoint requests are refused, in seconds; 1 to 3600. Default 60. */
  readonly seconds?: number;
  /**
   * Compares what callers sign with what the service saw: `true` in the memory of this process (see {@link MemoryLeafStore}), or a store that instances share, such as `RedisLeafStore` or `PostgresLeafStore`. Costs two
   * hashes over each request and answer. Default: `true` with an `audit` log, whose entries of requests get their leaves; else `false`: a caller can sign something else than it sent, and its service finds out when
   * it looks.
   */
  readonly compare?: boolean | LeafStore;
}

/** What says of an adapter whether it has sessions. */
interface Options {
  readonly sessions?: boolean | SessionOptions;
  readonly instances?: number;
}

/** Told of a checkpoint before it is countersigned. */
type OnCheckpoint = NonNullable<SessionOptions['onCheckpoint']>;

/** How long a session is good unless chosen otherwise, in ms. */
export const DEFAULT_LIFETIME_MS = 600_000;
export const DEFAULT_HANDSHAKES_PER_MINUTE = 60;

/** `undefined`: there are no sessions. */
export const optionsOfSessions = ({ sessions }: Options): SessionOptions | undefined =>
  sessions === true ? {} : sessions || undefined;

const isScopes: OptionCheck = (value) =>
  Array.isArray(value) && value.every((one) => isScope(one) && !isOwnScope(one))
    ? undefined
    : "an array of scopes of the API's own";

const isCheckpoints: OptionCheck = (value) =>
  typeof value === 'boolean' || !isObject(value) ? undefined : 'true, false or an object of options';
const isLeaves: OptionCheck = (value) =>
  typeof value === 'boolean' ? undefined : hasMethods('keep', 'take')(value);

const owner = 'DualModeAdapter: sessions';

/** Throws `INVALID_OPTION`, or `NONCE_STORE_NOT_SHARED` where several processes would each have sessions of their own. */
export function checkSessionOptions(adapter: Options): void {
  const options = optionsOfSessions(adapter);
  if (!options) return;
  const { instances } = adapter;
  checkOptions(owner, options, {
    never: isScopes,
    lifetimeMs: integerIn(60_000, 3_600_000),
    sequences: hasMethods('claimSequence'),
    tickets: hasMethods('keep', 'read'),
    handshakesPerMinute: integerIn(1, 1_000_000),
    checkpoints: isCheckpoints,
    onCheckpoint: isFunction,
  });
  const { sequences, tickets, checkpoints, onCheckpoint } = options;
  if (typeof checkpoints === 'object')
    checkOptions(`${owner}: checkpoints`, checkpoints, {
      requests: integerIn(MIN_REQUESTS, MAX_REQUESTS),
      seconds: integerIn(1, MAX_SECONDS),
      compare: isLeaves,
    });
  if (checkpoints === false && onCheckpoint)
    throw xlinkError('INVALID_OPTION', {
      field: 'sessions.onCheckpoint',
      hint: `${owner}: without checkpoints there is nothing to tell onCheckpoint.`,
    });
  if (!sequences !== !tickets)
    throw xlinkError('INVALID_OPTION', {
      field: sequences ? 'sessions.tickets' : 'sessions.sequences',
      hint: `${owner}: sequences and tickets are shared together, or neither is.`,
    });
  const several = instances === undefined ? isOneOfSeveral() : instances > 1;
  if (several && (!tickets || sequences instanceof MemorySequenceStore))
    throw xlinkError('NONCE_STORE_NOT_SHARED', {
      field: 'sessions',
      hint: `${owner}: several processes serve the API; give sequences and tickets that they share, such as RedisSequenceStore and RedisTicketKeyStore, or those of PostgreSQL.`,
    });
}

/** The sessions of an adapter, where it has them. `kept`: where checkpoints are written down. */
export function createSessions(
  adapter: Options & { readonly agent: ServiceAgent },
  clock: Clock,
  kept?: OnCheckpoint,
): Sessions | undefined {
  const options = optionsOfSessions(adapter);
  if (!options) return undefined;
  return new Sessions(adapter.agent, {
    clock,
    lifetimeMs: options.lifetimeMs ?? DEFAULT_LIFETIME_MS,
    never: new Set(options.never),
    sequences: options.sequences ?? new MemorySequenceStore({ clock }),
    tickets: options.tickets,
    checkpoints: checkpointRules(options, kept),
  });
}

/** `kept`: into the audit log, where there is one. */
function checkpointRules(
  { checkpoints, onCheckpoint }: SessionOptions,
  kept: OnCheckpoint | undefined,
): CheckpointRules | undefined {
  if (!(checkpoints ?? onCheckpoint)) return undefined;
  const {
    requests = 256,
    seconds = 60,
    compare = kept !== undefined,
  } = typeof checkpoints === 'object' ? checkpoints : {};
  const leaves = compare === true ? new MemoryLeafStore() : compare || undefined;
  const told: OnCheckpoint | undefined = kept
    ? async (checkpoint) => {
        await kept(checkpoint);
        await onCheckpoint?.(checkpoint);
      }
    : onCheckpoint;
  return { limits: { requests, seconds }, leaves, onCheckpoint: told };
}

/** Sessions that a client may open per minute, from the options. */
export const handshakesPerMinute = (adapter: Options): number =>
  optionsOfSessions(adapter)?.handshakesPerMinute ?? DEFAULT_HANDSHAKES_PER_MINUTE;
