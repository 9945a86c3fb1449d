import type { XlinkError } from '../errors/errors.js';
import type { Did, Version } from '../types/protocol.js';
import { tell } from '../util/tell.js';

/** Something that works, but less well than it seems. */
export type XlinkWarning =
  /** Several shares travel over one channel: a reader of that one has more of the message than intended. */
  | { readonly type: 'fewer-channels-than-shares'; readonly channels: number; readonly shares: number }
  /** The message can be put together, but not if more shares are lost. */
  | {
      readonly type: 'shares-not-delivered';
      readonly delivered: number;
      readonly shares: number;
      readonly errors: readonly Error[];
    }
  /** One side has no ML-DSA-65 or no ML-KEM-768 keys, so shares are sealed with less than version 3. */
  | { readonly type: 'shares-below-version-3'; readonly version: Version }
  /** Shares of a message came, but not enough of them in time, or too many other messages after them. */
  | {
      readonly type: 'shares-dropped';
      readonly reason: 'expired' | 'pushed-out';
      readonly sender: Did;
      readonly arrived: number;
      readonly needed: number;
    }
  /** A share does not fit the others of its message, which came through all the same. */
  | { readonly type: 'bad-share'; readonly sender: Did; readonly index: number }
  | {
      readonly type: 'deprecated-option';
      readonly option: 'splitChannel' | 'splitChannelConfig';
      readonly use: string;
    }
  /** A client of Redis would be away for long after a silent cut of the network. */
  | {
      readonly type: 'redis-client-without-limits';
      readonly store: string;
      readonly missing: readonly string[];
      readonly use: string;
    }
  /** Redis drops what it should remember when its memory is full (`maxmemory-policy`). */
  | { readonly type: 'redis-may-evict'; readonly store: string; readonly policy: string }
  /** The clock of Redis, which dates what is remembered, is ahead of that of this process, or behind (negative). */
  | { readonly type: 'redis-clock-differs'; readonly store: string; readonly aheadMs: number }
  /** New encryption keys, or the commitment to `next`, are not in the trust registry yet; it is tried again. */
  | { readonly type: 'keys-not-published'; readonly error: XlinkError }
  /** The store of encryption keys failed. The agent goes on with the keys it holds, until they are over. */
  | { readonly type: 'key-store-failed'; readonly error: XlinkError };

/** Told about warnings as they happen. It is not awaited; what it throws is ignored, and a promise of it that rejects, too. */
export type OnWarning = (warning: XlinkWarning) => void;

/** Calls `onWarning`; without one, prints the first warning of each type. */
export function warner(onWarning: OnWarning | undefined): OnWarning {
  const printed = new Set<XlinkWarning['type']>();
  const print = (warning: XlinkWarning) => {
    if (printed.has(warning.type)) return;
    printed.add(warning.type);
    console.warn(`xlink: ${describeWarning(warning)}`);
  };
  return (warning) => tell(onWarning ?? print, warning);
}

/** The warning as a sentence. */
export function describeWarning(warning: XlinkWarning): string {
  switch (warning.type) {
    case 'fewer-channels-than-shares':
      return `${warning.shares} shares travel over ${warning.channels} ${warning.channels === 1 ? 'channel' : 'channels'}; for full separation give the agent one transport for each share.`;
    case 'shares-not-delivered':
      return `${warning.delivered} of ${warning.shares} shares were delivered; that is enough.`;
    case 'shares-below-version-3':
      return `Shares are sealed with version ${warning.version}, because one side lacks post-quantum keys (postQuantumSig).`;
    case 'shares-dropped':
      return `A message was given up (${warning.reason}): ${warning.arrived} of the ${warning.needed} shares that it needs had come.`;
    case 'bad-share':
      return `Share ${warning.index} of a message did not fit the others and was left out.`;
    case 'deprecated-option':
      return `The option ${warning.option} is deprecated; use ${warning.use}.`;
    case 'redis-client-without-limits':
      return `The Redis client of ${warning.store} lacks ${warning.missing.join(' and ')}: after a silent cut of the network it may stay away for long. Make it with ${warning.use}.`;
    case 'redis-may-evict':
      return `The Redis of ${warning.store} has maxmemory-policy ${warning.policy}: when its memory is full it forgets what it should remember. Set noeviction.`;
    case 'redis-clock-differs':
      return `The Redis of ${warning.store} is ${Math.abs(warning.aheadMs / 1000).toFixed(1)} s ${warning.aheadMs > 0 ? 'ahead of' : 'behind'} this process: compare both clocks with the true time.`;
    case 'keys-not-published':
      return `The key record, with new encryption keys or the commitment to the next identity, is not in the trust registry yet (${warning.error.id}); it is tried again.`;
    case 'key-store-failed':
      return `The store of encryption keys failed (${warning.error.id}); the agent goes on with the keys it holds, and asks again.`;
  }
}
