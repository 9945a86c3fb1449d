import { readFile } from 'node:fs/promises';
import { isX0xError } from '../errors.js';
import { MAX_CARD_LINK } from '../layouts/card-link.js';
import { parseTrustLevel } from '../trust/levels.js';
import { parseId } from '../util/hex.js';
import { nearestOf } from '../util/options.js';
import { printable } from '../util/printable.js';
import type { Call } from './caller.js';
import { type Output, UsageError } from './output.js';
import { assertWords } from './words.js';

/** Options that tasks take beside those of the place and `--json`. */
export const TASK_OPTIONS = {
  trust: { type: 'string' },
  machine: { type: 'string' },
  reason: { type: 'string' },
  certificate: { type: 'string' },
  unsigned: { type: 'boolean', default: false },
  'include-user-identity': { type: 'boolean', default: false },
  'human-consent': { type: 'boolean', default: false },
  'withdraw-consent': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
} as const;

export interface TaskValues {
  readonly trust?: string | undefined;
  readonly machine?: string | undefined;
  readonly reason?: string | undefined;
  readonly certificate?: string | undefined;
  readonly unsigned: boolean;
  readonly 'include-user-identity': boolean;
  readonly 'human-consent': boolean;
  readonly 'withdraw-consent': boolean;
  readonly yes: boolean;
}

type Answer = Record<string, unknown>;

/** One thing that a command does: asks the instance, and says the answer in lines. */
export interface Task {
  /** How many words it takes behind its name, at least and at most. */
  readonly words: readonly [least: number, most: number];
  /** Which of {@link TASK_OPTIONS} it takes. Default: none. */
  readonly options?: readonly (keyof typeof TASK_OPTIONS)[];
  readonly run: (call: Call, words: readonly string[], values: TaskValues) => Promise<Answer>;
  readonly say: (answer: Answer, out: Output['out']) => void;
}

const CONSENT = ['include-user-identity', 'human-consent'] as const;
const shown = (value: unknown): string => printable(String(value));

const pairs = (...names: readonly (readonly [label: string, member: string])[]): Task['say'] => {
  const width = Math.max(...names.map(([label]) => label.length));
  return (answer, out) => {
    for (const [label, member] of names)
      if (answer[member] != null) out(`${label.padEnd(width)}  ${shown(answer[member])}`);
  };
};

function consent(values: TaskValues) {
  const [include_user_identity, human_consent] = CONSENT.map((name) => values[name]);
  if (include_user_identity && !human_consent)
    throw new UsageError('--include-user-identity names a human: she has to consent, --human-consent');
  return { include_user_identity, human_consent };
}

/** What a word means, read by the library; wrong ones are mistakes of who calls. */
function meant<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw isX0xError(error) ? new UsageError(error.message) : error;
  }
}

const idIn = (text: string | undefined, field: string): string => meant(() => parseId(text, field));
const levelIn = (text: string): string => meant(() => parseTrustLevel(text));

/** A link, or where it is: `-` is the standard input, `@PATH` a file. */
async function cardIn(word: string): Promise<string> {
  const text =
    word === '-' ? await input() : word.startsWith('@') ? await readFile(word.slice(1), 'utf8') : word;
  return text.trim();
}

