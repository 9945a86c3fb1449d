import { xlinkError } from '../errors/errors.js';
import { untilAborted } from '../http/abort.js';
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

/** Members of a `Request` that go on to `fetch`. */
const CARRIED = ['cache', 'credentials', 'keepalive', 'mode', 'referrerPolicy', 'redirect'] as const;

/** Reads the body of a request. Rejects with `REQUEST_BODY_UNSUPPORTED` for streams, which could be read only once. */
export async function bufferRequest(
  input: FetchInput,
  { sealed = 'required', ...init }: XlinkRequestInit = {},
  baseUrl?: string,
): Promise<BufferedRequest> {
  const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
  signal?.throwIfAborted();
  if (isStream(init.body)) throw xlinkError('REQUEST_BODY_UNSUPPORTED', { field: 'body' });
  const target = typeof input === 'string' && baseUrl !== undefined ? new URL(input, baseUrl) : input;
  const request = new Request(target, init);
  const bytes = new Uint8Array(await untilAborted(request.arrayBuffer(), signal));
  const { body: _, headers: __, method: ___, signal: ____, integrity: _____, ...rest } = init;
  const carried = Object.fromEntries(
    CARRIED.map((name) => [name, request[name]]).filter(([, value]) => value !== undefined && value !== ''),
  );
  return {
    request,
    url: new URL(request.url),
    method: request.method,
    body: bytes.length === 0 ? undefined : bytes,
    signal,
    init: { ...carried, ...rest },
    takesPlain: sealed === 'optional',
  };
}

/** The headers that the caller set, without those that only this side may say. */
export function callersHeaders(request: Request): Headers {
  const headers = new Headers(request.headers);
  for (const name of [SEALED_HEADER, 'xlink-envelope', 'content-length']) headers.delete(name);
  return headers;
}

/** Web streams, and what Node's `fetch` takes for one. */
const isStream = (body: unknown): boolean =>
  typeof body === 'object' &&
  body !== null &&
  (typeof (body as ReadableStream).getReader === 'function' || Symbol.asyncIterator in body);
