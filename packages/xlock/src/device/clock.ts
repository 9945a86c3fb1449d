import { XlockError } from '../errors.js';

const spoken = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
};

/** For a challenge, signed as it should be, that is made later than now. */
export const wrongClock = (ms: number): XlockError =>
  new XlockError('CHALLENGE_INVALID:CLOCK', {
    resolution: `The clock of this device is ${spoken(ms)} behind that of the service: set it, and open the login again.`,
    details: { behindMs: ms },
  });

/** For one whose time is up: it is, or the clock of the device is ahead. */
export const over = (ms: number): XlockError =>
  new XlockError('CHALLENGE_EXPIRED', {
    resolution: `Its time ended ${spoken(ms)} ago by the clock of this device. Ask for a new one; if that is over at once, too, the clock of this device is ahead: set it.`,
    details: { overMs: ms },
  });
