import { xlinkError } from '../errors/errors.js';
import { untilAborted } from '../http/abort.js';
import { SESSION_HEADER } from '../http/session-headers.js';
import { given } from '../util/given.js';
import type { XlinkFetchOptions } from './options.js';
import { SEALED_HEADER } from './response.js';

/** What the platform's `fetch` takes first; named here because only the DOM library has `RequestInfo`. */
export type FetchInput = Parameters<typeof fetch>[0];

/** What `fetch` of this package takes beside what the platform's takes. */
export interface XlinkRequestInit extends RequestInit {
  /** `optional`: takes an answer that is not sealed, too; it then says `xlink-sealed: false`. Default `required`. */
  readonly sealed?: 'required' | 'optional';
}

/** A request of the caller with its body in memory, so that it can be signed, and made anew if it was refused unread. */
export interface BufferedRequest {
  /** The platform's view of it; its body is used up. */
  readonly request: Request;
  /**
   * The same, if it is what `fetch` is called with, for a `Request` may hold what nobody can read from it: a dispatcher, a
   * priority. A `fetch` of the options may be of another kind than the platform's `Request`, and gets the URL.
   */
  readonly carrier: Request | undefined;
  readonly url: URL;
  readonly method: string;
  /** `undefined` if it has none. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  readonly signal: AbortSignal | undefined;
  /** Everything else that the caller said to `fetch`. */
  readonly init: RequestInit;
  /** Whether the caller takes an answer that is not sealed. */
  readonly takesPlain: boolean;
}

/**
 * Reads the body of a request. Rejects with `REQUEST_BODY_UNSUPPORTED` for streams, which could be read only once, and with
 * `FETCH_OPTION_UNSUPPORTED` for what cannot be had.
 */
export async function bufferRequest(
  input: FetchInput,
  init: XlinkRequestInit = {},
  { baseUrl, fetch }: XlinkFetchOptions = {},
): Promise<BufferedRequest> {
  const isRequest = input instanceof Request;
  const { signal = isRequest ? input.signal : undefined } = init;
  signal?.throwIfAborted();
  if (isStream(init.body)) throw xlinkError('REQUEST_BODY_UNSUPPORTED', { field: 'body' });
  const target = typeof input === 'string' && baseUrl !== undefined ? new URL(input, baseUrl) : input;
  const request = new Request(target, init);
  const { cache, credentials, keepalive, mode, referrer, referrerPolicy } = request;
  const field = request.integrity ? 'integrity' : mode === 'no-cors' ? 'mode' : undefined;
  if (field) throw xlinkError('FETCH_OPTION_UNSUPPORTED', { field });
  const bytes = new Uint8Array(await untilAborted(request.arrayBuffer(), signal));
  const { body: _, headers: __, method: ___, signal: ____, sealed, ...rest } = init;
  return {
    request,
    carrier: isRequest && !fetch ? request : undefined,
    url: new URL(request.url),
    method: request.method,
    body: bytes.length === 0 ? undefined : bytes,
    signal: signal ?? undefined,
    init: { ...given({ cache, credentials, keepalive, mode, referrer, referrerPolicy }), ...rest },
    takesPlain: sealed === 'optional',
  };
}

/** Whether it asks for nothing to be done. */
export const isRead = ({ method }: BufferedRequest): boolean => method === 'GET' || method === 'HEAD';

/** The headers that the caller set, without those that only this side may say. */
export function callersHeaders(request: Request): Headers {
  const headers = new Headers(request.headers);
  for (const name of [SEALED_HEADER, 'xlink-envelope', SESSION_HEADER, 'content-length'])
    headers.delete(name);
  return headers;
}

/** Web streams, and what Node's `fetch` takes for one. */
function isStream(body: unknown): boolean {
  const object = Object(body);
  return 'getReader' in object || Symbol.asyncIterator in object;
}
