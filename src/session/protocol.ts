/** The algorithms of a session; there is one suite. */
export const SESSION_SUITE = 'XS+X25519+MLKEM768+A256GCM+SHA256';

/** What travels in a session: one HTTP request, or a message of one agent to another. None is good as the other. */
export type SessionKind = 'request' | 'message';

/** Sequence numbers of one session: 0 to this less one. A caller opens another session before it has used them up. */
export const MAX_SEQUENCE = 2 ** 16;

/** Session ids and salts, bytes. */
export const SID_BYTES = 16;
export const SALT_BYTES = 16;

/** The header that a message in a session may have: the `envelopeId` of the message that it follows. */
export const IN_REPLY_TO = 'in-reply-to';
