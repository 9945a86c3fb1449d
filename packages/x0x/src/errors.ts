import { type TableRow, tableRow } from '@private.me/xlink/errors';
import { printable } from './util/printable.js';

/** The areas that an error of this package can come from. */
export type X0xErrorCategory = 'keys' | 'certificates' | 'cards' | 'trust' | 'announcements' | 'daemon';

/** One error of the table. */
export type X0xErrorRow = TableRow<X0xErrorCategory>;

const row = tableRow<X0xErrorCategory>;

/** Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`; a code that was published keeps its meaning. */
// biome-ignore format: a table reads best with one row per line
export const X0X_ERROR_TABLE = {
  INVALID_OPTION: row(500, 'daemon', 'An option is wrong.', 'See `field`.'),

  'KEY_FILE_INVALID:TRUNCATED': row(500, 'keys', 'The key file ends too early, or holds more than a key.', 'Restore it from a backup; a new key is a new id.'),
  'KEY_FILE_INVALID:GENERATION': row(500, 'keys', 'The key file is of a generation that is not known here.', 'Update the package, or export the key in generation 1 or 2.'),
  'KEY_FILE_INVALID:MISMATCH': row(500, 'keys', 'Public and secret key in the key file do not belong together.', 'Restore the file from a backup.'),
  'KEY_FILE_INVALID:KIND': row(500, 'keys', 'The file is no ML-DSA-65 key file of x0x.', 'Check the path.'),
  KEY_FILE_EXPOSED: row(500, 'keys', 'Other users may read a key file, or write a file or directory that is believed.', 'Make it belong to the user of this process, chmod 600 it, and its directory 700; if a key was read, make a new identity.'),
  KEY_FILE_UNREADABLE: row(500, 'keys', 'A key file cannot be read or written.', 'See `cause`. The directory must exist, and belong to the user of this process.'),
  USER_KEY_MISSING: row(400, 'keys', 'There is no user key, and none is made by itself.', 'Put one into user.key, or make one with makeUserKey().'),
  USER_KEY_EXISTS: row(409, 'keys', 'There is a user key already.', 'Keep it: another one is another human.'),
  KEY_INVALID: row(400, 'keys', 'That is no id, or no ML-DSA-65 key.', 'Ids are 64 hex digits; public keys have 1952 bytes, secret ones 4032.'),

  CERTIFICATE_INVALID: row(400, 'certificates', 'The certificate is not in form, or its signature is not good.', 'Ask for a new one.'),
  'CERTIFICATE_INVALID:EXPIRED': row(403, 'certificates', 'The certificate has expired.', 'Announce again: a certificate that is not good any more is issued anew.'),
  'CERTIFICATE_INVALID:FUTURE': row(403, 'certificates', 'The certificate was issued in the future.', 'Set the clocks; 300 s are tolerated.'),
  'CERTIFICATE_INVALID:OTHER_AGENT': row(403, 'certificates', 'The certificate is about another agent or user.', 'Ask for the certificate of this agent.'),

  CARD_INVALID: row(400, 'cards', 'The link is no card of an agent.', 'It begins with x0x://agent/ and holds JSON in base64url.'),
  'CARD_INVALID:SIGNATURE': row(400, 'cards', 'The card is not signed by the key of its agent.', 'Ask the agent for its card once more, by another way.'),
  'CARD_INVALID:UNSIGNED': row(400, 'cards', 'The card is not signed.', 'Ask for a new one; builds before 0.24 of x0x do not sign. `unsigned: true` takes it as it is.'),
  'CARD_INVALID:FUTURE': row(400, 'cards', 'The card was made in the future.', 'Set the clocks; 300 s are tolerated.'),
  'CARD_INVALID:TOO_LARGE': row(413, 'cards', 'The card is larger than 256 KiB.', 'Make it without groups and stores.'),

  TRUST_LEVEL_UNKNOWN: row(400, 'trust', 'There is no such trust level.', 'There are blocked, unknown, known and trusted.'),
  CONTACTS_DAMAGED: row(500, 'trust', 'The file of contacts cannot be read.', 'Restore contacts.json: without it nobody would be blocked.'),
  CONTACT_UNKNOWN: row(404, 'trust', 'There is no such contact.', 'Import its card first.'),
  AGENT_BLOCKED: row(403, 'trust', 'The agent is blocked.', 'Set another trust level to take that back.'),
  AGENT_REVOKED: row(403, 'trust', 'The agent or machine was revoked, which is for good.', 'Ask it for the card of its new identity.'),
  MACHINE_MISMATCH: row(403, 'trust', 'The agent is pinned to other machines.', 'Pin this one too if it is right.'),
  BINDING_INVALID: row(400, 'trust', 'The statement that joins DID and agent is not good.', 'Both have to sign it.'),
  MACHINE_PROOF_INVALID: row(403, 'trust', 'The proof of the machine is not good, or not for this caller and service.', 'Make a new one; it is good for ten minutes at most.'),
  REVOCATION_INVALID: row(400, 'trust', 'The revocation is not in form, or its signature is not good.', 'Nothing was revoked.'),
  'REVOCATION_INVALID:AUTHORITY': row(403, 'trust', 'Only an agent or machine itself, or the user whom the agent named, can revoke it.', 'To refuse an agent here, block it. A user who holds the certificate of the agent gives it, too.'),
  'REVOCATION_INVALID:FILE': row(500, 'trust', 'The file of revocations cannot be read.', 'Restore revocations.bin: without it revoked agents would be taken.'),

  ANNOUNCEMENT_INVALID: row(400, 'announcements', 'The announcement is not in form.', 'Nothing was kept of it.'),
  'ANNOUNCEMENT_INVALID:SIGNATURE': row(403, 'announcements', 'The announcement is not signed by the machine it names, or its keys are not those of its ids.', 'Nothing was kept of it.'),
  'ANNOUNCEMENT_INVALID:FUTURE': row(403, 'announcements', 'The announcement was made in the future.', 'Set the clocks; 30 s are tolerated.'),
  'ANNOUNCEMENT_INVALID:STALE': row(403, 'announcements', 'The announcement is older than 15 minutes.', 'A newer one follows with the next heartbeat.'),
  CONSENT_MISSING: row(400, 'announcements', 'The user is named only with the consent of a human.', 'Say that she consents, too: --human-consent, humanConsent or human_consent.'),
  AGENT_UNKNOWN: row(404, 'announcements', 'The agent is not known here.', 'Import its card, or wait for its announcement.'),
  NOT_CONNECTED: row(503, 'announcements', 'There is no relay.', 'Start the daemon with --relay URL, or open the instance with relayUrl.'),
  SEND_FAILED: row(502, 'announcements', 'The relay did not take the message.', 'See `cause`. Check that the relay runs, and its URL.'),

  DIRECTORY_FULL: row(429, 'trust', 'The directory holds as many agents, or DIDs of one agent, as it may.', 'Revoke those in the registry that are not needed.'),
  DIRECTORY_IN_USE: row(409, 'daemon', 'Another process uses the directories of this identity.', 'Stop it, or work on another identity: --name, or name.'),
  DAEMON_UNREACHABLE: row(503, 'daemon', 'No daemon answers.', 'Start it: x0x start.'),
  'DAEMON_UNREACHABLE:UNPROVEN': row(503, 'daemon', 'Who answers where api.port says has not proven to be the daemon.', 'Start it: x0x start. For x0xd, which cannot prove it: X0xClient.local({ unproven: true }).'),
  DAEMON_ANSWER_INVALID: row(502, 'daemon', 'The answer of the daemon is not in form, or too large.', 'See `field`. Check that it is a daemon of x0x.'),
  DAEMON_REFUSED: row(502, 'daemon', 'The daemon refused the request.', 'See `detail`.'),
  API_PORT_IN_USE: row(409, 'daemon', 'Another program listens on the port of the API.', 'Choose another one: --api-port, or apiPort; 0 takes a free one.'),
  CLOSED: row(409, 'daemon', 'The instance was closed.', 'Open it again.'),
  UNAUTHORIZED: row(401, 'daemon', 'The bearer token is missing or wrong.', 'Send Authorization: Bearer with the content of api-token.'),
  'UNAUTHORIZED:TOKEN_IN_URL': row(400, 'daemon', 'A token must not be in a URL, where logs and histories keep it.', 'Send it as Authorization: Bearer. Make a new token: remove api-token and restart.'),
  'UNAUTHORIZED:ORIGIN': row(403, 'daemon', 'The API answers programs of this machine only, under 127.0.0.1, localhost or [::1].', 'Send no Origin, and the Host of api.port.'),
  NOT_FOUND: row(404, 'daemon', 'There is no such route.', 'See the README of the package.'),
  METHOD_NOT_ALLOWED: row(405, 'daemon', 'The route has another method.', 'See the README of the package.'),
  REQUEST_INVALID: row(400, 'daemon', 'The request is not in form.', 'See `field`.'),
  REQUEST_TOO_LARGE: row(413, 'daemon', 'The body is larger than 512 KiB.', 'Send less.'),
  'REQUEST_TOO_LARGE:MESSAGE': row(413, 'daemon', 'A direct message has 48 KiB at most.', 'Send it in parts.'),
  INTERNAL: row(500, 'daemon', 'Something failed.', 'See `cause`.'),
} as const satisfies Record<string, X0xErrorRow>;

