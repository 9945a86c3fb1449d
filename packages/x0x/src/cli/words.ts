import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestOf } from '../util/options.js';
import { oneLine } from '../util/printable.js';
import { UsageError } from './output.js';

type Options = NonNullable<ParseArgsConfig['options']>;

interface Parsed<T extends Options> {
  readonly args: string[];
  readonly options: T;
  readonly strict: true;
  readonly allowPositionals: true;
}

/** As `parseArgs`, and says what is wrong in its own words. Throws a {@link UsageError}. */
export function parsed<T extends Options>(
  owner: string,
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<Parsed<T>>> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError(wordsFor(owner, args, Object.keys(options), error));
  }
}

function wordsFor(owner: string, args: readonly string[], names: readonly string[], error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  const unknown = args.find((arg) => {
    const name = /^--?(?:no-)?([^=]+)/.exec(arg)?.[1];
    return arg !== '--' && name !== undefined && !names.includes(name);
  });
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && unknown !== undefined) {
    const [shown] = oneLine(unknown).slice(0, 64).split('=') as [string];
    const near = nearestOf(shown.replace(/^-+/, ''), names);
    return `${owner} has no option ${shown}${near ? `; did you mean --${near}?` : ''}`;
  }
  return oneLine(String(message).split(/[.\n]/)[0]!);
}

/** One line for how many words a command takes. */
export function assertWords(
  name: string,
  words: readonly string[],
  [least, most]: readonly [number, number],
): void {
  if (words.length >= least && words.length <= most) return;
  const number = least === most ? `${least || 'no'}` : `${least} to ${most}`;
  throw new UsageError(
    `${name} takes ${number} ${most === 1 && least === 1 ? 'word' : 'words'}, not ${words.length}`,
  );
}
