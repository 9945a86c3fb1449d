/** What `xlink x0x --help` says. */
export const HELP = `Usage: xlink x0x <command> [options]

  agent                    the ids of this agent; its keys are made at first use
  agent user-id            the id of the human behind it, if there is a user.key
  card [NAME]              a link to share, some 27 KB: x0x://agent/…
  import LINK              makes the agent of a card a contact; - reads it, @PATH is a file with it
  contacts                 whom this agent knows
  trust AGENT LEVEL        blocked, unknown, known or trusted
  trust AGENT --machine ID what comes of that agent on that machine
  pin AGENT MACHINE        takes the agent on this machine and other pinned ones only
  unpin AGENT MACHINE      takes that back; with the last pin every machine is taken
  announce                 tells peers where the agent is, now
  revoke ID --yes          an agent, or machine:ID, for good
  user-key --yes           makes user.key: the key of a human; a running daemon sees it after a restart
  start                    runs the daemon: a relay connection, heartbeats, an API on loopback
  help [COMMAND]           this text, or what is about one command; --version: the version

  --name NAME              another identity on this machine
  --identity-dir DIR       its keys (default ~/.x0x, or ~/.x0x-NAME)
  --data-dir DIR           its state (default ~/.local/share/x0x or the like)
  --json                   the answer, and what went wrong, as JSON; not of start, user-key and help
  --trust LEVEL            of import (default known); never lowers a level, lifts no block
  --unsigned               of import: takes a card without a signature
  --include-user-identity  of card and announce: names the user; needs --human-consent
  --human-consent          of card and announce: she consents
  --withdraw-consent       of announce: she does not any more
  --reason TEXT            of revoke
  --certificate FILE       of revoke: agent.cert of an agent that has not named its human here
  --relay URL              of start: where others are met (xlink relay)
  --relay-did DID          of start: who that relay is
  --websocket              of start: receives over a WebSocket; the relay needs ws. Default: long poll
  --api-port N             of start: default 12700, with --name a free one

If a daemon runs, it is asked; otherwise the files are.`;

/** The lines about one command and its options; all of it, if there is no such command. */
export function helpFor(command: string | undefined): string {
  if (command === undefined) return HELP;
  const lines = HELP.split('\n');
  const usage = lines.filter((line) => new RegExp(`^  ${escaped(command)}( |$)`).test(line));
  if (usage.length === 0) return HELP;
  const own = lines.filter((line) => /^ {2}--/.test(line) && isOf(line, command));
  const common = lines.filter((line) => /^ {2}--(name|identity-dir|data-dir|json)\b/.test(line));
  return ['Usage: xlink x0x <command> [options]', '', ...usage, '', ...common, ...own].join('\n');
}

const isOf = (line: string, command: string): boolean => {
  const [, names = ''] = / of ([\w ,-]+)(:|;|\(|$)/.exec(line) ?? [];
  return names.split(/,| and /).some((name) => name.trim() === command);
};

const escaped = (text: string): string => text.replace(/[^\w-]/g, '\\$&');