async function input(): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > MAX_CARD_LINK + 2) break; // too large, which the import says
  }
  return Buffer.concat(parts).toString('utf8');
}

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
    say: ({ user_id }, out) => out(user_id == null ? 'none: there is no user.key' : shown(user_id)),
  },
  card: {
    words: [0, 1],
    options: CONSENT,
    run(call, [name = ''], values) {
      const { include_user_identity, human_consent } = consent(values);
      const query = new URLSearchParams({
        display_name: name,
        ...(include_user_identity ? { include_user_identity: 'true' } : {}),
        ...(human_consent ? { human_consent: 'true' } : {}),
      });
      return call('GET', `/agent/card?${query}`);
    },
    say: ({ link }, out) => out(printable(String(link), MAX_CARD_LINK)),
  },
  import: {
    words: [1, 1],
    options: ['trust', 'unsigned'],
    async run(call, [word], { trust, unsigned }) {
      const trust_level = trust === undefined ? {} : { trust_level: levelIn(trust) };
      const card = await cardIn(word!);
      return call('POST', '/agent/card/import', { card, ...trust_level, ...(unsigned ? { unsigned } : {}) });
    },
    say(answer, out) {
      const trust = String(answer['trust_level']).toLowerCase();
      pairs(['agent', 'agent_id'], ['name', 'display_name'], ['trust', 'trust'])({ ...answer, trust }, out);
      if (answer['trust_change_ignored'] === true)
        out('The level that was asked for would have been lower, or a block stays.');
      const namesakes = answer['same_name'];
      if (Array.isArray(namesakes)) out(`Careful: another contact has this name: ${shown(namesakes[0])}`);
    },
  },
  contacts: {
    words: [0, 0],
    run: (call) => call('GET', '/contacts'),
    say({ contacts }, out) {
      for (const { agent_id, trust_level, label } of contacts as Answer[])
        out(`${shown(agent_id)}  ${shown(trust_level).padEnd(7)}  ${shown(label ?? '')}`.trimEnd());
    },
  },
  trust: {
    words: [1, 2],
    options: ['machine'],
    async run(call, [agent, level], { machine }) {
      const agent_id = idIn(agent, 'agent_id');
      if (machine !== undefined && level === undefined)
        return call('POST', '/trust/evaluate', { agent_id, machine_id: idIn(machine, 'machine_id') });
      if (machine !== undefined)
        throw new UsageError('--machine asks what comes of an agent; leave the level out');
      if (level === undefined) throw new UsageError('give a level to set, or --machine ID to ask');
      const wanted = levelIn(level);
      const { contacts } = (await call('GET', '/contacts')) as { contacts: Answer[] };
      const is_new = !contacts.some((one) => one['agent_id'] === agent_id);
      const { trust_level = wanted } = await call('POST', '/contacts/trust', { agent_id, level: wanted });
      return { agent_id, level: trust_level, is_new };
    },
    say(answer, out) {
      if (answer['decision'] !== undefined) return out(shown(answer['decision']));
      out(`${shown(answer['agent_id'])}  ${shown(answer['level'])}`);
      if (answer['is_new'] === true) out('A new contact: its card was never imported here.');
    },
  },
  pin: {
    words: [2, 2],
    run(call, [agent, machine]) {
      const machine_id = idIn(machine, 'machine_id');
      return call('POST', `/contacts/${idIn(agent, 'agent_id')}/machines`, { machine_id, pinned: true });
    },
    say: ({ machine }, out) => out(`pinned  ${shown(Object(machine).machine_id)}`),
  },
  unpin: {
    words: [2, 2],
    run: (call, [agent, machine]) =>
      call('DELETE', `/contacts/${idIn(agent, 'agent_id')}/machines/${idIn(machine, 'machine_id')}/pin`),
    say: (_, out) => out('unpinned'),
  },
  announce: {
    words: [0, 0],
    options: [...CONSENT, 'withdraw-consent'],
    run(call, _, values) {
      const withdraw_consent = values['withdraw-consent'];
      const given = consent(values);
      return call('POST', '/announce', withdraw_consent ? { withdraw_consent } : given);
    },
    say({ peers, include_user_identity }, out) {
      const whom = peers === undefined ? '' : ` to ${shown(peers)} ${peers === 1 ? 'peer' : 'peers'}`;
      out(`announced${whom}${include_user_identity === true ? ', with the user' : ''}`);
    },
  },
  revoke: {
    words: [1, 1],
    options: ['reason', 'machine', 'certificate', 'yes'],
    async run(call, [word], { reason, machine, certificate, yes }) {
      if (machine !== undefined) throw new UsageError('write machine:ID for a machine');
      const isMachine = word!.startsWith('machine:');
      const subject = isMachine
        ? { machine_id: idIn(word!.slice(8), 'machine_id') }
        : { agent_id: idIn(word, 'agent_id') };
      if (!yes) throw new UsageError('a revocation is for good; say so with --yes');
      const bytes = certificate === undefined ? undefined : await readFile(certificate, 'base64');
      return call('POST', '/identity/revoke', {
        ...subject,
        ...(reason === undefined ? {} : { reason }),
        ...(bytes === undefined ? {} : { certificate: bytes }),
      });
    },
    say: ({ subject_kind, subject }, out) => out(`revoked  ${shown(subject_kind)} ${shown(subject)}`),
  },
};

/** The task that words name, and the words behind it. Throws a {@link UsageError}. */
export function taskOf(words: readonly string[]): {
  readonly name: string;
  readonly task: Task;
  readonly rest: readonly string[];
} {
  const [first = '', second = ''] = words;
  const inAgent = { 'user-id': 'agent user-id', card: 'card', import: 'import' }[
    first === 'agent' ? second : ''
  ];
  const name = inAgent ?? first;
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (!task) throw noCommand(first);
  const rest = words.slice(inAgent ? 2 : 1);
  assertWords(name, rest, task.words);
  return { name, task, rest };
}

/** Says which command was probably meant. */
export function noCommand(word: string): UsageError {
  if (word === '') return new UsageError('a command is required');
  const near = nearestOf(word, [...Object.keys(TASKS), 'start', 'user-key', 'help']);
  return new UsageError(
    `there is no command ${JSON.stringify(printable(word, 40))}${near ? `; did you mean ${near}?` : ''}`,
  );
}
