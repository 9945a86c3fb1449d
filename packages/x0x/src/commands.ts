import { parseArgs } from 'node:util';
import { withInstance } from './cli/caller.js';
import { type Command, UsageError } from './cli/output.js';
import { PLACE_OPTIONS, placesIn } from './cli/place-options.js';
import { start } from './cli/start.js';
import { TASK_OPTIONS, taskOf } from './cli/tasks.js';

export { type Command, type Output, UsageError } from './cli/output.js';

const HELP = `Usage: xlink x0x <command> [options]

  agent                    the ids of this agent; its keys are made at first use
  agent user-id            the id of the human behind it, if there is a user.key
  card [NAME]              a link to share: x0x://agent/…
  import LINK              makes the agent of a card a contact
  contacts                 whom this agent knows
  trust AGENT LEVEL        blocked, unknown, known or trusted
  trust AGENT --machine ID what comes of that agent on that machine
  announce                 tells peers where the agent is, now
  revoke ID --yes          an agent, or machine:ID, for good
  start                    runs the daemon: a relay connection, heartbeats, an API on loopback

  --name NAME              another identity on this machine
  --identity-dir DIR       its keys (default ~/.x0x, or ~/.x0x-NAME)
  --data-dir DIR           its state (default ~/.local/share/x0x or the like)
  --json                   the answer as JSON
  --trust LEVEL            of import (default known); never lowers a level, lifts no block
  --unsigned               of import: takes a card without a signature
  --include-user-identity  of card and announce: names the user; needs --human-consent
  --human-consent          she consents
  --reason TEXT            of revoke
  --relay URL              of start: where others are met (xlink relay)
  --relay-did DID          of start: who that relay is
  --api-port N             of start: default 12700, with --name a free one

If a daemon runs, it is asked; otherwise the files are.`;

/** `xlink x0x`. */
export const x0xCommand: Command = {
  summary: 'a persistent identity for an agent: ids, cards, trust',
  help: HELP,
  async run([name, ...args], output) {
    if (name === undefined) throw new UsageError('a command is required');
    if (name === 'start') return start(args, output);
    const { values, positionals } = parseArgs({
      args: [name, ...args],
      options: { ...PLACE_OPTIONS, ...TASK_OPTIONS },
      strict: true,
      allowPositionals: true,
    });
    const { task, rest } = taskOf(positionals);
    const answer = await withInstance(placesIn(values), (call) => task.run(call, rest, values));
    if (values.json) output.out(JSON.stringify(answer));
    else task.say(answer, output.out);
    return 0;
  },
};
