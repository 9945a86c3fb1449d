import { withInstance } from './cli/caller.js';
import { HELP, helpFor } from './cli/help.js';
import { type Command, type Output, UsageError } from './cli/output.js';
import { PLACE_OPTIONS, placesIn } from './cli/place-options.js';
import { start } from './cli/start.js';
import { TASK_OPTIONS, taskOf } from './cli/tasks.js';
import { makeUser } from './cli/user-key.js';
import { parsed } from './cli/words.js';
import { isX0xError } from './errors.js';
import { toldWith } from './util/causes.js';
import { oneLine, printableJson } from './util/printable.js';

export { type Command, type Output, UsageError } from './cli/output.js';

const OPTIONS = { ...PLACE_OPTIONS, ...TASK_OPTIONS, json: { type: 'boolean', default: false } } as const;
type Name = keyof typeof TASK_OPTIONS;

/** `xlink x0x`. */
export const x0xCommand: Command = {
  summary: 'a persistent identity for an agent: ids, cards, trust',
  help: HELP,
  async run(args, output) {
    const shown = {
      out: (line: string) => output.out(oneLine(line)),
      err: (line: string) => output.err(oneLine(line)),
    };
    const isJson = args.includes('--json');
    try {
      return await runWith(args, shown);
    } catch (error) {
      if (isX0xError(error, 'INVALID_OPTION')) throw new UsageError(oneLine(error.message));
      if (error instanceof UsageError) throw error;
      if (isJson) {
        output.out(
          printableJson({
            ok: false,
            error: toldWith(error),
            code: (error as { id?: unknown }).id ?? 'INTERNAL',
          }),
        );
        return 1;
      }
      throw new Error(toldWith(error), { cause: error });
    }
  },
};

async function runWith(args: readonly string[], { out, err }: Output): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) throw new UsageError('a command is required');
  if (name === 'help' || rest.includes('--help') || rest.includes('-h')) {
    for (const line of helpFor(name === 'help' ? rest[0] : name).split('\n')) out(line);
    return 0;
  }
  if (name === 'start') return start(rest, { out, err });
  if (name === 'user-key') return makeUser(rest, { out, err });
  const { values, positionals } = parsed(name, args, OPTIONS);
  const { name: known, task, rest: words } = taskOf(positionals);
  for (const option of Object.keys(TASK_OPTIONS) as Name[]) {
    const isGiven = values[option] !== undefined && values[option] !== false;
    if (isGiven && !task.options?.includes(option)) throw new UsageError(`${known} takes no --${option}`);
  }
  const answer = await withInstance(placesIn(values), (call) => task.run(call, words, values));
  if (values.json) out(printableJson(answer));
  else task.say(answer, out);
  return 0;
}
