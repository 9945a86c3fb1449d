import type { XlockAnswer } from '../challenge/answer.js';
import type { XlockChallenge } from '../challenge/challenge.js';
import type { XlockDevice } from '../device/device.js';
import { isXlockError } from '../errors.js';
import type { Terminal } from './output.js';
import { linesOf } from './show.js';

/** What was said on the command line instead of being asked. */
export interface Said {
  readonly digits?: string | undefined;
  readonly seen?: string | undefined;
}

/**
 * Shows a login, asks what the browser shows, and approves or denies; whether it was approved. An empty answer denies. The address bar is asked for
 * first: whoever reads it there notices a copy before the digits.
 */
export async function decide(
  device: XlockDevice,
  challenge: XlockChallenge,
  text: string,
  send: (answer: XlockAnswer) => Promise<unknown>,
  terminal: Terminal,
  said: Said = {},
): Promise<boolean> {
  const { out, ask } = terminal;
  out('');
  out('Somebody wants to log in as you:');
  for (const line of linesOf(challenge, Date.now())) out(line);
  const signal = AbortSignal.timeout(Math.max(1, challenge.respondBy - Date.now()));
  const seen = said.seen ?? (await ask('Host in the address bar of your browser (empty: deny): ', signal));
  if (signal.aborted) return over(out);
  if (!seen?.trim()) return denied();
  const needsDigits = challenge.matching;
  const digits = needsDigits
    ? (said.digits ?? (await ask('The two digits on the login page (empty: deny): ', signal)))
    : '';
  if (signal.aborted) return over(out);
  if (needsDigits && !digits?.trim()) return denied();
  try {
    await device.approve(text, { digits: digits!.trim(), seenOrigin: seen, send });
    out('Approved.');
    return true;
  } catch (error) {
    if (isXlockError(error, 'CHALLENGE_INVALID:ORIGIN'))
      out('DENIED: your browser is not at this service. The page may be a copy: close it.');
    throw error;
  }

  async function denied(): Promise<false> {
    await device.deny(text, { send });
    out('Denied.');
    return false;
  }
}

function over(out: Terminal['out']): false {
  out('');
  out('Time is up: nothing was approved.');
  return false;
}
