import { type MeshErrorRow, row } from './row.js';

/** Errors of Noise channels. */
// biome-ignore format: a table reads best with one row per line
export const NOISE_ERRORS = {
  NOISE_HANDSHAKE_FAILED: row(502, 'noise', 'The Noise handshake failed.', 'Check that both sides use the same pattern, suite and prologue; see `cause`.'),
  'NOISE_HANDSHAKE_FAILED:TIMEOUT': row(504, 'noise', 'The Noise handshake took too long.', 'Check that the other side listens, or raise `handshakeTimeoutMs`.'),
  'NOISE_HANDSHAKE_FAILED:MALFORMED': row(502, 'noise', 'A handshake message is not in form.', 'The other side speaks another protocol, or the message was damaged on its way.'),
  'NOISE_HANDSHAKE_FAILED:CONNECTION': row(502, 'noise', 'The connection failed or ended during the handshake.', 'See `cause`; try again later.'),
  'NOISE_HANDSHAKE_FAILED:BUSY': row(503, 'noise', 'Too many handshakes are under way.', 'Try again later, or raise the option that `field` names.'),
  NOISE_IDENTITY_MISMATCH: row(403, 'noise', 'The other side does not prove the identity that it must have.', 'Check the DID and the address; do not send anything there.'),
  'NOISE_IDENTITY_MISMATCH:SIGNATURE': row(403, 'noise', 'The identity of the other side is not signed for this handshake.', 'Somebody may be in between, or the other side is damaged.'),
  'NOISE_IDENTITY_MISMATCH:UNKNOWN': row(403, 'noise', 'The other side is not in the trust registry.', 'Register its DID, if it is to be trusted.'),
  'NOISE_IDENTITY_MISMATCH:REVOKED': row(403, 'noise', 'The other side was revoked.', 'Ask for its new identity.'),
  'NOISE_IDENTITY_MISMATCH:KEYS': row(403, 'noise', 'The keys that the other side shows are not those in the trust registry.', 'Let it publish its key record once more.'),
  'NOISE_IDENTITY_MISMATCH:REGISTRY': row(503, 'noise', 'The trust registry does not answer.', 'Nothing is accepted until it does; see `cause`.'),
  NOISE_DECRYPT_FAILED: row(400, 'noise', 'A message was not encrypted by the other side, or was changed on its way.', 'Open a new channel.'),
  NOISE_REPLAY: row(409, 'noise', 'A message came twice, or too late.', 'Nothing was handed out a second time.'),
  NOISE_LIMIT: row(413, 'noise', 'A limit of the Noise channel was reached.', 'See `field`.'),
  'NOISE_LIMIT:SIZE': row(413, 'noise', 'The message is too large for one Noise message.', 'At most `maxMessageBytes` over TCP and WebSocket, and 1170 bytes over UDP.'),
  'NOISE_LIMIT:MESSAGES': row(503, 'noise', 'The channel carried as many messages as it may.', 'Open a new channel.'),
  'NOISE_LIMIT:CHANNELS': row(429, 'noise', 'A DID has as many open channels to one agent as it may.', 'Close those that are not used, or raise `maxChannelsPerDid` of the NoiseProvider that takes them in.'),
  'NOISE_LIMIT:BUFFER': row(503, 'noise', 'More messages wait than may: nobody listens, or the other side reads too slowly.', 'Add a listener first, or send less at once.'),
} as const satisfies Record<string, MeshErrorRow>;
