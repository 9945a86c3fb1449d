import { XlockInbox } from '../device/inbox.js';
import { isQuietHours } from '../device/quiet-hours.js';
import { isXlockError, toXlockError } from '../errors.js';
import { decide } from './decide.js';
import type { Home } from './home.js';
import { type Terminal, UsageError } from './output.js';

/** `xlock approve`: asks for one login after the other, until SIGINT or SIGTERM, or after the first one. Resolves to the exit code. */
export async function approveAll(
  { device, channel }: Home,
  { quiet, once = false }: { readonly quiet?: string | undefined; readonly once?: boolean | undefined },
  terminal: Terminal,
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
        if (challenge.respondBy <= Date.now()) return; // others were asked about for too long
        try {
          const isApproved = await decide(device, challenge, text, send, terminal);
          if (once) end(isApproved ? 0 : 3);
        } catch (error) {
          err(`xlock: ${toXlockError(error).message}`);
          if (once && !isXlockError(error, 'CHALLENGE_ALREADY_USED')) end(1); // another way was faster: the next one
        }
      };
      last = last.then(decided); // one at a time; the relay need not wait
    },
  });
  await inbox.open();
  const stop = () => end(0);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  out(`Waiting for logins of ${(await device.passkeys()).length} passkeys. Ctrl-C ends.`);
  try {
    return await ended;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
