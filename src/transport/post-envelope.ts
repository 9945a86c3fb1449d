import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { err, ok, type Result } from '../errors/result.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import { type HttpTextResponse, httpCall } from '../http/fetch.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { isPassing, refusalOf } from '../http/problem.js';
import { RECEIPT_HEADER, receiptIn } from '../http/receipt-header.js';
import type { Envelope } from '../types/protocol.js';
import { type Backoff, pause } from '../util/backoff.js';
import { given } from '../util/given.js';

export interface Posting {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  /** Attempts after the first. */
  readonly retries: number;
  readonly backoff: Backoff;
  readonly signal: AbortSignal;
  /** Asks for a receipt, and is told the one that comes. */
  readonly onReceipt?: ((receipt: Envelope) => void) | undefined;
  /** Told the answer of a receiver that has it. */
  readonly onDelivered?: (answer: HttpTextResponse) => void;
}

/** A message as it is posted: an envelope, or what was sealed in a session. */
export interface Posted {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Where to, if not to the URL of all. */
  readonly url?: string;
  /** Asked what takes its place after a refusal; `undefined`: nothing does. */
  readonly instead?: (refusal: Refusal) => Promise<Replacement | undefined>;
}

/** What an answer says, and whether an earlier attempt may have arrived. */
export interface Refusal {
  readonly error: XlinkError;
  readonly answer: HttpTextResponse;
  readonly mayHaveArrived: boolean;
}

/** What takes the place of a message. */
export interface Replacement {
  readonly posted: Posted;
  /** Whether it is refused as a copy where the other one was taken. */
  readonly isSame: boolean;
}

export const postedEnvelope = (envelope: Envelope, url?: string): Posted => ({
  headers: { 'Content-Type': ENVELOPE_TYPE },
  body: JSON.stringify(envelope),
  ...given({ url }),
});

/** Answers of what stands in front of a receiver: it cannot say whether the request got through. */
const FROM_A_PROXY = new Set([408, 502, 503, 504]);
/** A longer wait than that is not waited for. */
const MAX_RETRY_AFTER_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

interface Attempt {
  /**
   * `unread`: nothing was done with it, though its nonce may be used up. `unreachable`: it did not leave. `unknown`: it
   * may have arrived.
   */
  readonly outcome: 'delivered' | 'refused' | 'unread' | 'unreachable' | 'unknown';
  readonly error: XlinkError;
  /** Absent: there was none. */
  readonly answer?: HttpTextResponse;
  readonly afterMs?: number | undefined;
}

/**
 * Delivers an envelope by POST. What may have arrived is sent again as it is: its nonce lets the receiver take it once,
 * and a receiver that has it says so. What cannot have been taken is sealed anew, by `again`, if that is given.
 */
export const postEnvelope = (
  envelope: Envelope,
  posting: Posting,
  again?: () => Promise<Envelope>,
): Promise<Result<void>> => postMessage(postedEnvelope(envelope), posting, again);

/** The same of a message in either form. */
export async function postMessage(
  first: Posted,
  posting: Posting,
  again?: () => Promise<Envelope>,
): Promise<Result<void>> {
  let posted = first;
  let mayHaveArrived = false;
  let mayBeUsedUp = false;
  let isInItsPlace = false;
  for (let attempt = 1; ; attempt++) {
    const { outcome, error, answer, afterMs = 0 } = await post(posted, posting);
    if (outcome === 'delivered') return ok(undefined);
    try {
      const other = answer && (await posted.instead?.({ error, answer, mayHaveArrived }));
      if (other) {
        posted = other.posted;
        isInItsPlace = other.isSame;
        mayBeUsedUp ||= outcome === 'unread';
        continue;
      }
    } catch (cause) {
      return err(toXlinkError(cause));
    }
    mayHaveArrived ||= outcome === 'unknown';
    const mayBeThere = mayHaveArrived || isInItsPlace;
    if (outcome === 'refused' && error.id === 'REPLAY_DETECTED' && mayBeThere)
      return mayBeUsedUp ? err(unknownOutcome(error)) : ok(undefined); // by an earlier attempt, whose answer was lost
    if (outcome === 'refused' || attempt > posting.retries || posting.signal.aborted)
      return err(mayHaveArrived && error.code !== 'SEND_FAILED' ? unknownOutcome(error) : error);
    mayBeUsedUp ||= outcome === 'unread';
    await pause(Math.max(posting.backoff(attempt + 1), afterMs), posting.signal);
    if (!again || mayBeThere) continue;
    try {
      posted = postedEnvelope(await again());
      mayBeUsedUp = false;
      isInItsPlace = false;
    } catch (cause) {
      return err(toXlinkError(cause));
    }
  }
}

async function post(
  { headers, body, url: other }: Posted,
  { url, fetch, timeoutMs, signal, onReceipt, onDelivered }: Posting,
): Promise<Attempt> {
  let answer: HttpTextResponse;
  try {
    answer = await httpCall(fetch, {
      callee: 'the receiver',
      method: 'POST',
      url: other ?? url,
      headers: { ...headers, ...(onReceipt ? { [RECEIPT_HEADER]: 'requested' } : {}) },
      body,
      timeoutMs,
      maxAnswerBytes: onReceipt ? DEFAULT_MAX_ENVELOPE_BYTES : MAX_ANSWER_BYTES,
      signal,
    });
  } catch (cause) {
    if (isUnreachable(cause)) return { outcome: 'unreachable', error: xlinkError('SEND_FAILED', { cause }) };
    return { outcome: 'unknown', error: unknownOutcome(cause) };
  }
  const { status } = answer;
  const cause = new Error(`HTTP status ${status}`);
  const error = refusalOf(answer) ?? xlinkError('SEND_FAILED', { cause });
  if (status >= 200 && status < 300) {
    tellReceipt(answer, onReceipt);
    onDelivered?.(answer);
    return { outcome: 'delivered', error, answer };
  }
  const afterMs = retryAfter(answer);
  if (isPassing(error) || (status === 429 && error.id === 'SEND_FAILED'))
    return { outcome: 'unread', error, answer, afterMs };
  if (error.id === 'SEND_FAILED' && FROM_A_PROXY.has(status))
    return { outcome: 'unknown', error: unknownOutcome(cause), answer, afterMs };
  tellReceipt(answer, onReceipt); // of a handler that failed
  return { outcome: 'refused', error, answer };
}

function tellReceipt(answer: HttpTextResponse, onReceipt: Posting['onReceipt']): void {
  const receipt = onReceipt && receiptIn(answer);
  if (receipt) onReceipt(receipt);
}

/** Codes of Node and of undici for a connection that never was. Other platforms do not tell. */
const NEVER_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_VERIFY)/;

function isUnreachable(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown; errors?: readonly { code?: unknown }[] } };
  const codes = cause?.errors?.map(({ code }) => code) ?? [cause?.code];
  return codes.every((code) => NEVER_CONNECTED.test(String(code)));
}

const unknownOutcome = (cause: unknown): XlinkError => xlinkError('SEND_FAILED:UNKNOWN_OUTCOME', { cause });

/** Seconds, as far as they are few enough to be waited for (RFC 9110 section 10.2.3). */
function retryAfter({ headers }: HttpTextResponse): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return seconds >= 0 && seconds * 1000 <= MAX_RETRY_AFTER_MS ? seconds * 1000 : undefined;
}
