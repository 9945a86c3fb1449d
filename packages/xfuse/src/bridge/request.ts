import { XfuseError } from '../errors.js';
import { checkNames, checkValue } from '../util/options.js';
import type { XfuseOptions } from './options.js';
import { routeOf } from './route-of.js';

/** What a call may say to the bridge. */
export interface BridgeCall {
  /** Whose request it is: stays on one side. Default: option `caller`, else drawn anew. */
  readonly caller?: string;
  /** For this call: `legacy` or `modern` leaves the ratio aside, `mirror` compares. Default: that of the bridge. */
  readonly mode?: 'route' | 'mirror' | 'legacy' | 'modern';
}

/** As `RequestInit`, and what the bridge should know. */
export type BridgeRequestInit = RequestInit & {
  /** Default: nothing. */
  readonly xfuse?: BridgeCall;
};

/** A request, ready to be sent to either side. */
export interface BridgeRequest {
  readonly method: string;
  /** Below the endpoint, with the query; begins with `/` or is empty. */
  readonly target: string;
  readonly url: URL;
  readonly route: string;
  readonly headers: Headers;
  readonly init: RequestInit;
  readonly call: BridgeCall;
  /** Bytes of the body; `undefined` for one that can be read only once. */
  readonly bodyBytes: number | undefined;
  /** GET, HEAD, OPTIONS: carried out twice is carried out once. */
  readonly isRead: boolean;
  readonly hasKey: boolean;
}

const MODES: readonly string[] = ['route', 'mirror', 'legacy', 'modern'];
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Reads nothing of the body, so that the legacy side is called at once. Throws `OTHER_ORIGIN`, `INVALID_OPTION`. */
export function bridgeRequest(
  input: string | URL | Request,
  init: BridgeRequestInit,
  endpoint: URL,
  options: Pick<XfuseOptions, 'route'>,
): BridgeRequest {
  const { xfuse: call = {}, ...given } = init;
  checkNames('xfuse', call, ['caller', 'mode']);
  checkValue('xfuse', 'mode', call.mode, (mode) => MODES.includes(mode), MODES.join(', '));
  checkValue('xfuse', 'caller', call.caller, (caller) => typeof caller === 'string', 'a text');
  const request = input instanceof Request ? input : undefined;
  const url = urlBelow(request ? request.url : String(input), endpoint);
  const method = (given.method ?? request?.method ?? 'GET').toUpperCase();
  const headers = new Headers(given.headers ?? request?.headers);
  const body = given.body ?? request?.body ?? undefined;
  const signal = given.signal ?? request?.signal;
  const basePath = endpoint.pathname.replace(/\/$/, '');
  return {
    method,
    target: url.pathname.slice(basePath.length) + url.search,
    url,
    route: `${/^[A-Z]{1,16}$/.test(method) ? method : 'OTHER'} ${(options.route ?? routeOf)(url.pathname)}`,
    headers,
    init: {
      ...(request ? { redirect: request.redirect } : {}),
      ...given,
      method,
      ...(body === undefined || body === null ? {} : { body, ...(isStream(body) ? { duplex: 'half' } : {}) }),
      ...(signal ? { signal } : {}),
    },
    call,
    bodyBytes: bytesOf(body),
    isRead: READS.has(method),
    hasKey: headers.has('idempotency-key'),
  };
}

function urlBelow(input: string, endpoint: URL): URL {
  const base = endpoint.href.replace(/\/$/, '');
  const text = /^https?:\/\//i.test(input) ? input : `${base}/${input.replace(/^\//, '')}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const path = endpoint.pathname.replace(/\/$/, '');
  const isBelow =
    url?.origin === endpoint.origin && (url.pathname === path || url.pathname.startsWith(`${path}/`));
  if (!url || !isBelow) throw new XfuseError('OTHER_ORIGIN');
  return url;
}

const isStream = (body: unknown): boolean =>
  body instanceof ReadableStream ||
  (typeof body === 'object' && body !== null && Symbol.asyncIterator in body);

function bytesOf(body: unknown): number | undefined {
  if (body === undefined || body === null) return 0;
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  if (body instanceof URLSearchParams) return Buffer.byteLength(String(body));
  if (body instanceof Blob) return body.size;
  return undefined;
}
