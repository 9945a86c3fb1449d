import type { BaseAgent } from '../agent/agent.js';
import type { Service } from '../discovery/discover.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { isXlinkError, type XlinkError, xlinkError } from '../errors/errors.js';
import type { ErrorId } from '../errors/table.js';
import { withDeadline } from '../http/abort.js';
import { ENROLL_SCOPE, enrollmentProof } from '../http/enrollment.js';
import { fetchText, type HttpTextResponse } from '../http/fetch.js';
import { ASKS_FOR_XLINK } from '../http/key-refusals.js';
import { ENVELOPE_TYPE, JSON_TYPE } from '../http/media-type.js';
import { refusalIn } from '../http/problem.js';
import { requestBinding, targetOf } from '../http/request-binding.js';
import type { Did, Scope } from '../types/protocol.js';
import { given } from '../util/given.js';
import type { Caller } from './caller.js';
import type { XlinkFetchOptions } from './options.js';

/**
 * What came of an enrollment. `unsettled`: the service does not take the key (any more), which says nothing about an
 * identity that it may know already.
 */
export interface Enrollment {
  readonly state: 'enrolled' | 'not-offered' | 'unsettled';
  /** When it ends, in ms since 1970; absent if it does not. */
  readonly validUntil?: number;
  /** With what the key was refused. */
  readonly refusal?: XlinkError;
}

export interface EnrollTransport {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  /** Puts the key into the headers of a request. */
  readonly addKey: (headers: Headers, key: string) => void;
  /** What the identity shows in the place of a key. */
  readonly introduce?: XlinkFetchOptions['introduce'];
}

const MAX_ANSWER_BYTES = 64 * 1024;
const failed = (cause: unknown) => xlinkError('ENROLLMENT_FAILED', { cause });

/** What the service granted. */
export interface EnrollmentGrant {
  readonly scopes: readonly Scope[];
  /** When the enrollment ends, in ms since 1970; absent if it does not. */
  readonly validUntil?: number;
}

/** Refusals that do not matter to an identity that was enrolled before. */
const KEY_IS_NO_USE: ReadonlySet<ErrorId | undefined> = new Set<ErrorId>([
  'API_KEY_INVALID',
  'ENROLLMENT_REFUSED:RATE_LIMITED',
]);

/** What comes of an enrollment, also where the key is of no use to it. Throws as {@link enrollOnce} does. */
export async function enroll(
  service: Service,
  { agent, known }: Caller,
  apiKey: string | undefined,
  transport: EnrollTransport,
): Promise<Enrollment> {
  const { enroll: endpoint } = service.endpoints;
  // An operator may have registered an identity that is not new; a new one is not known anywhere.
  if (endpoint === undefined) return { state: known ? 'unsettled' : 'not-offered' };
  try {
    const { validUntil } = await enrollOnce(agent, service.did, endpoint, apiKey, transport);
    return { state: 'enrolled', ...given({ validUntil }) };
  } catch (error) {
    if (apiKey === undefined && !transport.introduce) return { state: 'unsettled' };
    const refusal = isXlinkError(error) ? error : undefined;
    if (!refusal || !(ASKS_FOR_XLINK.has(refusal.id) || (known && KEY_IS_NO_USE.has(refusal.id))))
      throw error;
    return { state: 'unsettled', refusal };
  }
}

/**
 * Presents the API key together with proof of the DID; an identity that was enrolled before needs no key. Returns what
 * was granted. Throws the error that the service names, or `ENROLLMENT_FAILED`. An envelope older than the memory of a restarted service is made anew, once.
 */
export async function enrollOnce(
  agent: BaseAgent,
  to: Did,
  endpoint: string,
  apiKey: string | undefined,
  transport: EnrollTransport,
): Promise<EnrollmentGrant> {
  const expired = () => failed(new Error('timeout'));
  return withDeadline(transport.timeoutMs, expired, async (signal) => {
    for (let attempt = 1; ; attempt++) {
      const { status, text } = await post(agent, to, endpoint, apiKey, transport, signal);
      if (status === 200) return grantIn(text, agent.did);
      const refusal = refusalIn(text);
      if (refusal?.id === 'NONCE_STORE_UNAVAILABLE:COLD_START' && attempt === 1) continue;
      throw refusal && refusal.id !== 'INTERNAL' ? refusal : failed(new Error(`HTTP status ${status}`));
    }
  });
}

async function post(
  agent: BaseAgent,
  to: Did,
  endpoint: string,
  apiKey: string | undefined,
  { fetch, addKey, introduce }: EnrollTransport,
  signal: AbortSignal,
): Promise<HttpTextResponse> {
  const { origin } = new URL(endpoint);
  const shown = apiKey === undefined ? await introduce?.({ origin, service: to, did: agent.did }) : undefined;
  const envelope = await agent.createIntroduction({
    to,
    scope: ENROLL_SCOPE,
    request: requestBinding('POST', targetOf(new URL(endpoint))),
    payload: {
      ...shown,
      keyRecord: await agent.keyRecord(),
      ...(apiKey === undefined ? {} : { keyProof: await enrollmentProof(agent.did, apiKey) }),
    },
  });
  const headers = new Headers({ 'Content-Type': ENVELOPE_TYPE, Accept: JSON_TYPE });
  if (apiKey !== undefined) addKey(headers, apiKey);
  try {
    const body = JSON.stringify(envelope);
    const call = {
      method: 'POST',
      url: endpoint,
      headers,
      body,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      signal,
    } as const;
    return await fetchText(fetch, call);
  } catch (error) {
    throw failed(error);
  }
}

function grantIn(text: string, did: Did): EnrollmentGrant {
  let answer: { did?: unknown; scopes?: unknown; validUntil?: unknown } | null;
  try {
    answer = JSON.parse(text);
  } catch {
    throw failed(new Error('answer is not JSON')); // the parser's error would quote it
  }
  const scopes = answer?.scopes;
  const isList = Array.isArray(scopes) && scopes.every(isScopeOrAll);
  const { validUntil } = answer ?? {};
  const end = typeof validUntil === 'string' ? Date.parse(validUntil) : undefined;
  if (answer?.did !== did || !isList || Number.isNaN(end) || (validUntil !== undefined && end === undefined))
    throw failed(new Error('answer is malformed'));
  return { scopes: scopes as readonly Scope[], ...given({ validUntil: end }) };
}
