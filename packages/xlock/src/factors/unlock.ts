import type { XlockChallenge } from '../challenge/challenge.js';
import { isQuiet, isQuietHours, type QuietHours } from '../device/quiet-hours.js';
import { XlockError } from '../errors.js';
import { checkNames, checkValue, hasMethods, invalidOption, isFunction } from '../util/options.js';

/** The part of `FusionManager` of `@private.me/xfuse` that is used here: K of N signals make a session, fewer reject. */
export interface Fusion<Signal> {
  /** Rejects where the signals are not good, or not enough. */
  converge(signals: readonly Signal[]): Promise<unknown>;
}

/** Options of {@link unlockWithSignals}. */
export interface SignalUnlockOptions<Signal> {
  /** Knows the signals, and how many it takes. Location is one by the word of a third party (`attestation`), such as the door of an office. */
  readonly fusion: Fusion<Signal>;
  /** Asks for the signals: fingerprint, key file, a statement of where the device is … */
  readonly gather: (challenge: XlockChallenge) => Promise<readonly Signal[]> | readonly Signal[];
  /** When logins may be approved, by the clock of the device. Default: always. */
  readonly hours?: QuietHours;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * For `unlock` of a device: a login is approved only with K of N signals, at times that are allowed. What is known of time and place is what the device
 * and the third party say: whoever owns the device sets its clock. Throws `INVALID_OPTION`.
 */
export function unlockWithSignals<Signal>(
  options: SignalUnlockOptions<Signal>,
): (challenge: XlockChallenge) => Promise<boolean> {
  const OWNER = 'unlockWithSignals';
  checkNames(OWNER, options, ['fusion', 'gather', 'hours', 'clock']);
  const { fusion, gather, hours, clock = Date.now } = options;
  if (!hasMethods('converge')(fusion))
    throw invalidOption('fusion', `${OWNER}: fusion must be a FusionManager.`);
  if (!isFunction(gather)) throw invalidOption('gather', `${OWNER}: gather must be a function.`);
  checkValue(OWNER, 'hours', hours, isQuietHours, '{ from, to } as HH:MM');
  checkValue(OWNER, 'clock', clock, isFunction, 'a function');
  return async (challenge) => {
    if (hours && !isQuiet(hours, clock()))
      throw new XlockError('BIOMETRIC_REQUIRED', {
        resolution: 'Logins are not approved at this time of the day.',
      });
    await fusion.converge(await gather(challenge));
    return true;
  };
}