/** A key of {@link X0X_ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type X0xErrorId = keyof typeof X0X_ERROR_TABLE;

/** What an error says beyond its row. */
export interface X0xErrorOptions {
  /** Name of the option or member at fault; never its value. */
  readonly field?: string;
  /** Replaces the hint of the table. Default: that of the table. */
  readonly hint?: string;
  /** What a local daemon answered, of `DAEMON_REFUSED`. Default none. */
  readonly detail?: string;
  /** The error underneath; never part of the message. Default none. */
  readonly cause?: unknown;
}

/** An error of this package: `message` says what is wrong and what to do. It holds no key, token or value from a request. */
export class X0xError extends Error {
  override readonly name = 'X0xError';
  /** `CODE` or `CODE:SUB_CODE`, a key of {@link X0X_ERROR_TABLE}. */
  readonly id: X0xErrorId;
  /** The part of `id` before the colon. */
  readonly code: string;
  /** HTTP status with which the daemon answers. */
  readonly status: number;
  /** What is wrong, as the table has it. */
  readonly title: string;
  /** Name of the option or member at fault; never its value. */
  readonly field: string | undefined;
  /** What a local daemon answered, of `DAEMON_REFUSED`. */
  readonly detail: string | undefined;

  /** `id`: a key of {@link X0X_ERROR_TABLE}. */
  constructor(id: X0xErrorId, { field, hint, detail, ...rest }: X0xErrorOptions = {}) {
    const { status, message, hint: usual } = X0X_ERROR_TABLE[id];
    const said = hint ?? usual;
    const what =
      id.startsWith('KEY_FILE_') && field ? `${message.slice(0, -1)}: ${printable(field)}.` : message;
    super(
      id === 'INVALID_OPTION' ? said : `${what} ${said}`,
      'cause' in rest ? { cause: rest.cause } : undefined,
    );
    this.id = id;
    this.code = id.split(':')[0]!;
    this.status = status;
    this.title = message;
    this.field = field;
    this.detail = detail;
  }
}

/** Whether a value is an error of this package, with this id if one is given. */
export const isX0xError = (value: unknown, id?: X0xErrorId): value is X0xError =>
  value instanceof X0xError && (id === undefined || value.id === id);
