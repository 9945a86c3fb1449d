import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from './nearest.js';
import { UsageError } from './run.js';

/** As `parseArgs`; what is wrong is said in our words, with the option that was meant. Throws a `UsageError`. */
export function parsed<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw new UsageError(wordsFor(code, message, Object.keys(config.options ?? {})));
  }
}

function wordsFor(code: string, message: string, options: readonly string[]): string {
  const [, named = ''] = /'(-{1,2}[^'\s]*)/.exec(message) ?? [];
  const option = named.replace(/[,=].*$/, '');
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const meant = nearest(option.replace(/^-+/, ''), options);
    return `there is no option ${option}${meant === undefined ? '' : ` (perhaps --${meant})`}`;
  }
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') {
    const [, word = 'an argument'] = /'([^']*)'/.exec(message) ?? [];
    return `${word} is not expected`;
  }
  const long = /(--[\w-]+)/.exec(message)?.[1] ?? option;
  if (/does not take an argument/.test(message)) return `${long} takes no value`;
  if (/ambiguous/.test(message))
    return `${long} needs a value; one that begins with "-" is given as ${long}=-VALUE`;
  return `${long} needs a value`;
}
