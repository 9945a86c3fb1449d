import { given } from '../util/given.js';
import { checkOptions, integerIn } from '../util/options.js';

/** Bounds on what a receiver keeps of messages that have not come completely. */
export interface ShareLimits {
  /** How long it waits for the other shares, in ms from the first one on, up to 8 days. Default 5 minutes. */
  readonly expiryMs?: number;
  /** Unfinished messages of one sender; the oldest of them goes first. Default 16. */
  readonly maxGroupsPerSender?: number;
  /** Bytes of one sender; likewise. A message whose shares take more is refused. Default 8 MiB. */
  readonly maxBytesPerSender?: number;
  /** Bytes in total. Once they are used up, shares that begin to take more are refused. Default 64 MiB. */
  readonly maxBytes?: number;
}

const DEFAULTS: Required<ShareLimits> = {
  expiryMs: 5 * 60_000,
  maxGroupsPerSender: 16,
  maxBytesPerSender: 8 * 2 ** 20,
  maxBytes: 64 * 2 ** 20,
};

/** All limits, those left out by their defaults. Throws `INVALID_OPTION`. */
export function shareLimits(limits: ShareLimits = {}): Required<ShareLimits> {
  const bytes = integerIn(1024, Number.MAX_SAFE_INTEGER);
  checkOptions('shareLimits', limits, {
    expiryMs: integerIn(1, 8 * 86_400_000),
    maxGroupsPerSender: integerIn(1, 1_000_000),
    maxBytesPerSender: bytes,
    maxBytes: bytes,
  });
  return { ...DEFAULTS, ...given(limits) };
}
