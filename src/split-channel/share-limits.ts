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
  /**
   * Choices of shares of one sender that are tried in a minute because some of them are bad; a message whose shares are
   * good needs none of these. Default 16 384, enough for the worst message there is; they cost some 0.3 s of CPU.
   */
  readonly maxTrialsPerSender?: number;
  /** The same for all senders together. Default 65 536. */
  readonly maxTrials?: number;
}

const DEFAULTS: Required<ShareLimits> = {
  expiryMs: 5 * 60_000,
  maxGroupsPerSender: 16,
  maxBytesPerSender: 8 * 2 ** 20,
  maxBytes: 64 * 2 ** 20,
  maxTrialsPerSender: 16_384,
  maxTrials: 65_536,
};

/** All limits, those left out by their defaults. Throws `INVALID_OPTION`. */
export function shareLimits(limits: ShareLimits = {}): Required<ShareLimits> {
  const bytes = integerIn(1024, Number.MAX_SAFE_INTEGER);
  checkOptions('shareLimits', limits, {
    expiryMs: integerIn(1, 8 * 86_400_000),
    maxGroupsPerSender: integerIn(1, 1_000_000),
    maxBytesPerSender: bytes,
    maxBytes: bytes,
    maxTrialsPerSender: integerIn(1, 100_000_000),
    maxTrials: integerIn(1, 100_000_000),
  });
  return { ...DEFAULTS, ...given(limits) };
}
