import { EMPTY, passingTranscript } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { type Awaitable, later } from '../util/awaitable.js';
import type { Credential } from './credential.js';
import { SESSION_SUITE, type SessionKind } from './protocol.js';
import type { Session } from './schedule/master.js';
import { MessageCipher } from './schedule/message-cipher.js';

/** SHA-256 of everything about a request or message that travels in the open, and of whose session it is. */
export const requestDigest = (
  crypto: CryptoProvider,
  { prefixes }: Pick<Session, 'prefixes'>,
  { seq, salt, timestamp, scope }: Omit<Credential, 'ticket' | 'sealed'>,
  request: string,
  kind: SessionKind = 'request',
): Awaitable<Uint8Array> =>
  crypto.sha256(passingTranscript([seq, salt, timestamp, scope, request], EMPTY, prefixes[kind]));

export const requestCipher = (
  crypto: CryptoProvider,
  { keys }: Pick<Session, 'keys'>,
  digest: Uint8Array,
  kind: SessionKind = 'request',
): Awaitable<MessageCipher> => MessageCipher.of(crypto, keys.request, `xlink/1 session ${kind} key`, digest);

/** What an answer is tied to: the request in the open, and the tag of its first chunk. */
export interface RequestTie {
  /** {@link requestDigest}. */
  readonly digest: Uint8Array;
  /** The last 16 bytes of the first chunk. */
  readonly tag: Uint8Array;
}

/** The last 16 bytes of a sealed chunk. */
export const tagOf = (sealed: Uint8Array): Uint8Array => sealed.slice(-16);

/** What comes back: the answer of the application, or what the service refused after it had claimed the number. */
export type ReplyKind = 'answer' | 'refusal';

/** The cipher of the answer under this salt, 16 random bytes that the service chose for it. */
export function answerCipher(
  crypto: CryptoProvider,
  { keys }: Pick<Session, 'keys'>,
  { digest, tag }: RequestTie,
  kind: ReplyKind,
  salt: Uint8Array,
): Awaitable<MessageCipher> {
  const transcript = passingTranscript([`xlink/1 session ${kind}`, SESSION_SUITE, digest, tag, salt]);
  return later(crypto.sha256(transcript), (answer) =>
    MessageCipher.of(crypto, keys.answer, 'xlink/1 session answer key', answer),
  );
}
