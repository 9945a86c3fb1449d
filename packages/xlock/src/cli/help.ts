import { PLACES } from './places.js';
import { SERVE_HELP } from './serve-options.js';

/** A command, for those who read or check a call of it. */
export interface Command {
  /** What it does, line by line; the first is what lists show. */
  readonly lines: readonly string[];
  /** What stands behind its name. */
  readonly takes?: string;
  /** Names in {@link OPTION_TEXTS}; the command takes no other ones. */
  readonly options?: readonly string[];
  /** More, of the command alone. */
  readonly more?: string;
}

const OWNER = ['service', 'user'];

/** Each command, and all that it takes beside `--home`. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  init: {
    lines: [
      'writes the configuration: --store two or more times',
      'Again, it changes what is given: --relay, --name, --threshold; each further --store is added.',
    ],
    options: ['store', 'threshold', 'relay', 'name'],
  },
  register: {
    takes: 'LINK',
    lines: ['makes a passkey for a service, or adds this device to one'],
    options: ['replace'],
  },
  approve: {
    takes: '[LINK]',
    lines: [
      'asks for one login; without LINK: waits for pushes over the relay, and asks for each',
      'Exit code 3: it was denied; 4: nothing was answered, by Ctrl-C or because time was up. Without a terminal: LINK with --seen and --digits.',
    ],
    options: ['seen', 'digits', 'quiet', 'once'],
  },
  deny: { takes: 'LINK', lines: ['denies one login'] },
  list: { lines: ['the passkeys of this device'] },
  audit: {
    lines: [
      'the state of each share, of all passkeys',
      'Exit code 3 if something is to be done, such as for a store that a service revoked.',
    ],
  },
  rotate: {
    lines: [
      'new shares of the same key, for all passkeys, or one: --service, --user',
      '--without PLACE moves the shares of all passkeys away from a store, and to others with --store.',
    ],
    options: [...OWNER, 'without', 'store'],
  },
  recover: {
    lines: [
      'a passkey from the stores, on a new device: --service, --user',
      'After xlock init with the same places. Then let the service register this device, and revoke the lost one.',
    ],
    options: OWNER,
  },
  codes: {
    lines: ['codes on paper for times without a network; those of before end: --service, --user'],
    options: OWNER,
  },
  whoami: { lines: ['the DID of this device'] },
  serve: { lines: ['the auth server: xlock help serve'], more: SERVE_HELP },
  export: {
    lines: [
      'the audit log of a server, also of one that runs, or of a copy, with anomalies',
      '--data DIR, --format json or csv, --since and --until 2026-01-31, --identity FILE',
      '--out FILE writes it with proofs instead, and FILE.checkpoint',
    ],
  },
  verify: {
    lines: [
      'replays the HMAC chain of the audit log of a stopped server, or over a copy; exit code 1 if anything was changed',
      '--data DIR, --identity FILE',
      'Without its key: --audit-log DIR, or FILE of export --out, and --did DID; --checkpoint FILE, kept elsewhere',
    ],
  },
  help: { takes: '[COMMAND]', lines: ['this, or all about one command'] },
};

const OPTION_TEXTS: Readonly<Record<string, string>> = {
  home: '--home DIR           configuration and key of the device (default $XLOCK_HOME, or ~/.xlock)',
  store: `--store PLACE        ${PLACES}`,
  threshold: '--threshold K        how many of the stores it takes (default 2)',
  relay: '--relay URL          where pushes come from',
  name: '--name NAME          of this device, for lists (default: terminal)',
  replace:
    '--replace            makes a new passkey in the place of one of the same account, which is of no use then',
  seen: '--seen HOST          with LINK: what the address bar shows, instead of asking',
  digits: '--digits NN          with LINK: the digits of the login page, instead of asking',
  quiet: '--quiet HH:MM-HH:MM  without LINK: when nothing is asked',
  once: '--once               without LINK: ends after the first decision',
  service: '--service ORIGIN     such as https://acme.com',
  user: '--user NAME          the account at the service (default: none)',
  without: '--without PLACE      the store to leave',
};

const PLACES_HELP = `Places. What lies in --home is lost with the device: keep K stores elsewhere, and another device can recover.
  file:FOLDER        below --home unless it begins with /. In --home its key is store.key there; elsewhere it is store.key in FOLDER,
                     so that whoever has that medium has this share, and no other one
  passphrase:FOLDER  the same, opened by the variable XLOCK_PASSPHRASE only
  https://…          WebDAV. Its Authorization is in a variable with the name of its host, and goes to no other:
                     XLOCK_AUTHORIZATION_DAV_EXAMPLE_8443 for https://dav.example:8443/x (a "-" is "__")
  s3:https://…       AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION; secrets are not sent`;

const indented = (lines: readonly string[], by: number): string =>
  lines.map((line) => ' '.repeat(by) + line).join('\n');

/** What `--help` says. */
export const HELP = `Usage: xlock <command> [options]

${indented(
  Object.entries(COMMANDS).map(
    ([name, { takes = '', lines }]) => `${`${name} ${takes}`.padEnd(20)} ${lines[0]}`,
  ),
  2,
)}

${indented(Object.values(OPTION_TEXTS), 2)}
  --version            of the package

${PLACES_HELP}`;

/** What `xlock help COMMAND` and `xlock COMMAND --help` say; `undefined` for what is no command. */
export function helpOf(name: string): string | undefined {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return undefined;
  const { takes, lines, options = [], more } = command;
  const hasHome = !['serve', 'export', 'verify', 'help'].includes(name);
  const texts = [...(hasHome ? ['home'] : []), ...options].map((option) => OPTION_TEXTS[option]!);
  const usage = ['Usage: xlock', name, takes, '[options]'].filter(Boolean).join(' ');
  return [
    usage,
    indented(lines, 2),
    ...(texts.length > 0 ? [indented(texts, 2)] : []),
    ...(more === undefined ? [] : [more]),
    ...(options.includes('store') ? [PLACES_HELP] : []),
  ].join('\n\n');
}
