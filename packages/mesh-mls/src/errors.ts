import { TableError, type TableErrorDetails, type TableRow, tableRow } from '@private.me/xlink/errors';

/** The areas that an error of this package can come from. */
export type GroupErrorCategory =
  | 'options'
  | 'members'
  | 'keys'
  | 'messages'
  | 'groups'
  | 'delivery'
  | 'state';

/** One error of the table. */
export type GroupErrorRow = TableRow<GroupErrorCategory>;

const row = tableRow<GroupErrorCategory>;

/** Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`; a code that was published keeps its meaning. */
// biome-ignore format: a table reads best with one row per line
export const GROUP_ERROR_TABLE = {
  INVALID_OPTION: row(400, 'options', 'An option is wrong.', 'See `field`.'),

  CREDENTIAL_INVALID: row(403, 'members', 'A credential names no DID, or the DID did not sign the signature key.', 'Take a key package that the member published itself.'),
  'CREDENTIAL_INVALID:CHANGED': row(403, 'members', 'A commit puts another DID into the leaf of a member.', 'The commit was refused; its sender is faulty or hostile.'),
  'CREDENTIAL_INVALID:TWICE': row(409, 'members', 'The DID would be in the group twice.', 'Remove its first entry, then add it.'),
  MEMBER_UNKNOWN: row(404, 'members', 'A DID is not in the registry.', 'Register it first.'),
  MEMBER_REVOKED: row(403, 'members', 'A DID is revoked, or was replaced by another and the overlap is over.', 'It is removed from groups by itself, and cannot be added.'),
  REGISTRY_UNAVAILABLE: row(503, 'members', 'The registry did not answer, so nobody can be checked.', 'It is tried again; see `cause`.'),

  KEY_PACKAGE_ABSENT: row(404, 'keys', 'The DID has published no key package for this suite.', 'It does when its client starts with this suite.'),
  KEY_PACKAGE_INVALID: row(400, 'keys', 'A key package is not in form, not in its lifetime, or not of the DID.', 'Let the member publish new ones.'),
  'KEY_PACKAGE_INVALID:FULL': row(409, 'keys', 'More key packages than the server keeps.', 'Publish fewer: GET /v1/groups/key-packages tells how many wait.'),
  SUITE_UNKNOWN: row(400, 'keys', 'The cipher suite is not known here.', 'MLS_SUITES lists those there are.'),

  WELCOME_INVALID: row(400, 'groups', 'A welcome does not open, or is for another group than it was said to be.', 'Nothing was joined; ask to be invited again.'),
  'WELCOME_INVALID:NOT_OURS': row(403, 'groups', 'A welcome is for somebody else: no key package of ours is named in it.', 'Nothing was joined.'),
  'WELCOME_INVALID:SIGNER': row(403, 'groups', 'The invitation is said to be of another member than the one who signed the welcome.', 'Nothing was joined; the server, or who told it, lied.'),
  COMMIT_INVALID: row(400, 'groups', 'A commit does not verify, or changes what members may not.', 'The group stays where it was. If others took it, ask to be invited again.'),
  GROUP_FORKED: row(409, 'groups', 'Members of one epoch hold different secrets: the delivery service gave them different commits.', 'Stop using this server, compare fingerprint() by another way, and make the group anew.'),
  GROUP_UNKNOWN: row(404, 'groups', 'There is no such group, or you are not in it.', 'Ask a member to add you.'),
  GROUP_EXISTS: row(409, 'groups', 'There is a group of this id.', 'Let ids be made at random.'),
  GROUP_FULL: row(409, 'groups', 'The group has as many members as the server takes.', 'Remove some, or make a second group.'),
  MEMBERS_DIFFER: row(409, 'groups', 'The server serves other members than the group has.', 'A member or the server lied: make the group anew without it.'),
  NOT_A_MEMBER: row(403, 'groups', 'Only members may do this.', 'Ask a member to add you.'),
  REMOVED: row(403, 'groups', 'You were removed from the group.', 'What is sent from now on cannot be read; ask to be added again.'),
  LEAVING: row(409, 'groups', 'You are leaving the group.', 'A member makes it final; nothing more can be sent.'),
  EXTERNAL_JOIN_OFF: row(403, 'groups', 'The group cannot be joined without an invitation.', 'It was created without externalJoin.'),
  EPOCH_CONFLICT: row(409, 'groups', 'The group has another epoch by now.', 'Read the log, and make the commit or message anew.'),
  LOG_GONE: row(410, 'groups', 'The server no longer keeps what this member has not read.', 'Let a member remove and add it again.'),

  MESSAGE_INVALID: row(400, 'messages', 'A message does not decrypt, or is not signed by a member.', 'It was dropped.'),
  'MESSAGE_INVALID:REPLAYED': row(409, 'messages', 'A message was delivered before.', 'It was dropped.'),
  'MESSAGE_INVALID:EPOCH': row(409, 'messages', 'A message is of an epoch whose keys are gone, or that has not come.', 'It was dropped.'),
  MESSAGE_TOO_LARGE: row(413, 'messages', 'The message is larger than groups take.', 'Send less at a time, or a reference.'),

  DELIVERY_FAILED: row(502, 'delivery', 'The delivery service did not answer, or refused.', 'See `detail` and `cause`.'),
  'DELIVERY_FAILED:UNKNOWN_OUTCOME': row(502, 'delivery', 'The delivery service may have taken it: its answer did not come.', 'The log decides; sync() reads it.'),
  SERVER_NOT_ALLOWED: row(403, 'delivery', 'The group is at a server that this client does not use.', 'Name it in `servers` if it is to be trusted with the order of messages.'),
  TOO_MANY: row(429, 'delivery', 'More than a caller may ask for.', 'Wait a while.'),
  TOO_LARGE: row(413, 'delivery', 'A commit, welcome or group info is larger than the delivery service takes.', 'Add fewer members at once. If `detail` says that the server or a proxy refused it, raise the limit there.'),
  REQUEST_INVALID: row(400, 'delivery', 'The request is not in form.', 'See `field`.'),
  ENVELOPE_REQUIRED: row(403, 'delivery', 'Only a DID may do this for itself: a token cannot.', 'Send the request as an envelope of the DID.'),

  STATE_UNREADABLE: row(500, 'state', 'The stored state does not open: it was altered, or sealed by another identity.', 'Restore it, or ask to be invited again.'),
  STATE_UNAVAILABLE: row(503, 'state', 'The state could not be read or written; nothing left this process.', 'See `cause`.'),
  STATE_CONFLICT: row(409, 'state', 'Another process changes the state all the time.', 'Run one client for a DID, or fewer.'),
  STATE_ROLLED_BACK: row(409, 'state', 'The stored state is older than what this member has sent: it came from a backup.', 'Ask a member to remove and add you; keys of the old state must not be used again.'),
  WORKER_FAILED: row(500, 'state', 'The worker thread of the cryptography ended.', 'The next call starts another; see `cause`.'),
  CLOSED: row(409, 'state', 'The client or group is closed.', 'Start a new one.'),
} as const satisfies Record<string, GroupErrorRow>;

/** A key of {@link GROUP_ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type GroupErrorId = keyof typeof GROUP_ERROR_TABLE;

/** What an error says beyond its row. */
export interface GroupErrorOptions extends TableErrorDetails {
  /** Code that the delivery service answered with. Default none. */
  readonly detail?: string | undefined;
}

/** An error of this package: `message` says what is wrong and what to do. It holds no key, message or value from outside. */
export class GroupError extends TableError<GroupErrorId> {
  override readonly name = 'GroupError';
  /** Code that the delivery service answered with. */
  readonly detail: string | undefined;

  /** `id`: a key of {@link GROUP_ERROR_TABLE}. */
  constructor(id: GroupErrorId, options: GroupErrorOptions = {}) {
    super(id, GROUP_ERROR_TABLE[id], options);
    this.detail = options.detail;
  }
}

/** Whether a value is an error of this package, with this id if one is given. */
export const isGroupError = (value: unknown, id?: GroupErrorId): value is GroupError =>
  value instanceof GroupError && (id === undefined || value.id === id);

/** Whether a text is a key of the table. */
export const isGroupErrorId = (text: unknown): text is GroupErrorId =>
  typeof text === 'string' && Object.hasOwn(GROUP_ERROR_TABLE, text);
