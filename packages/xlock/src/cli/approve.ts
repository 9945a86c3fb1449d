import { XlockInbox } from '../device/inbox.js';
import { isQuietHours } from '../device/quiet-hours.js';
import { isXlockError } from '../errors.js';
import { decide, EXIT, stoppable } from './decide.js';
import { failureLines } from './failure.js';
import type { Home } from './home.js';
import { type Terminal, UsageError } from './output.js';

interface ApproveOptions {
  readonly quiet?: string | undefined;
  readonly once?: boolean | undefined;
}

/** `xlock approve`: asks for one login after the other, until SIGINT or SIGTERM, or after the first one. Resolves to the exit code. */
export const approveAll = (home: Home, options: ApproveOptions, terminal: Terminal): Promise<number> =>
  stoppable((stopped) => approveUntil(home, options, terminal, stopped));

async function approveUntil(
  { device, channel }: Home,
  { quiet, once = false }: ApproveOptions,
  terminal: Terminal,
  stopped: AbortSignal,
): Promise<number> {
  const { out, err } = terminal;
  if (!channel)
    throw new UsageError('there is no relay: pass the link of a login, or xlock init --relay URL');
  const [from = '', to = ''] = quiet?.split('-') ?? [];
  if (quiet !== undefined && !isQuietHours({ from, to })) throw new UsageError('--quiet is HH:MM-HH:MM');
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  let last: Promise<unknown> = Promise.resolve();
  const inbox = new XlockInbox({
    channel,
    device,
    ...(quiet === undefined ? {} : { quietHours: { from, to } }),
    onSuppressed: (why, error) =>
      err(`xlock: a login was not shown (${why})${error ? `: ${error.message}` : ''}`),
    onChallenge: ({ challenge, text, send }) => {
      const decided = async () => {
        if (stopped.aborted || challenge.respondBy <= Date.now()) return; // others were asked about for too long
        try {
          const decision = await decide(device, challenge, text, send, terminal, { stopped });
          if (once) end(EXIT[decision]);
        } catch (error) {
          for (const line of failureLines(error)) err(`xlock: ${line}`);
          if (error instanceof UsageError) end(2);
          else if (once && !isXlockError(error, 'CHALLENGE_ALREADY_USED')) end(1); // another way was faster: the next one
        }
      };
      last = last.then(decided); // one at a time; the relay need not wait
    },
  });
  await inbox.open();
  stopped.addEventListener('abort', () => end(0), { once: true });
  const { length } = await device.passkeys();
  out(`Waiting for logins of ${length} ${length === 1 ? 'passkey' : 'passkeys'}. Ctrl-C ends.`);
  const code = await ended;
  await last; // what was asked about is told before the way of its answer is closed
  return code;
}
