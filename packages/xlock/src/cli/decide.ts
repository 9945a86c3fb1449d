import type { XlockAnswer } from '../challenge/answer.js';
import type { XlockChallenge } from '../challenge/challenge.js';
import type { XlockDevice } from '../device/device.js';
import { isSeen } from '../device/seen-origin.js';
import { type Terminal, UsageError } from './output.js';
import { linesOf } from './show.js';

/** What was said on the command line instead of being asked. */
export interface Said {
  readonly digits?: string | undefined;
  readonly seen?: string | undefined;
}

/** What became of a login. `unanswered`: nothing was sent. */
export type Decision = 'approved' | 'denied' | 'unanswered';

/**
 * Shows a login, asks what the browser shows, and approves or denies. An empty answer denies; none, by Ctrl-C or because time is up, sends nothing. The
 * address bar is asked for first, and another host denied at once: whoever reads it there notices a copy before the digits. Throws
 * {@link UsageError} where the input is over: nothing is sent then, either.
 */
export async function decide(
  device: XlockDevice,
  challenge: XlockChallenge,
  text: string,
  send: (answer: XlockAnswer) => Promise<unknown>,
  terminal: Terminal,
  { said = {}, stopped }: { readonly said?: Said; readonly stopped?: AbortSignal } = {},
): Promise<Decision> {
  const { out, ask } = terminal;
  const late = AbortSignal.timeout(Math.max(1, challenge.respondBy - Date.now()));
  const signal = stopped ? AbortSignal.any([late, stopped]) : late;
  out('');
  out('Somebody wants to log in as you:');
  for (const line of linesOf(challenge, Date.now())) out(line);
  try {
    const seen = said.seen ?? (await asked('Host in the address bar of your browser (empty: deny): '));
    if (seen.trim() === '') return await denied();
    if (!isSeen(seen, challenge.origin)) return await deniedElsewhere(seen);
    const digits = challenge.matching
      ? (said.digits ?? (await asked('The two digits on the login page (empty: deny): ')))
      : '';
    if (challenge.matching && digits.trim() === '') return await denied();
    await device.approve(text, { digits: digits.trim(), seenOrigin: seen, send });
    out('Approved.');
    return 'approved';
  } catch (error) {
    if (error === signal) {
      out('');
      out(`${late.aborted ? 'Time is up' : 'Not answered'}: nothing was sent.`);
      return 'unanswered';
    }
    throw error;
  }

  async function asked(question: string): Promise<string> {
    const answer = signal.aborted ? undefined : await ask(question, signal);
    if (signal.aborted) throw signal;
    if (answer === undefined)
      throw new UsageError(
        'nobody is at a terminal to ask, so nothing was sent: pass the link with --seen HOST and --digits NN',
      );
    return answer;
  }

  /** By {@link XlockDevice.approve}, which says why to the service, and throws. */
  async function deniedElsewhere(seenOrigin: string): Promise<'denied'> {
    let isSent = false;
    const sending = async (answer: XlockAnswer) => {
      await send(answer);
      isSent = true;
    };
    try {
      await device.approve(text, { seenOrigin, send: sending });
    } catch (error) {
      if (!isSent) throw error;
    }
    out('DENIED: your browser is not at this service. The page may be a copy: close it.');
    return 'denied';
  }

  async function denied(): Promise<'denied'> {
    await device.deny(text, { send });
    out('Denied.');
    return 'denied';
  }
}

/** Exit codes. */
export const EXIT: Readonly<Record<Decision, number>> = { approved: 0, denied: 3, unanswered: 4 };

/** Runs with a signal that Ctrl-C and SIGTERM abort. */
export async function stoppable<T>(work: (stopped: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
