import { given } from '../util/given.js';
import { checkOptions, integerIn, type OptionChecks } from '../util/options.js';
import { DEFAULT_LIMITS, type RelayLimits } from './store.js';

const CHECKS: OptionChecks<RelayLimits> = {
  messagesPerMailbox: integerIn(1, 10_000_000),
  bytesPerMailbox: integerIn(1024, 2 ** 40),
  messagesPerSender: integerIn(1, 10_000_000),
  bytesPerSender: integerIn(1024, 2 ** 40),
  bytesInAll: integerIn(1024, 2 ** 40),
  lifetimeMs: integerIn(1, DEFAULT_LIMITS.lifetimeMs),
};

/** With the defaults for what is not given. Throws `INVALID_OPTION`. */
export function limitsOf(owner: string, limits: Partial<RelayLimits> = {}): RelayLimits {
  checkOptions(owner, limits as RelayLimits, CHECKS);
  return { ...DEFAULT_LIMITS, ...given(limits) };
}
