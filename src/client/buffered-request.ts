import { xlinkError } from '../errors/errors.js';
import { untilAborted } from '../http/abort.js';
import { SESSION_HEADER } from '../http/session-headers.js';
import { given } from '../util/given.js';
import type { XlinkFetchOptions } from './options.js';
import { SEALED_HEADER } from './response.js';
import type { BodyStream, Upload } from './upload.js';

/** What the platform's `fetch` takes first; named here because only the DOM library has `RequestInfo`. */
export type FetchInput = Parameters<typeof fetch>[0];

/** What `fetch` of this package takes beside what the platform's takes. */
export interface XlinkRequestInit extends RequestInit {
  /** `optional`: takes an answer that is not sealed, too; it then says `xlink-sealed: false`. Default `required`. */
  readonly sealed?: 'required' | 'optional';
}

/** A request of the caller, without its body. */
interface RequestHead {
  /** The platform's view of it; its body is used up. */
  readonly request: Request;
  /**
   * The same, if it is what `fetch` is called with, for a `Request` may hold what nobody can read from it: a dispatcher, a
   * priority. A `fetch` of the options may be of another kind than the platform's `Request`, and gets the URL.
   */
  readonly carrier: Request | undefined;
  readonly url: URL;
  readonly method: string;
  readonly signal: AbortSignal | undefined;
  /** Everything else that the caller said to `fetch`. */
  readonly init: RequestInit;
  /** Whether the caller takes an answer that is not sealed. */
  readonly takesPlain: boolean;
}

/** A request with its body in memory, so that it can be signed, and made anew if it was refused unread. */
export interface BufferedRequest extends RequestHead {
  /** `undefined` if it has none. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

/** A request whose body is a stream that goes on. */
export interface UploadRequest extends RequestHead {
  readonly upload: Upload;
}

/** A request as it is called for. */
export type CallerRequest = BufferedRequest | UploadRequest;

export const isUpload = (request: CallerRequest): request is UploadRequest => 'upload' in request;

/** The same with its body in memory, for what can be signed only as a whole. Rejects with `REQUEST_BODY_UNSUPPORTED`, `REQUEST_BODY_USED`. */
export async function buffered(request: CallerRequest): Promise<BufferedRequest> {
  if (!isUpload(request)) return request;
  const { upload, ...head } = request;
  return { ...head, body: await upload.whole() };
}

/** Reads the body of a request, but for a long one that its caller gave as a stream. Rejects with `FETCH_OPTION_UNSUPPORTED` for what cannot be had. */
export async function readRequest(
  input: FetchInput,
  init: XlinkRequestInit = {},
  { baseUrl, fetch }: XlinkFetchOptions = {},
): Promise<CallerRequest> {
  const isRequest = input instanceof Request;
  const { signal = isRequest ? input.signal : undefined } = init;
  signal?.throwIfAborted();
  const target = typeof input === 'string' && baseUrl !== undefined ? new URL(input, baseUrl) : input;
  const { body: source, ...others } = init;
  const isStreamed = !(init instanceof Request) && isStream(source);
  const request = new Request(target, isStreamed ? others : init); // some platforms would make a text of a stream
  if (isStreamed && isRead(request)) throw new TypeError('a GET or HEAD request has no body');
  const { cache, credentials, keepalive, mode, referrer, referrerPolicy } = request;
  const field = request.integrity ? 'integrity' : mode === 'no-cors' ? 'mode' : undefined;
  if (field) throw xlinkError('FETCH_OPTION_UNSUPPORTED', { field });
  const body = isStreamed
    ? await readAhead(source, signal ?? undefined)
    : new Uint8Array(await untilAborted(request.arrayBuffer(), signal));
  const { headers: __, method: ___, signal: ____, sealed, ...rest } = others;
  const head: RequestHead = {
    request,
    carrier: isRequest && !fetch ? request : undefined,
    url: new URL(request.url),
    method: request.method,
    signal: signal ?? undefined,
    init: { ...given({ cache, credentials, keepalive, mode, referrer, referrerPolicy }), ...rest },
    takesPlain: sealed === 'optional',
  };
  if (!(body instanceof Uint8Array)) return { ...head, upload: body };
  return { ...head, body: body.length === 0 ? undefined : body };
}

/** Loaded where a body is a stream. */
const readAhead = async (...from: Parameters<typeof Upload.of>): ReturnType<typeof Upload.of> =>
  (await import('./upload.js')).Upload.of(...from);

/** Whether it asks for nothing to be done. */
export const isRead = ({ method }: Pick<RequestHead, 'method'>): boolean =>
  method === 'GET' || method === 'HEAD';

/** The headers that the caller set, without those that only this side may say. */
export function callersHeaders(request: Request): Headers {
  const headers = new Headers(request.headers);
  for (const name of [SEALED_HEADER, 'xlink-envelope', SESSION_HEADER, 'content-length'])
    headers.delete(name);
  return headers;
}

/** Web streams, and what Node's `fetch` takes for one. */
function isStream(body: unknown): body is BodyStream {
  const object = Object(body);
  return 'getReader' in object || Symbol.asyncIterator in object;
}
