import type { ChannelKind } from '../channel.js';
import { isMeshError } from '../errors/mesh-error.js';

/** Why a way did not lead to the target. */
export type FailureClass =
  /** The other side is not the one it must be, or is no longer trusted. */
  | 'identity'
  /** The other side cannot speak this, or this side has no provider for it. */
  | 'unsupported'
  /** The other side does not answer there. */
  | 'unreachable'
  /** It answered, and the attempt failed. */
  | 'failed'
  /** A channel that was open is lost. */
  | 'lost';

/** One rule: what follows when a kind fails. */
export interface FallbackRow {
  /** Name of the rule, for logs and tests. */
  readonly name: string;
  /** Which kinds it is about. */
  readonly from: readonly ChannelKind[];
  /** Which failures it is about. */
  readonly on: readonly FailureClass[];
  /** `next`: the next kind of the route. `other-transport`: Noise over TCP or WebSocket. `stop`: the error is told. */
  readonly follows: 'next' | 'other-transport' | 'stop';
  /** Why, in one sentence. */
  readonly why: string;
}

/** What follows when something fails: the first row that matches counts. */
export const FALLBACKS: readonly FallbackRow[] = [
  {
    name: 'identity-stops',
    from: ['noise', 'signal', 'mls', 'envelope', 'session'],
    on: ['identity'],
    follows: 'stop',
    why: 'Whoever can show a wrong identity on one way must not be able to choose the next one.',
  },
  {
    name: 'group-stops',
    from: ['mls'],
    on: ['unsupported', 'unreachable', 'failed', 'lost'],
    follows: 'stop',
    why: 'Nothing else keeps a message to exactly the members of a group.',
  },
  {
    name: 'udp-to-stream',
    from: ['noise'],
    on: ['unreachable', 'failed', 'lost'],
    follows: 'other-transport',
    why: 'Networks that drop UDP are common; the same handshake goes through TCP.',
  },
  {
    name: 'noise-to-next',
    from: ['noise'],
    on: ['unsupported', 'unreachable', 'failed', 'lost'],
    follows: 'next',
    why: 'The peer is away or behind a link that is cut: what is sent can wait for it.',
  },
  {
    name: 'signal-to-next',
    from: ['signal'],
    on: ['unsupported', 'unreachable', 'failed', 'lost'],
    follows: 'next',
    why: 'Without prekeys there is no ratchet; an envelope needs only the key record.',
  },
  {
    name: 'session-to-envelope',
    from: ['session'],
    on: ['unsupported', 'unreachable', 'failed', 'lost'],
    follows: 'next',
    why: 'A service that offers no sessions takes envelopes.',
  },
  {
    name: 'envelope-stops',
    from: ['envelope'],
    on: ['unsupported', 'unreachable', 'failed', 'lost'],
    follows: 'stop',
    why: 'There is nothing below an envelope: without one, nothing is sent.',
  },
];

/** The rule for a failure. */
export const fallbackFor = (from: ChannelKind, on: FailureClass, canChangeTransport: boolean): FallbackRow =>
  FALLBACKS.find(
    (row) =>
      row.from.includes(from) &&
      row.on.includes(on) &&
      (canChangeTransport || row.follows !== 'other-transport'),
  )!;

/** One rule: when an open channel gives its place to a better one. */
export interface UpgradeRow {
  /** Name of the rule, for logs and tests. */
  readonly name: string;
  readonly from: ChannelKind;
  readonly to: ChannelKind;
  /** What the provider of `to` must say of the target. */
  readonly when: 'online' | 'online-or-offline';
  /** Why, in one sentence. */
  readonly why: string;
}

/** What takes the place of what, once it can be had. Routes that do not have `to` before `from` are not upgraded. */
export const UPGRADES: readonly UpgradeRow[] = [
  {
    name: 'signal-to-noise',
    from: 'signal',
    to: 'noise',
    when: 'online',
    why: 'The peer came back: nothing has to wait any more.',
  },
  {
    name: 'envelope-to-noise',
    from: 'envelope',
    to: 'noise',
    when: 'online',
    why: 'The peer came back: keys that are forgotten after the channel protect more than its long-term key.',
  },
  {
    name: 'envelope-to-signal',
    from: 'envelope',
    to: 'signal',
    when: 'online-or-offline',
    why: 'The peer published prekeys: a ratchet recovers from a break-in, an envelope does not.',
  },
  {
    name: 'envelope-to-session',
    from: 'envelope',
    to: 'session',
    when: 'online',
    why: 'The service offers sessions again: the same protection at a fraction of the price.',
  },
];

/** Codes of transient failures that are the other side's absence. */
const ABSENT = /(:TIMEOUT|:CONNECTION|:BUSY|UNREACHABLE|UNAVAILABLE)$/;
/** Codes that say that the other side cannot speak this. */
const CANNOT = /(NO_PROVIDER|EXHAUSTED|NOT_SUPPORTED|NO_PREKEYS|UNSUPPORTED)$/;
/** Codes of `XlinkError` that say that somebody is revoked, unknown or another one. */
const WRONG_ONE = /^(VERIFICATION_FAILED|KEY_RECORD|SUCCESSION|LOOKUP_FAILED:(DID_REVOKED|DID_SUCCEEDED))/;

/** What class an error of a provider belongs to. Errors of any package with `id` and `status` are read alike. */
export function failureClassOf(error: unknown): FailureClass {
  const { id, status } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly id?: unknown;
    readonly status?: unknown;
  };
  const text = typeof id === 'string' ? id : '';
  if (isMeshError(error, 'NOISE_IDENTITY_MISMATCH:REGISTRY')) return 'unreachable';
  if (status === 403 || WRONG_ONE.test(text)) return 'identity';
  if (CANNOT.test(text)) return 'unsupported';
  return ABSENT.test(text) ? 'unreachable' : 'failed';
}
