import { equalBytes } from '../../crypto/bytes.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { isXlinkError } from '../../errors/errors.js';
import { CHECKPOINT_PATH, CHECKPOINT_SCOPE } from '../../http/session-headers.js';
import { readCountersigned, statementPayload } from '../../session/checkpoint/statement.js';
import { encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';
import type { HeldSession } from './open-session.js';
import { type SignedPostParts, type SignedReply, signedPost } from './signed-post.js';

export interface CheckpointParts extends SignedPostParts {
  /** The number behind the last one that is signed. */
  readonly to: number;
  /** By the caller's clock, ms since 1970. */
  readonly now: number;
}

/** Signs what was sent in a session, and takes the ticket that comes back. Rejects where it may get through later. */
export async function sendCheckpoint(
  crypto: CryptoProvider,
  session: HeldSession,
  { to, now, ...parts }: CheckpointParts,
  signal: AbortSignal,
): Promise<'accepted' | 'refused'> {
  const checkpoints = session.checkpoints!;
  const { next: from, head: previous } = checkpoints;
  const leaves = await checkpoints.leaves(crypto, to);
  const { sid, ticket } = session;
  const content = JSON.stringify(statementPayload({ sid, ticket, from, to, previous, leaves }));
  const url = await checkpointUrl(crypto, parts.service.endpoints.session!, content);
  const reply = await signedPost(crypto, parts, { url, scope: CHECKPOINT_SCOPE, content }, signal).catch(
    refusedOr,
  );
  const signed = reply && readCountersigned(reply.value);
  if (!reply || !signed || signed.to !== to || !equalBytes(signed.sid, sid)) return 'refused';
  const head = await crypto.sha256(reply.transcript);
  if (!equalBytes(signed.head, head)) return 'refused';
  session.ticket = signed.ticket;
  checkpoints.signed(to, head, now);
  return 'accepted';
}

/** The target is signed in the open; it names what is sealed. */
async function checkpointUrl(crypto: CryptoProvider, endpoint: string, content: string): Promise<URL> {
  const url = new URL(endpoint);
  url.pathname += CHECKPOINT_PATH;
  url.searchParams.set('content', encodeBase64url(await crypto.sha256(encodeUtf8(content))));
  return url;
}

/** What the service, or somebody in its place, did not take. */
function refusedOr(error: unknown): SignedReply | undefined {
  if (isXlinkError(error) && error.code === 'ANSWER_INVALID') return undefined;
  throw error;
}
