import { parseArgs } from 'node:util';
import { COMMANDS } from './help.js';
import { UsageError } from './output.js';

const OPTIONS = {
  home: { type: 'string' },
  store: { type: 'string', multiple: true },
  threshold: { type: 'string' },
  relay: { type: 'string' },
  name: { type: 'string' },
  seen: { type: 'string' },
  digits: { type: 'string' },
  quiet: { type: 'string' },
  once: { type: 'boolean' },
  service: { type: 'string' },
  user: { type: 'string' },
  without: { type: 'string' },
  replace: { type: 'boolean' },
} as const;

/** What options were given. */
export type Values = ReturnType<typeof parsed>['values'];

const parsed = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });

/** A command, as it was called. */
export interface Call {
  readonly name: string;
  readonly values: Values;
  readonly link: string | undefined;
}

/** Reads a command line. What a command would not heed is refused, for whoever wrote it counts on it. Throws {@link UsageError}. */
export function callOf(args: readonly string[]): Call {
  const { values, positionals } = parsed(args);
  const [name = '', link, ...more] = positionals;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(name === '' ? 'a command is required' : 'there is no such command');
  const { options = [], takes } = command;
  for (const option of Object.keys(values))
    if (option !== 'home' && !options.includes(option)) throw new UsageError(`${name} takes no --${option}`);
  if (link !== undefined && takes === undefined) throw new UsageError(`${name} takes options alone`);
  if (more.length > 0) throw new UsageError('there is one link at most');
  checkTogether(name, values, link);
  return { name, values, link };
}

/** Options that another one, or a link, leaves without a meaning. */
function checkTogether(name: string, values: Values, link: string | undefined): void {
  const isGiven = (...options: (keyof Values)[]) => options.some((one) => values[one] !== undefined);
  const refuse = (isWrong: boolean, why: string) => {
    if (isWrong) throw new UsageError(why);
  };
  if (name === 'approve' && link !== undefined)
    refuse(isGiven('quiet', 'once'), '--quiet and --once are for approve without a link');
  if (name === 'approve' && link === undefined)
    refuse(isGiven('seen', 'digits'), '--seen and --digits are for one login: pass its link');
  if (name !== 'rotate') return;
  refuse(isGiven('store') && !isGiven('without'), '--store needs --without; xlock init --store adds a store');
  refuse(
    isGiven('without') && isGiven('service', 'user'),
    '--without moves all passkeys: it goes with neither --service nor --user',
  );
  refuse(isGiven('user') && !isGiven('service'), '--user needs --service');
}
