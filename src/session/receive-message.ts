import { claimNonce } from '../agent/nonces.js';
import { checkScopes, type Received, type ReceiveRules } from '../agent/receive.js';
import { ALL_SCOPES } from '../checks/scope.js';
import { type Content, decodePayload, isJsonType } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import type { AgentMessage } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { IN_REPLY_TO } from './protocol.js';
import { claim, hear, type SessionHearing, type SessionRequest } from './receive.js';
import { sealReply } from './seal-reply.js';
import type { Sessions } from './sessions.js';

/** What is asked and told about a message. */
export interface MessageHearing extends SessionHearing, Pick<ReceiveRules, 'judge' | 'handle'> {}

/** Receives a message of a session, of which its receiver sees what it would see of an envelope. Throws what is wrong with it. */
export async function receiveMessage(
  sessions: Sessions,
  arrived: SessionRequest,
  { admit, onVerified, onClaimed, claimant, judge, handle }: MessageHearing,
): Promise<Received> {
  const heard = await hear(sessions, arrived, 'message', onVerified);
  const { session, credential, digest, opened, sender, context, recipient } = heard;
  const { content, tag } = opened;
  const { from, id: sid, version } = session;
  const { seq, salt, timestamp, scope } = credential;
  const { request } = arrived;

  const { never, sequences } = sessions.rules;
  if (scope === ALL_SCOPES) throw xlinkError('SESSION_MALFORMED', { field: 'scope' });
  checkScopes(context, sender, { kind: 'message', scope }, {});
  if (never.has(scope)) throw xlinkError('SESSION_NOT_ALLOWED', { field: 'scope', scope });
  const envelopeId = encodeBase64url(salt);
  await admit?.(from, sender.entry, envelopeId);
  await claim(context, sequences, { sender: from, sid, seq, timestamp, ...claimant?.() });
  const { crypto } = context.identity;
  const inSession = (kind: 'answer' | 'refusal') => sealReply(crypto, session, { digest, tag }, kind);
  onClaimed?.({ sender: from, scope, envelopeId, request, ...recipient, inSession });

  const { contentType } = content;
  const message: AgentMessage = {
    kind: 'message',
    sender: from,
    payload: isJsonType(contentType) ? decodePayload(content.bytes) : content.bytes,
    scope,
    version,
    encrypted: true,
    timestamp,
    envelopeId,
    request,
    ...followed(content),
    ...(contentType === '' ? {} : { contentType }),
    ...recipient,
  };
  const received: Received = { message, content: content.bytes, contentType, inSession: true };
  await judge?.(received, sender.entry, () => {}); // its number stays used, and its sender seals anew
  // An envelope in its place has the same nonce, and need not name its number: whichever of them is handed over is the only one.
  const use = { recipient: session.to, sender: from, nonce: envelopeId, timestamp };
  const settle = await claimNonce(context, use, handle !== undefined);
  let isUsed = false;
  try {
    await handle?.(message);
    isUsed = true;
  } finally {
    await settle(isUsed);
  }
  return received;
}

/** The message that it follows, if it does: the only header that a message has. */
function followed({ headers = [] }: Content): Pick<AgentMessage, 'inReplyTo'> {
  if (headers.length === 0) return {};
  const [name, value] = headers[0]!;
  if (headers.length > 1 || name !== IN_REPLY_TO || decodeBase64url(value)?.length !== 16)
    throw xlinkError('SESSION_MALFORMED', { field: 'headers' });
  return { inReplyTo: value };
}
