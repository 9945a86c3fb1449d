import { below } from '../http/base-url.js';
import { httpCall } from '../http/fetch.js';
import { JSON_TYPE, mediaTypeOf, PROBLEM_TYPE } from '../http/media-type.js';
import { given } from '../util/given.js';
import { isMembers, type Members } from '../util/members.js';

/** What was asked of a registry. */
export interface Question {
  readonly method: 'GET' | 'POST';
  /** Below the base URL, such as `/registry/list`. */
  readonly path: string;
  readonly token?: string | undefined;
  /** JSON. */
  readonly body?: string;
}

/** An answer in JSON. Anything else is an error: it does not come from a registry. */
export interface OwnAnswer {
  readonly status: number;
  readonly body: Members;
}

export interface ExchangeOptions {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
}

/**
 * Asks a registry and reads the JSON it answers with, all within `timeoutMs`. Rejects, with an `Error` that quotes
 * nothing, if it cannot be reached, redirects, or answers with something that is no JSON object or too large.
 */
export async function ask(
  { method, path, token, body }: Question,
  { baseUrl, fetch, timeoutMs, maxAnswerBytes, signal }: ExchangeOptions,
): Promise<OwnAnswer> {
  const { status, headers, text } = await httpCall(fetch, {
    callee: 'the registry',
    method,
    url: below(baseUrl, path),
    headers: {
      Accept: JSON_TYPE,
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': JSON_TYPE }),
    },
    timeoutMs,
    maxAnswerBytes,
    ...given({ body, signal }),
  });
  // The token and the trust are for this address.
  if (status === 0 || (status >= 300 && status < 400)) throw new Error('the registry redirects');
  const isJson = [JSON_TYPE, PROBLEM_TYPE].includes(mediaTypeOf(headers.get('content-type')));
  const value = isJson ? parse(text) : undefined;
  if (!isMembers(value)) throw new Error(`the registry answered with status ${status} and no JSON`);
  return { status, body: value };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the parser's error would quote the text
  }
}
