import type { IncomingMessage } from 'node:http';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import type { XlinkError } from '../errors/errors.js';
import { assertFitsOne } from '../http/body-intake.js';
import { Identity } from '../identity/identity.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock } from '../types/protocol.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isFunction,
  type OptionCheck,
  requireOption,
} from '../util/options.js';
import type { Admits } from './admission.js';
import type { RelayStore } from './store.js';

/** Options of {@link createRelay}. */
export interface RelayOptions {
  /** Who the relay is. Keep its seed: recipients address their requests to this DID. */
  readonly identity: Identity;
  /** Where messages wait, such as a {@link FileRelayStore}. `close()` of the relay closes it. */
  readonly store: RelayStore;
  /** Only DIDs that are in it and not revoked may send and receive. Default: any DID, within the quotas. */
  readonly registry?: Pick<TrustRegistry, 'lookup'>;
  /** Another way to say who may. If there is a registry as well, both must agree. Default: no other way. */
  readonly admits?: Admits;
  /** What one DID may send. Default 600; what waits is limited by the store. */
  readonly sendsPerMinute?: number;
  /** Larger envelopes are refused before they are decoded. Bytes; default 1 MiB. */
  readonly maxEnvelopeBytes?: number;
  /**
   * Bytes of bodies held at once while it is not known who sent them. An address may hold as much as stays free, so at most
   * half; what does not fit is refused with `INTAKE_FULL` before it is read. At least twice `maxEnvelopeBytes`. Default
   * 32 MiB, or four times `maxEnvelopeBytes` if that is more.
   */
  readonly maxUnauthenticatedBytes?: number;
  /**
   * The IP address that counts for that. Default: the other end of the connection, so behind a proxy all senders share one
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

/** Throws `INVALID_OPTION`. */
export function checkRelayOptions(options: RelayOptions): void {
  checkOptions('createRelay', options, {
    identity: isIdentity,
    store: hasMethods('add', 'list', 'ack', 'watch', 'sweep', 'close'),
    registry: hasMethods('lookup'),
    admits: isFunction,
    sendsPerMinute: integerIn(1, 1_000_000),
    maxEnvelopeBytes: integerIn(1024, 2 ** 26),
    maxUnauthenticatedBytes: integerIn(2048, 2 ** 40),
    addressOf: isFunction,
    receiversPerDid: integerIn(1, 1000),
    maxReceivers: integerIn(1, 1_000_000),
    timestampWindowMs: integerIn(1, 3_600_000),
    onFault: isFunction,
    clock: isFunction,
  });
  requireOption('createRelay', options, 'identity');
  requireOption('createRelay', options, 'store');
  const { maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES, maxUnauthenticatedBytes } = options;
  if (maxUnauthenticatedBytes !== undefined)
    assertFitsOne('createRelay', maxUnauthenticatedBytes, maxEnvelopeBytes);
}
