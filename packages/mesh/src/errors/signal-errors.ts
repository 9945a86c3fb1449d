import { type MeshErrorRow, row } from './row.js';

/** Errors of Signal-style channels. */
// biome-ignore format: a table reads best with one row per line
export const SIGNAL_ERRORS = {
  SIGNAL_PEER_UNKNOWN: row(404, 'signal', 'The peer has published no prekeys.', 'It has to run a SignalProvider with the same directory, and to have started it once.'),
  SIGNAL_PREKEY_EXHAUSTED: row(409, 'signal', 'The peer has no one-time prekey left, and this agent wants one.', 'Try again once the peer was online, or allow the last-resort key: `lastResort: "allow"`.'),
  SIGNAL_PREKEY_SIGNATURE: row(403, 'signal', 'The prekeys are not signed by the DID they are said to be of.', 'Send nothing: the directory, or who is in front of it, shows keys of its own.'),
  'SIGNAL_PREKEY_SIGNATURE:EXPIRED': row(403, 'signal', 'The signed prekeys have expired.', 'The peer has to come online, to publish new ones; or set the clocks.'),
  SIGNAL_PREKEY_UNKNOWN: row(409, 'signal', 'The first message is for a prekey that is not there any more.', 'It was used before, or is too old: the peer has to begin anew.'),
  SIGNAL_IDENTITY_MISMATCH: row(403, 'signal', 'The key of the session is not that of the DID it is said to be of.', 'Nothing was kept of it.'),
  SIGNAL_MESSAGE_INVALID: row(400, 'signal', 'The message is not in form.', 'The peer speaks another version, or the message was damaged.'),
  SIGNAL_UNKNOWN_SESSION: row(409, 'signal', 'There is no session that the message belongs to.', 'A new handshake is made; what was sent in between has to be sent again.'),
  SIGNAL_TOO_MANY_SESSIONS: row(429, 'signal', 'The peer begins sessions too often.', 'It may begin 20 in an hour.'),
  SIGNAL_DUPLICATE: row(409, 'signal', 'The message came before, or is too old to be told from one that did.', 'Nothing was handed out.'),
  SIGNAL_TOO_FAR: row(409, 'signal', 'More messages in between are missing than are waited for.', 'A new handshake is made; what was sent in between has to be sent again.'),
  SIGNAL_DECRYPT_FAILED: row(400, 'signal', 'The message was changed, or is from somebody else.', 'Nothing was handed out, and the session goes on.'),
  SIGNAL_MESSAGE_TOO_LARGE: row(413, 'signal', 'The message is longer than `maxMessageBytes`.', 'Send it in parts, or raise the limit on both sides.'),
  SIGNAL_NO_LISTENER: row(503, 'signal', 'Nobody listens for messages of this peer.', 'Open a channel to it, or add a listener with onChannel(); the message was not taken, and may come again.'),
  'SIGNAL_NO_LISTENER:FULL': row(503, 'signal', 'More messages wait for a listener than may.', 'Add a listener to the channel, or raise the option that `field` names; the message was not taken, and may come again.'),
  SIGNAL_STATE_ROLLED_BACK: row(409, 'signal', 'The stored state is older than what was used before, or gone.', 'It is not used: a new handshake is made. Do not restore backups of this state.'),
  SIGNAL_STATE_UNREADABLE: row(500, 'signal', 'The stored state cannot be opened.', 'It is of another identity, or was changed. Remove it: a new handshake is made.'),
  SIGNAL_STATE_CONFLICT: row(503, 'signal', 'Other processes changed the state again and again.', 'Try again; give each process its own identity if it goes on.'),
  SIGNAL_STATE_UNAVAILABLE: row(503, 'signal', 'The store of the state does not answer, or refuses.', 'Nothing was sent or handed out. See `cause`.'),
  SIGNAL_REGISTRY_UNAVAILABLE: row(503, 'signal', 'The trust registry does not answer.', 'Nothing is accepted until it does; see `cause`.'),
  SIGNAL_DIRECTORY_FAILED: row(503, 'signal', 'The directory of prekeys does not answer, or refuses.', 'See `cause`.'),
  SIGNAL_SEND_FAILED: row(502, 'signal', 'The message was not delivered.', 'It is safe to send it again: it then is another message. See `cause`.'),
} as const satisfies Record<string, MeshErrorRow>;
