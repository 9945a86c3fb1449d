import { defaultProvider } from '#provider';
import { parseEnvelope } from '../envelope/parse.js';
import type { SessionCheckpoint } from '../session/checkpoint/ports.js';
import type { AuditEntry } from '../types/audit.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { decodeUtf8 } from '../util/utf8.js';

/** Characters of the content, and answers, in one entry: with its envelope it stays below what an entry may have. */
const MAX_CONTENT = 16_000;
const MAX_ANSWERS = 320;

/**
 * The entries of a checkpoint: what the caller signed, so that others can verify it. The envelope, without what was sealed to the service, is in the
 * first; a long content is in several.
 */
export async function entriesOfCheckpoint(checkpoint: SessionCheckpoint): Promise<AuditEntry[]> {
  const { client, session, from: first, to: behind, answers, content, envelope: signed } = checkpoint;
  const { payload = '', ...envelope } = parseEnvelope(signed).fields;
  const { from, to, scope, request, nonce: envelopeId } = envelope;
  const payloadDigest = encodeBase64url(await defaultProvider().sha256(decodeBase64url(payload)!));
  const text = decodeUtf8(content);
  const parts = Math.max(1, Math.ceil(text.length / MAX_CONTENT), Math.ceil(answers.length / MAX_ANSWERS));
  return Array.from({ length: parts }, (_, part) => ({
    type: 'session-checkpoint',
    from,
    to,
    ...given({ client, request }),
    scope,
    envelopeId,
    ...(part === 0 ? { evidence: 'signed' as const, envelope, payloadDigest } : {}),
    data: {
      session,
      from: first,
      to: behind,
      part,
      parts,
      content: text.slice(part * MAX_CONTENT, (part + 1) * MAX_CONTENT),
      answers: answers.slice(part * MAX_ANSWERS, (part + 1) * MAX_ANSWERS),
    },
  }));
}
