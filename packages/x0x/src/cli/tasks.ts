import type { Call } from './caller.js';
import { type Output, UsageError } from './output.js';

/** Options that tasks take beside those of the place. */
export const TASK_OPTIONS = {
  json: { type: 'boolean', default: false },
  trust: { type: 'string' },
  machine: { type: 'string' },
  reason: { type: 'string' },
  unsigned: { type: 'boolean', default: false },
  'include-user-identity': { type: 'boolean', default: false },
  'human-consent': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
} as const;

export interface TaskValues {
  readonly trust?: string | undefined;
  readonly machine?: string | undefined;
  readonly reason?: string | undefined;
  readonly unsigned: boolean;
  readonly 'include-user-identity': boolean;
  readonly 'human-consent': boolean;
  readonly yes: boolean;
}

type Answer = Record<string, unknown>;

/** One thing that a command does: asks the instance, and says the answer in lines. */
export interface Task {
  /** How many words it takes behind its name, at least and at most. */
  readonly words: readonly [least: number, most: number];
  readonly run: (call: Call, words: readonly string[], values: TaskValues) => Promise<Answer>;
  readonly say: (answer: Answer, out: Output['out']) => void;
}

const pairs = (...names: readonly (readonly [label: string, member: string])[]): Task['say'] => {
  const width = Math.max(...names.map(([label]) => label.length));
  return (answer, out) => {
    for (const [label, member] of names)
      if (answer[member] != null) out(`${label.padEnd(width)}  ${answer[member]}`);
  };
};

const consent = (values: TaskValues) => ({
  include_user_identity: values['include-user-identity'],
  human_consent: values['human-consent'],
});

/** By the words with which they are called; `agent card` and `agent import` are as x0x has them. */
export const TASKS: Readonly<Record<string, Task>> = {
  agent: {
    words: [0, 0],
    run: (call) => call('GET', '/agent'),
    say: pairs(['agent', 'agent_id'], ['machine', 'machine_id'], ['user', 'user_id'], ['did', 'did']),
  },
  'agent user-id': {
    words: [0, 0],
    run: (call) => call('GET', '/agent/user-id'),
    say: ({ user_id }, out) => out(user_id == null ? 'none: there is no user.key' : String(user_id)),
  },
  card: {
    words: [0, 1],
    run(call, [name = ''], values) {
      const { include_user_identity, human_consent } = consent(values);
      const query = new URLSearchParams({
        display_name: name,
        ...(include_user_identity ? { include_user_identity: 'true' } : {}),
        ...(human_consent ? { human_consent: 'true' } : {}),
      });
      return call('GET', `/agent/card?${query}`);
    },
    say: ({ link }, out) => out(String(link)),
  },
  import: {
    words: [1, 1],
    run: (call, [card], { trust, unsigned }) =>
      call('POST', '/agent/card/import', {
        card,
        ...(trust === undefined ? {} : { trust_level: trust }),
        ...(unsigned ? { unsigned } : {}),
      }),
    say(answer, out) {
      pairs(['agent', 'agent_id'], ['name', 'display_name'], ['trust', 'trust_level'])(answer, out);
      if (answer['trust_change_ignored'] === true)
        out('The level that was asked for would have been lower, or a block stays.');
    },
  },
  contacts: {
    words: [0, 0],
    run: (call) => call('GET', '/contacts'),
    say({ contacts }, out) {
      for (const { agent_id, trust_level, label } of contacts as Answer[])
        out(`${agent_id}  ${String(trust_level).padEnd(7)}  ${label ?? ''}`.trimEnd());
    },
  },
  trust: {
    words: [1, 2],
    async run(call, [agent_id, level], { machine }) {
      if (machine !== undefined && level === undefined)
        return call('POST', '/trust/evaluate', { agent_id, machine_id: machine });
      if (machine !== undefined)
        throw new UsageError('--machine asks what comes of an agent; leave the level out');
      if (level === undefined) throw new UsageError('give a level to set, or --machine ID to ask');
      await call('POST', '/contacts/trust', { agent_id, level });
      return { agent_id, level };
    },
    say: (answer, out) => out(String(answer['decision'] ?? `${answer['agent_id']}  ${answer['level']}`)),
  },
  announce: {
    words: [0, 0],
    run: (call, _, values) => call('POST', '/announce', consent(values)),
    say: ({ peers }, out) => out(`announced${peers === undefined ? '' : ` to ${peers} peers`}`),
  },
  revoke: {
    words: [1, 1],
    run(call, [id], { reason, machine, yes }) {
      if (machine !== undefined) throw new UsageError('write machine:ID for a machine');
      if (!yes) throw new UsageError('a revocation is for good; say so with --yes');
      const subject = id!.startsWith('machine:') ? { machine_id: id!.slice(8) } : { agent_id: id };
      return call('POST', '/identity/revoke', { ...subject, ...(reason === undefined ? {} : { reason }) });
    },
    say: ({ subject_kind, subject }, out) => out(`revoked  ${subject_kind} ${subject}`),
  },
};

/** The task that words name, and the words behind it. Throws a {@link UsageError}. */
export function taskOf(words: readonly string[]): { readonly task: Task; readonly rest: readonly string[] } {
  const [first = '', second = ''] = words;
  const inAgent = { 'user-id': 'agent user-id', card: 'card', import: 'import' }[
    first === 'agent' ? second : ''
  ];
  const name = inAgent ?? first;
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (!task) throw new UsageError(`there is no command ${JSON.stringify(first)}`);
  const rest = words.slice(inAgent ? 2 : 1);
  const [least, most] = task.words;
  if (rest.length < least || rest.length > most)
    throw new UsageError(`${name} takes ${least === most ? least : `${least} to ${most}`} words`);
  return { task, rest };
}
