import { concat } from '../crypto/bytes.js';
import { within } from '../util/deadline.js';
import { decodeUtf8 } from '../util/utf8.js';

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
export interface JsonResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ExchangeOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
}

const JSON_TYPE = /^application\/(json|problem\+json)\s*(;|$)/i;

/**
 * Asks a registry and reads the JSON it answers with, all within `timeoutMs`. Rejects, with an `Error` that quotes
 * nothing, if it cannot be reached, redirects, or answers with something that is no JSON object or too large.
 */
export async function ask(question: Question, options: ExchangeOptions): Promise<JsonResponse> {
  const controller = new AbortController();
  try {
    return await within(options.timeoutMs, exchange(question, options, controller.signal), () => {
      return new Error(`the registry did not answer within ${options.timeoutMs} ms`);
    });
  } finally {
    controller.abort(); // drops a connection whose body nobody reads
  }
}

async function exchange(
  { method, path, token, body }: Question,
  { baseUrl, fetch: fetch_, maxAnswerBytes }: ExchangeOptions,
  signal: AbortSignal,
): Promise<JsonResponse> {
  const response = await fetch_(`${baseUrl}${path}`, {
    method,
    headers: {
      Accept: 'application/json',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    redirect: 'manual', // the token and the trust are for this address
    credentials: 'omit',
    cache: 'no-store',
    referrerPolicy: 'no-referrer',
    signal,
  });
  const { status } = response;
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400))
    throw new Error('the registry redirects');
  if (!JSON_TYPE.test(response.headers.get('content-type') ?? ''))
    throw new Error(`the registry answered with status ${status} and no JSON`);
  const value = parse(await readAtMost(response, maxAnswerBytes));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`the registry answered with status ${status} and no JSON object`);
  return { status, body: value as Readonly<Record<string, unknown>> };
}

async function readAtMost(response: Response, maxBytes: number): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || !value) return concat(chunks);
    size += value.length;
    if (size > maxBytes) throw new Error(`the registry answered with more than ${maxBytes} bytes`);
    chunks.push(value);
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    throw new Error('the registry answered with broken JSON'); // the parser's error would quote the text
  }
}
