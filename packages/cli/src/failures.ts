/** Why a command ends as it does. One row for each exit code; `ids` are those of errors, `codes` those of Node and of file stores. */
export interface ExitRow {
  readonly code: number;
  readonly means: string;
  readonly ids?: RegExp;
  readonly codes?: RegExp;
}

/** Every exit code. The first row that fits counts. */
export const EXIT_CODES: readonly ExitRow[] = [
  { code: 0, means: 'done' },
  { code: 1, means: 'failed; what is said on stderr tells why' },
  { code: 2, means: 'wrong call: an unknown option, a value that is none, or something that is missing' },
  {
    code: 3,
    means:
      'refused: an identity that is unknown or revoked, a scope that was not granted, a signature that is wrong, a private address',
    ids: /^(VERIFICATION_FAILED|SCOPE_|RECEIVER_SCOPE_DENIED|REPLAY_DETECTED|TIMESTAMP_EXPIRED|DECRYPT_FAILED|CLIENT_REVOKED|DISCOVERY_FAILED:(INVALID|OTHER)|PRIVATE_ADDRESS)/,
  },
  { code: 10, means: 'no invite: the code is not whole', ids: /^INVITATION_REFUSED:MALFORMED$/ },
  { code: 11, means: 'a forged invite', ids: /^INVITATION_REFUSED:FORGED$/ },
  { code: 12, means: 'an invite that another identity has used', ids: /^INVITATION_REFUSED:USED$/ },
  { code: 13, means: 'an invite that has expired', ids: /^INVITATION_REFUSED:EXPIRED$/ },
  { code: 14, means: 'an invite that was revoked', ids: /^INVITATION_REFUSED:REVOKED$/ },
  {
    code: 15,
    means: 'an invite of another agent, of this very identity, or one that its maker does not know',
    ids: /^(INVITATION_REFUSED|INVITATION_UNKNOWN)/,
  },
  {
    code: 16,
    means: 'the keychain of the operating system is absent or locked, or has no such key',
    ids: /^KEYCHAIN_/,
  },
  {
    code: 4,
    means: 'nobody could be reached, or the answer was none',
    ids: /^(SEND_FAILED|NETWORK_ERROR|INVITE_FAILED|DISCOVERY_FAILED|LOOKUP_FAILED$|RELAY_UNAVAILABLE)/,
    codes: /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH)/,
  },
  { code: 5, means: 'in use by another process: a file, or a port', codes: /^(ELOCKED|EADDRINUSE)$/ },
  {
    code: 6,
    means: 'a key or another secret that others can read, or data that others can change',
    ids: /^(KEY_FILE_OPEN|WRITABLE_BY_OTHERS)$/,
  },
  { code: 7, means: 'a passphrase that is wrong or missing', ids: /^PASSPHRASE_/ },
  {
    code: 8,
    means: 'the disk is full, or may not be written to; nothing is half-written',
    ids: /^NO_PLACE$/,
    codes: /^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|ENOTDIR)$/,
  },
  {
    code: 9,
    means: 'entries of an audit log that are doubtful: what is signed in them is no evidence for them',
  },
  {
    code: 130,
    means: 'ended by Ctrl-C, or the terminal was lost, before anything was done',
    ids: /^INTERRUPTED$/,
  },
];

/** What the commands themselves fail with: what is wrong, and what to do. */
const ROWS = {
  NO_IDENTITY: [
    'There is no identity here.',
    'Make one: xlink init --name NAME, or say where it is: --dir FOLDER.',
  ],
  UNKNOWN_AGENT: ['There is no key of this agent here.', 'xlink keys list shows those that there are.'],
  EXISTS: [
    'There is one already, and it is not overwritten.',
    'Choose another place, or remove it yourself.',
  ],
  KEY_FILE_OPEN: [
    'Others on this machine can read it, and it is secret.',
    'Run chmod 600 on it; if it was so for long, replace what is in it.',
  ],
  WRITABLE_BY_OTHERS: [
    'Others on this machine can change it, and keys or who is trusted with it.',
    'Run chmod go-w on it, and see whether somebody did.',
  ],
  NO_PLACE: ['No folder can be made there.', 'Choose another place, on a disk that may be written to.'],
  PASSPHRASE_NEEDED: [
    'The key is encrypted.',
    'Give its passphrase in a file (--passphrase-file FILE), in the variable XLINK_PASSPHRASE, or at a terminal.',
  ],
  PASSPHRASE_WRONG: [
    'The passphrase is wrong, or the file was changed.',
    'Try again; without it nothing can be read.',
  ],
  KEYCHAIN_PACKAGE: [
    'The keychain is opened by the package @napi-rs/keyring, which is not installed or does not run here.',
    'Run npm install @napi-rs/keyring where @private.me/xlink-cli is installed; or use --encrypt instead.',
  ],
  KEYCHAIN_UNREACHABLE: [
    'No keychain can be reached; on Linux that is a Secret Service on the D-Bus of the session.',
    'Work in the session of a desktop, or start one: dbus-run-session and gnome-keyring-daemon --unlock; or use --encrypt instead.',
  ],
  KEYCHAIN_LOCKED: [
    'The keychain is locked, or it did not let us in.',
    'Unlock it, by logging in to the desktop or with gnome-keyring-daemon --unlock, and try again.',
  ],
  KEYCHAIN_NO_ENTRY: [
    'The keychain of this user has no such key; the file only names it.',
    'It is in the keychain where it was made, or it was removed: restore it from a backup, or make a new identity.',
  ],
  KEYCHAIN_OTHER_KEY: [
    'What the keychain has under this name is not the key that the file names.',
    'Somebody changed it: restore it from a backup, and see who can open the keychain.',
  ],
  INTERRUPTED: ['Ended before anything was done.', ''],
  PRIVATE_ADDRESS: [
    'It leads to a private address, and a stranger may have chosen it.',
    'If you know it, add --allow-private.',
  ],
  NO_ADDRESS: [
    'It is not known where this peer takes messages.',
    'Give --url URL, or --envelope to have the envelope printed and bring it there yourself.',
  ],
} as const satisfies Record<string, readonly [message: string, remedy: string]>;

export type FailureId = keyof typeof ROWS;

/** A command cannot do what it was asked to. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly id: FailureId;

  /** `about`: which file, or whom. */
  constructor(id: FailureId, about = '', options?: ErrorOptions) {
    const [message, remedy] = ROWS[id];
    super([about && `${about}:`, message, remedy].filter(Boolean).join(' '), options);
    this.id = id;
  }
}

/** The exit code of what was thrown: by the system error that it comes from, or else by what it is. */
export function exitCodeOf(error: unknown): number {
  const chain = chainOf(error);
  const row =
    chain.map(rowOfCode).find((found) => found !== undefined) ??
    chain.map(rowOfId).find((found) => found !== undefined);
  return row?.code ?? 1;
}

interface Thrown {
  readonly id?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** What was thrown, and its causes. */
function chainOf(error: unknown): readonly Thrown[] {
  const chain: Thrown[] = [];
  for (let one = error as Thrown | undefined; one && chain.length < 8; one = one.cause as Thrown | undefined)
    chain.push(one);
  return chain;
}

const rowOfCode = ({ code }: Thrown) =>
  EXIT_CODES.find(({ codes }) => typeof code === 'string' && codes?.test(code));
const rowOfId = ({ id }: Thrown) => EXIT_CODES.find(({ ids }) => typeof id === 'string' && ids?.test(id));
