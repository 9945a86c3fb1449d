import type { ServiceAgent } from '../agent/service-agent.js';
import { isOwnScope } from '../checks/scope.js';
import { isScope } from '../envelope/fields.js';
import { xlinkError } from '../errors/service-errors.js';
import type { SequenceStore, TicketKeyStore } from '../session/ports.js';
import { MemorySequenceStore } from '../session/sequence/memory.js';
import { Sessions } from '../session/sessions.js';
import type { Clock, Scope } from '../types/protocol.js';
import { checkOptions, hasMethods, integerIn, type OptionCheck } from '../util/options.js';
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
}

/** What says of an adapter whether it has sessions. */
interface Options {
  readonly sessions?: boolean | SessionOptions;
  readonly instances?: number;
}

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
  });
  const { sequences, tickets } = options;
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

/** The sessions of an adapter, where it has them. */
export function createSessions(
  adapter: Options & { readonly agent: ServiceAgent },
  clock: Clock,
): Sessions | undefined {
  const options = optionsOfSessions(adapter);
  if (!options) return undefined;
  return new Sessions(adapter.agent, {
    clock,
    lifetimeMs: options.lifetimeMs ?? DEFAULT_LIFETIME_MS,
    never: new Set(options.never),
    sequences: options.sequences ?? new MemorySequenceStore({ clock }),
    tickets: options.tickets,
  });
}

/** Sessions that a client may open per minute, from the options. */
export const handshakesPerMinute = (adapter: Options): number =>
  optionsOfSessions(adapter)?.handshakesPerMinute ?? DEFAULT_HANDSHAKES_PER_MINUTE;
