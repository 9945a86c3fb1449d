import { given } from '../util/given.js';
import type { ApiKey } from './api-key.js';
import { type CallerRequest, callersHeaders, isUpload } from './buffered-request.js';

/** Sends a request with the API key, as it would have been sent without xLink. */
export async function sendWithKey(
  caller: CallerRequest,
  apiKey: ApiKey,
  key: string | undefined,
  send: (url: URL, init: RequestInit) => Promise<Response>,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { init, request, url } = caller;
  const body = isUpload(caller) ? await caller.upload.body() : caller.body;
  const headers = callersHeaders(request);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  if (key !== undefined) apiKey.addTo(headers, key);
  return send(url, { ...init, headers, ...given({ body }) });
}
