import { given } from '../util/given.js';
import type { ApiKey } from './api-key.js';
import { type BufferedRequest, callersHeaders } from './buffered-request.js';

/** Sends a request with the API key, as it would have been sent without xLink. */
export function sendWithKey(
  { body, init, request, url }: BufferedRequest,
  apiKey: ApiKey,
  key: string | undefined,
  send: (url: URL, init: RequestInit) => Promise<Response>,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const headers = callersHeaders(request);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  if (key !== undefined) apiKey.addTo(headers, key);
  return send(url, { ...init, headers, ...given({ body }) });
}
