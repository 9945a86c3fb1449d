import { decodeUtf8 } from '../util/utf8.js';
import { withDeadline } from './abort.js';
import { readAtMost } from './read-body.js';

/** For a request that is meant for one address: no redirects, cookies, caches, and no word of where it came from. */
export const DIRECT = {
  redirect: 'manual',
  credentials: 'omit',
  cache: 'no-store',
  referrerPolicy: 'no-referrer',
} as const satisfies RequestInit;

/** The `fetch` that was given, else the platform's, looked up at each call for those who replace it in tests. */
export const fetchOrPlatform =
  (given: typeof fetch | undefined): typeof fetch =>
  (...args: Parameters<typeof fetch>) =>
    given ? given(...args) : globalThis.fetch(...args);

/** Named here because only the library of the DOM has `BodyInit` and `HeadersInit`: the types of this package compile without it. */
export type PlatformBody = NonNullable<RequestInit['body']>;
type PlatformHeaders = NonNullable<RequestInit['headers']>;

export interface TextRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: PlatformHeaders;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** A longer answer is an error. */
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal;
}

export interface HttpCall extends TextRequest {
  /** Who is called, for messages: `the relay`. */
  readonly callee: string;
  /** For the whole exchange, the body of the answer included. */
  readonly timeoutMs: number;
}

/** What came back. `status` is 0 for a redirect in a browser, which does not tell where to. */
export interface HttpTextResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One exchange with one address, with a limited answer. Rejects if there is no whole answer. */
export async function fetchText(fetch_: typeof fetch, request: TextRequest): Promise<HttpTextResponse> {
  const { url, maxAnswerBytes, ...init } = request;
  const response = await fetch_(url, { ...init, ...DIRECT });
  const tooLarge = () => new Error(`the answer has more than ${maxAnswerBytes} bytes`);
  const text = decodeUtf8(await readAtMost(response, maxAnswerBytes, tooLarge));
  return { status: response.status, headers: response.headers, text };
}

/** The same within a time, whether or not `fetch_` listens to its signal. */
export async function httpCall(fetch_: typeof fetch, call: HttpCall): Promise<HttpTextResponse> {
  const { callee, timeoutMs, signal: outer, ...request } = call;
  const expired = () => new Error(`${callee} did not answer within ${timeoutMs} ms`);
  return withDeadline(timeoutMs, expired, (signal) => fetchText(fetch_, { ...request, signal }), outer);
}
