import type { IncomingMessage } from 'node:http';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { type XlinkError, xlinkError } from '../errors/errors.js';
import { assertFitsOne } from '../http/body-intake.js';
import { looksLikeDidKey } from '../identity/did.js';
import { Identity } from '../identity/identity.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock, Did } from '../types/protocol.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isFunction,
  isPromptFunction,
  type OptionCheck,
  requireOption,
} from '../util/options.js';
import type { Admits } from './admission.js';
import { isPath } from './paths.js';
import type { RelayStore } from './store.js';

/** Options of {@link createRelay}. */
export interface RelayOptions {
  /** Who the relay is. Keep its seed: recipients address their requests to this DID. */
  readonly identity: Identity;
  /** Where messages wait, such as a {@link FileRelayStore}. `close()` of the relay closes it. */
  readonly store: RelayStore;
  /**
   * Only DIDs that are in it and not revoked may send and receive. This, `admits` or `open` must be given. One that tells of
   * changes (`onChange`) ends a poll or socket at once whose DID is revoked.
   */
  readonly registry?: Pick<TrustRegistry, 'lookup'>;
  /** The DIDs that may, or a function that knows. If there is a registry as well, both must agree. */
  readonly admits?: Admits | readonly Did[];
  /**
   * `true`: any DID may, within the quotas. DIDs cost nothing, so strangers can use up the room that there is in all, for as
   * long as messages wait. Default `false`.
   */
  readonly open?: boolean;
  /** Path of the relay as its callers write it. Default `/relay`, below wherever a framework has the handler mounted. */
  readonly path?: string;
  /**
   * What one DID may send; copies of what it sent, which anybody can make, do not count. Default 600; what waits is limited by
   * the store.
   */
  readonly sendsPerMinute?: number;
  /**
   * Requests and sockets of one address, in a minute, whose signatures are checked; all DIDs behind it together. More are
   * refused with `RELAY_UNAVAILABLE:ADDRESS_QUOTA` before they are read. Default 6000.
   */
  readonly requestsPerAddress?: number;
  /** Sockets of one address that have not shown who they are, at a time; 1000 in all. Default 100. */
  readonly unprovenSocketsPerAddress?: number;
  /** Larger envelopes are refused before they are decoded. Bytes; default 1.5 MiB. */
  readonly maxEnvelopeBytes?: number;
  /**
   * Bytes of bodies held at once while it is not known who sent them. An address may hold as much as stays free, so at most
   * half; what does not fit is refused with `INTAKE_FULL` before it is read. At least twice `maxEnvelopeBytes`. Default
   * 32 MiB, or four times `maxEnvelopeBytes` if that is more.
   */
  readonly maxUnauthenticatedBytes?: number;
  /**
   * The IP address that counts for these. Default: the other end of the connection, so behind a proxy all senders share one
   * part: return what that proxy says, and only if nobody gets past it. `undefined` means the default.
   */
  readonly addressOf?: (request: IncomingMessage) => string | undefined;
  /** Requests and sockets of one DID that wait for messages at a time. Default 4. */
  readonly receiversPerDid?: number;
  /** Requests and sockets that wait for messages, in all. Default 10 000. */
  readonly maxReceivers?: number;
  /** How far the timestamp of an envelope may be off when it comes, in ms. Default 30 000. */
  readonly timestampWindowMs?: number;
  /** Told the full error, with `cause`, when the relay or its store failed. Default: not called. */
  readonly onFault?: (error: XlinkError) => void;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

const isIdentity: OptionCheck = (value) => (value instanceof Identity ? undefined : 'an Identity');

const isAdmission: OptionCheck = (value) =>
  typeof value === 'function' || (Array.isArray(value) && value.every(looksLikeDidKey))
    ? undefined
    : 'an array of DIDs, or a function';

/** A relay for everybody is one that somebody wanted. */
function checkAdmission({ registry, admits, open = false }: RelayOptions): void {
  const isClosed = registry !== undefined || admits !== undefined;
  if (isClosed !== open) return;
  throw xlinkError('INVALID_OPTION', {
    field: 'open',
    hint: isClosed
      ? 'createRelay: open is for a relay without registry and admits; leave it out.'
      : 'createRelay: say who may use the relay: admits (a list of DIDs), registry, or open: true for everybody.',
  });
}

/** Throws `INVALID_OPTION`. */
export function checkRelayOptions(options: RelayOptions): void {
  checkOptions('createRelay', options, {
    identity: isIdentity,
    store: hasMethods('add', 'knows', 'list', 'ack', 'watch', 'sweep', 'close'),
    registry: hasMethods('lookup'),
    admits: isAdmission,
    open: isBoolean,
    path: isPath,
    sendsPerMinute: integerIn(1, 1_000_000),
    requestsPerAddress: integerIn(1, 100_000_000),
    unprovenSocketsPerAddress: integerIn(1, 1000),
    maxEnvelopeBytes: integerIn(1024, 2 ** 26),
    maxUnauthenticatedBytes: integerIn(2048, 2 ** 40),
    addressOf: isPromptFunction,
    receiversPerDid: integerIn(1, 1000),
    maxReceivers: integerIn(1, 1_000_000),
    timestampWindowMs: integerIn(1, 3_600_000),
    onFault: isFunction,
    clock: isPromptFunction,
  });
  requireOption('createRelay', options, 'identity');
  requireOption('createRelay', options, 'store');
  checkAdmission(options);
  const { maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES, maxUnauthenticatedBytes } = options;
  if (maxUnauthenticatedBytes !== undefined)
    assertFitsOne('createRelay', maxUnauthenticatedBytes, maxEnvelopeBytes);
}
