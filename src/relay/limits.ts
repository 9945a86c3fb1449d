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
export function limitsOf(owner: string, given: Partial<RelayLimits> = {}): RelayLimits {
  checkOptions(owner, given as RelayLimits, CHECKS);
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(present) };
}
