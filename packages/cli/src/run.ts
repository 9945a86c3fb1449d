import { explain } from './explain.js';
import { exitCodeOf } from './failures.js';
import { nearest } from './nearest.js';
import { printable } from './printable.js';

/** Where a command writes to; without line ends. */
export interface Output {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Bytes of others, as they are, such as the body of an answer. Default: `out`. */
  readonly raw?: (bytes: Uint8Array) => void;
}

/** A command of `xlink`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /** Resolves to the exit code. A `TypeError` of `parseArgs` is a mistake of the user and is shown as such. */
  readonly run: (args: readonly string[], output: Output) => Promise<number>;
}

/** Commands by name. */
export type CommandTable = Readonly<Record<string, Command>>;

/** Runs one command, and resolves to its exit code: 0 for success, 2 for a wrong call; failures.ts has all of them. */
export async function run(
  args: readonly string[],
  commands: Readonly<Record<string, Command>>,
  to: Output,
): Promise<number> {
  const output = safely(to);
  const [given, ...rest] = args;
  const name = given === 'xlink-onboard' ? 'init' : given; // as npx @private.me/xlink has it
  if (name === '--version' || name === '-V') {
    const { packageVersion } = await import('./server/serve-options.js');
    output.out(await packageVersion());
    return 0;
  }
  if (name === 'help' && rest[0] !== undefined) return run([rest[0], '--help'], commands, to);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    output.out(usage({ ...commands, ...(await ofModules(commands, output)) }));
    return name === undefined ? 2 : 0;
  }
  const command = own(commands, name) ?? own(await ofModules(commands, output), name);
  if (!command) {
    const meant = nearest(name, Object.keys(commands));
    const hint = meant === undefined ? '' : ` (perhaps ${meant})`;
    output.err(`xlink: there is no command ${JSON.stringify(name)}${hint}; see xlink --help`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    output.out(command.help);
    return 0;
  }
  try {
    return await command.run(rest, output);
  } catch (error) {
    const isUsage = isUsageError(error);
    const text = explain(error);
    output.err(`xlink ${name}: ${isUsage ? `${text.replace(/\.$/, '')}; see xlink ${name} --help` : text}`);
    return isUsage ? 2 : exitCodeOf(error);
  }
}

/** What strangers wrote must not move the cursor, nor look like something else. */
const safely = ({ out, err, raw }: Output): Output => ({
  out: (line) => out(printable(line)),
  err: (line) => err(printable(line)),
  ...(raw ? { raw } : {}),
});

/** A mistake in the options: what to say about it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const isUsageError = (error: unknown): boolean =>
  error instanceof UsageError || String((error as { code?: unknown })?.code).startsWith('ERR_PARSE_ARGS');

const own = (commands: Readonly<Record<string, Command>>, name: string): Command | undefined =>
  Object.hasOwn(commands, name) ? commands[name] : undefined;

/** Those that installed packages add: looked for only where the word is none of ours. */
async function ofModules(
  commands: Readonly<Record<string, Command>>,
  { err }: Output,
): Promise<Readonly<Record<string, Command>>> {
  try {
    const { moduleCommands } = await import('./modules.js');
    return await moduleCommands(commands);
  } catch (error) {
    err(`xlink: ${explain(error)}`);
    return {};
  }
}

function usage(commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'Usage: xlink <command> [options]',
    '',
    ...list,
    '',
    'xlink <command> --help says more; xlink --version says which this is.',
  ].join('\n');
}
