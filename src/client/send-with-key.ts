import type { ApiKey } from './api-key.js';
import { type BufferedRequest, callersHeaders } from './buffered-request.js';

const MAX_REDIRECTS = 5;

/**
 * Sends a request with the API key, as it would have been sent without xLink. Redirects are followed for GET and HEAD
 * and within the origin: a key does not travel to where a redirect points.
 */
export async function sendWithKey(
  buffered: BufferedRequest,
  apiKey: ApiKey,
  key: string | undefined,
  send: (url: URL, init: RequestInit) => Promise<Response>,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { method, body, init, request } = buffered;
  const headers = callersHeaders(request);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  if (key !== undefined) apiKey.addTo(headers, key);
  const follow = request.redirect === 'follow' && (method === 'GET' || method === 'HEAD');
  const redirect = request.redirect === 'error' ? 'error' : 'manual';
  let url = buffered.url;
  for (let redirects = 0; ; redirects++) {
    const response = await send(url, { ...init, method, headers, redirect, ...(body ? { body } : {}) });
    const location = follow && isRedirect(response.status) ? response.headers.get('location') : null;
    const next = location !== null && URL.canParse(location, url) ? new URL(location, url) : undefined;
    if (next?.origin !== url.origin || redirects === MAX_REDIRECTS) return response;
    headers.delete('xlink-envelope'); // bound to where the request went first
    url = next;
  }
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);
