import type { BaseAgent } from '../agent/agent.js';
import { isScope } from '../envelope/fields.js';
import { isXlinkError, toXlinkError, xlinkError } from '../errors/errors.js';
import { withDeadline } from '../http/abort.js';
import { ENROLL_SCOPE, enrollmentProof } from '../http/enrollment.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { readAtMost } from '../http/read-body.js';
import { requestBinding } from '../http/request-binding.js';
import type { Did, Scope } from '../types/protocol.js';
import { decodeUtf8 } from '../util/utf8.js';
import { problemId } from './response.js';

export interface EnrollTransport {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  /** Puts the key into the headers of a request. */
  readonly addKey: (headers: Headers, key: string) => void;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const failed = (cause: unknown) => xlinkError('ENROLLMENT_FAILED', { cause });

/**
 * Presents the API key together with proof of the DID; an identity that was enrolled before needs no key. Returns the scopes that
 * were granted. Throws the error that the service names, or `ENROLLMENT_FAILED`. An envelope older than the memory of a restarted service is made anew, once.
 */
export async function enrollOnce(
  agent: BaseAgent,
  to: Did,
  endpoint: string,
  apiKey: string | undefined,
  transport: EnrollTransport,
): Promise<readonly Scope[]> {
  const expired = () => failed(new Error('timeout'));
  return withDeadline(transport.timeoutMs, expired, async (signal) => {
    for (let attempt = 1; ; attempt++) {
      const { status, bytes } = await post(agent, to, endpoint, apiKey, transport, signal);
      if (status === 200) return scopesOf(bytes, agent.did);
      const problem = toXlinkError(problemId(bytes) ?? '');
      if (problem.id === 'NONCE_STORE_UNAVAILABLE:COLD_START' && attempt === 1) continue;
      throw problem.id === 'INTERNAL' ? failed(new Error(`HTTP status ${status}`)) : problem;
    }
  });
}

async function post(
  agent: BaseAgent,
  to: Did,
  endpoint: string,
  apiKey: string | undefined,
  { fetch, addKey }: EnrollTransport,
  signal: AbortSignal,
): Promise<{ status: number; bytes: Uint8Array }> {
  const { pathname, search } = new URL(endpoint);
  const envelope = await agent.createIntroduction({
    to,
    scope: ENROLL_SCOPE,
    request: requestBinding('POST', pathname + search),
    payload: {
      keyRecord: await agent.keyRecord(),
      ...(apiKey === undefined ? {} : { keyProof: await enrollmentProof(agent.did, apiKey) }),
    },
  });
  const headers = new Headers({ 'Content-Type': ENVELOPE_TYPE, Accept: 'application/json' });
  if (apiKey !== undefined) addKey(headers, apiKey);
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers,
      body: JSON.stringify(envelope),
      redirect: 'manual',
      credentials: 'omit',
      signal,
    });
    const tooLarge = () => failed(new Error('answer too large'));
    return { status: response.status, bytes: await readAtMost(response, MAX_ANSWER_BYTES, tooLarge) };
  } catch (error) {
    throw isXlinkError(error) ? error : failed(error);
  }
}

function scopesOf(bytes: Uint8Array, did: Did): readonly Scope[] {
  let answer: { did?: unknown; scopes?: unknown } | null;
  try {
    answer = JSON.parse(decodeUtf8(bytes));
  } catch {
    throw failed(new Error('answer is not JSON')); // the parser's error would quote it
  }
  const scopes = answer?.scopes;
  const isList = Array.isArray(scopes) && scopes.every((scope) => scope === '*' || isScope(scope));
  if (answer?.did !== did || !isList) throw failed(new Error('answer is malformed'));
  return scopes as readonly Scope[];
}
