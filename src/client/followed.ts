import { xlinkError } from '../errors/errors.js';
import { redirectOf } from '../http/redirect.js';
import { type CallerRequest, isRead, isUpload } from './buffered-request.js';
import { like, SEALED_HEADER } from './response.js';
import type { Served } from './served.js';

/** As the platform's `fetch`. */
const MAX_REDIRECTS = 20;

/**
 * Follows redirects within the origin as `fetch` does, each hop with an envelope of its own. An answer that is not sealed sends
 * an envelope nowhere, and a key only along with a read: who forges one could pick what a caller signs, and have a write done twice.
 * Rejects with `FETCH_OPTION_UNSUPPORTED` where it may not follow, and with the platform's `TypeError` for `redirect: 'error'`.
 */
export async function followed(
  first: CallerRequest,
  serve: (request: CallerRequest) => Promise<Served>,
): Promise<Served> {
  const { redirect } = first.request;
  let request = first;
  for (let hops = 0; ; hops++) {
    const served = await serve(request);
    const { response } = served;
    if (hops > 0) like(response, response, true);
    const url = redirectOf(response, request.url);
    if (redirect === 'manual' || url === undefined) return served;
    void response.body?.cancel().catch(() => {});
    if (redirect === 'error') throw new TypeError('unexpected redirect');
    const next = hops < MAX_REDIRECTS && url ? redirected(request, served, url) : undefined;
    if (!next) throw xlinkError('FETCH_OPTION_UNSUPPORTED', { field: 'redirect' });
    request = next;
  }
}

/** The next request; `undefined` if it may not be made. */
function redirected(
  request: CallerRequest,
  { response: { status, headers }, method }: Served,
  url: URL,
): CallerRequest | undefined {
  const asGet = status === 303 ? request.method !== 'HEAD' : status < 303 && request.method === 'POST';
  const isSafe = method === 'api-key' && (asGet || isRead(request));
  if (!isSafe && headers.get(SEALED_HEADER) !== 'true') return undefined;
  if (!asGet && isUpload(request)) return undefined; // as the platform's fetch: a stream is sent once
  const as = asGet ? 'GET' : request.method;
  const kept = [...request.request.headers].filter(([name]) => !asGet || !name.startsWith('content-'));
  const next = {
    ...request,
    request: new Request(url, { method: as, headers: kept }),
    carrier: undefined,
    url,
    method: as,
  };
  return asGet ? withoutBody(next) : next;
}

function withoutBody({ upload: _, ...head }: CallerRequest & { readonly upload?: unknown }): CallerRequest {
  return { ...head, body: undefined };
}
