import { commands } from './commands.js';
import { run } from './run.js';

/** Runs the program. Ctrl-C ends it with 130, after what is half-written was removed, unless a command ends by itself. */
export async function main(args: readonly string[]): Promise<void> {
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') === 1) process.exit(130);
  });
  process.on('SIGTERM', () => {
    if (process.listenerCount('SIGTERM') === 1) process.exit(143);
  });
  process.exitCode = await run(args, commands, {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    // At a terminal it is for eyes, elsewhere for programs.
    ...(process.stdout.isTTY ? {} : { raw: (bytes) => void process.stdout.write(bytes) }),
  });
}
