import { brownoutSchedule, MigrationPlan, type Mode } from '@private.me/xlink';
import { confirm } from './ask.js';
import { type Operated, operate, STORE_HELP, STORE_OPTIONS } from './operate/stores.js';
import { FLAG, integerOf, needed, read, show, TEXT, TEXTS } from './options.js';
import { type Command, type Output, UsageError } from './run.js';

const HELP = `Usage: xlink migrate plan [options]
       xlink migrate apply --by TEXT --why TEXT [--to MODE] [--force MODE] [options]
       xlink migrate mode [MODE --why TEXT] [options]
       xlink migrate brownout --from DATE --until DATE [--preset NAME] [--hour N]
       xlink migrate revoke-client CLIENT [--reason TEXT] [--allow-unknown] [options]

Works through the stores of an API, which all of its instances follow.

plan says which step comes next and what blocks it; apply takes it. mode shows the mode, or
sets it whatever the plan says. brownout computes a schedule; instances do not share
brownouts, so pass what it prints to the option brownouts of each. revoke-client ends a
client: its keys, and every identity of it.

  --to MODE                only if that is the next step
  --force MODE             enters this mode although gates are closed
  --ignore-client CLIENT   of plan and apply: who does not count; several times
  --from, --until DATE     2027-03-01, or with a time, in UTC
  --preset NAME            gentle, standard or strict
  --by TEXT, --why TEXT    kept with the change; nobody checks it
${STORE_HELP}
  --json                   data as one line of JSON
  -y, --yes                asks nothing`;

const OPTIONS = {
  ...STORE_OPTIONS,
  json: FLAG,
  yes: { ...FLAG, short: 'y' },
  to: TEXT,
  force: TEXT,
  by: TEXT,
  why: TEXT,
  reason: TEXT,
  'allow-unknown': FLAG,
  'ignore-client': TEXTS,
  from: TEXT,
  until: TEXT,
  preset: TEXT,
  hour: TEXT,
} as const;

type Values = ReturnType<typeof read<typeof OPTIONS>>['values'];
type Work = (values: Values, word: string | undefined, output: Output) => Promise<number>;

/** `xlink migrate`. */
export const migrateCommand: Command = {
  summary: 'take an API from keys to xLink, step by step',
  help: HELP,
  async run([name = '', ...args], output) {
    const { values, words } = read(args, OPTIONS, name === 'mode' || name === 'revoke-client' ? 1 : 0);
    const work = Object.hasOwn(WORKS, name) ? WORKS[name] : undefined;
    if (!work) throw new UsageError(`there are ${Object.keys(WORKS).join(', ')}`);
    return work(values, words[0], output);
  },
};

const WORKS: Readonly<Record<string, Work>> = {
  plan: (values, _, output) =>
    operate(values, ['clients', 'mode'], async (operated) => {
      show(output, values, await (await planOf(operated, values)).evaluate());
      return 0;
    }),

  apply: (values, _, output) =>
    operate(values, ['clients', 'mode'], async (operated) => {
      const { to, force } = values;
      const plan = await planOf(operated, values);
      const { mode, next } = await plan.evaluate();
      const wanted = force ?? to ?? next;
      const by = needed(values.by, 'by');
      const why = needed(values.why, 'why');
      if (wanted !== undefined && !(await confirm(values, `From ${mode} to ${wanted}?`))) return 1;
      const options = {
        ...(to === undefined ? {} : { to: modeOf(to) }),
        ...(force === undefined ? {} : { force: modeOf(force) }),
      };
      show(output, values, await plan.apply({ by, why, ...options }));
      return 0;
    }),

  mode: (values, word, output) =>
    operate(values, ['mode'], async ({ modes, shared }) => {
      if (word === undefined) {
        show(output, values, (await modes!.load()) ?? { mode: null });
        return 0;
      }
      const mode = modeOf(word);
      const why = needed(values.why, 'why');
      const before = await modes!.load();
      if (!(await confirm(values, `From ${before?.mode ?? 'none'} to ${mode}?`))) return 1;
      const { by } = values;
      if (before) await (await shared()).setMode(mode, why, by === undefined ? {} : { by });
      else if (
        !(await modes!.save({ mode, since: Date.now(), reason: why, ...(by === undefined ? {} : { by }) }, 0))
      )
        throw new Error('an instance has set one meanwhile; look at it: xlink migrate mode');
      show(output, values, await modes!.load());
      return 0;
    }),

  async brownout(values, _, output) {
    const { preset, hour } = values;
    if (preset !== undefined && !isPreset(preset))
      throw new UsageError('--preset is gentle, standard or strict');
    const all = brownoutSchedule({
      from: dateOf('from', values.from),
      until: dateOf('until', values.until),
      ...(preset === undefined ? {} : { preset }),
      ...(hour === undefined ? {} : { hour: integerOf('hour', hour, 0, 23) }),
    });
    show(output, values, all);
    return 0;
  },

  'revoke-client': (values, client, output) => {
    if (client === undefined) throw new UsageError('name the client');
    return operate(values, ['clients', 'registry'], async ({ adapter }) => {
      if (!(await confirm(values, `End the client ${client}, its keys and all of its identities?`))) return 1;
      const { reason, by, 'allow-unknown': allowUnknown = false } = values;
      const given = { reason, by };
      const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      show(output, values, await adapter.revokeClient(client, { ...told, allowUnknown }));
      return 0;
    });
  },
};

async function planOf({ adapter, shared }: Operated, values: Values): Promise<MigrationPlan> {
  return new MigrationPlan({
    adapter,
    sharedMode: await shared(),
    ignoreClients: values['ignore-client'] ?? [],
  });
}

const MODES: readonly Mode[] = ['observe', 'hybrid', 'deprecation', 'xlink-only'];

function modeOf(text: string): Mode {
  const mode = MODES.find((one) => one === text);
  if (!mode) throw new UsageError(`a mode is one of ${MODES.join(', ')}`);
  return mode;
}

const isPreset = (text: string): text is 'gentle' | 'standard' | 'strict' =>
  /^(gentle|standard|strict)$/.test(text);

function dateOf(name: string, text: string | undefined): Date {
  const date = new Date(needed(text, name));
  if (Number.isNaN(date.getTime())) throw new UsageError(`--${name} is no date, such as 2027-03-01`);
  return date;
}
