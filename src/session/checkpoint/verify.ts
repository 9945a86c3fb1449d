import { defaultProvider } from '#provider';
import type { CryptoProvider } from '../../crypto/provider.js';
import { parseEnvelope } from '../../envelope/parse.js';
import { decodePayload } from '../../envelope/plaintext.js';
import { verifyParsed } from '../../envelope/verify.js';
import { err, ok, type Result } from '../../errors/result.js';
import { toXlinkError, xlinkError } from '../../errors/service-errors.js';
import { framesIn } from '../../http/answer-frames.js';
import { CHECKPOINT_PATH, CHECKPOINT_SCOPE, SESSION_PATH } from '../../http/session-headers.js';
import type { Did, KeyRecord } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import type { SessionCheckpoint } from './ports.js';
import { type Leaf, readStatement } from './statement.js';

/** What can be shown of a checkpoint to others. */
export type CheckpointEvidence = Pick<SessionCheckpoint, 'envelope' | 'content' | 'countersignature'>;

/** The key records of the two sides: for version 3, whose ML-DSA-65 signatures are checked with them. */
export interface CheckpointKeys {
  /** Of the caller. */
  readonly caller?: KeyRecord;
  /** Of the service. */
  readonly service?: KeyRecord;
}

/** What both sides have signed. */
export interface ProvenCheckpoint {
  /** Who signed what it had sent. */
  readonly caller: Did;
  /** Who signed that it was told so. */
  readonly service: Did;
  /** Id of the session, 16 bytes as base64url. */
  readonly session: string;
  /** The first number, and the number behind the last one. */
  readonly from: number;
  /** See `from`. */
  readonly to: number;
  /** Number and leaf (32 bytes as base64url) of each request. */
  readonly leaves: readonly Leaf[];
  /** `head` of the checkpoint before, 32 bytes as base64url. */
  readonly previous: string;
  /** When the caller signed, by its clock, ms since 1970. */
  readonly timestamp: number;
}

/**
 * Checks a checkpoint as others can who have neither side's keys: both signatures, and that both are about this content. Whether both DIDs were known and allowed is
 * for a registry to say. Fails with `PARSE_FAILED…`, `VERIFICATION_FAILED…`, `KEY_RECORD_INVALID`, `INVALID_DID…` or `SESSION_CHECKPOINT_INVALID`.
 */
export async function verifyCheckpoint(
  { envelope, content, countersignature }: CheckpointEvidence,
  keys: CheckpointKeys = {},
  crypto: CryptoProvider = defaultProvider(),
): Promise<Result<ProvenCheckpoint>> {
  try {
    const signed = parseEnvelope(envelope);
    const [head, first] = framesIn(countersignature) ?? [];
    if (!head || !first) throw invalid('countersignature');
    const answer = parseEnvelope(head.bytes, undefined, first.bytes);
    await verifyParsed(crypto, signed, keys.caller);
    await verifyParsed(crypto, answer, keys.service);
    const { from: caller, to: service, kind, scope, request = '', nonce, timestamp } = signed.fields;
    const name = encodeBase64url(await crypto.sha256(content));
    if (kind !== 'request' || scope !== CHECKPOINT_SCOPE || !namesContent(request, name))
      throw invalid('content');
    const reply = answer.fields;
    const isReply = reply.kind === 'answer' && reply.inReplyTo === nonce && reply.request === request;
    // An answer has the scope of its request, and what applications answer never has this one.
    const isOfService = reply.from === service && reply.to === caller && reply.scope === scope;
    if (!isReply || !isOfService) throw invalid('countersignature');
    const statement = readStatement(decodePayload(content));
    if (!statement) throw invalid('content');
    const { sid, from, to, leaves, previous } = statement;
    if (leaves.length !== to - from || leaves.some(([seq], i) => seq !== from + i)) throw invalid('leaves');
    const said = { session: encodeBase64url(sid), from, to, leaves, previous: encodeBase64url(previous) };
    return ok({ caller, service, ...said, timestamp });
  } catch (error) {
    return err(toXlinkError(error));
  }
}

/** Whether a request was made to the route of checkpoints, wherever that is mounted, about content of this name. */
export function namesContent(request: string, name: string): boolean {
  const [path = '', ...query] = request.split('?');
  return (
    path.startsWith('POST /') &&
    path.endsWith(`${SESSION_PATH}${CHECKPOINT_PATH}`) &&
    query.join('?') === `content=${name}`
  );
}

const invalid = (field: string) => xlinkError('SESSION_CHECKPOINT_INVALID', { field });
