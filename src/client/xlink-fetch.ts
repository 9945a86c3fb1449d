import { checkXlinkFetchOptions, type XlinkFetchOptions } from './options.js';
import { ServiceClient } from './service-client.js';

/**
 * A `fetch` that speaks xLink: same signature, same `Response`. It discovers the service at the first request to an
 * origin, enrolls with the API key if it has one, seals JSON bodies, signs everything else, and opens sealed answers.
 *
 * ```ts
 * const fetch = xlinkFetch({ baseUrl: 'https://api.example.com', apiKey: process.env.API_KEY });
 * const answer = await fetch('/orders', {
 *   method: 'POST',
 *   headers: { 'Content-Type': 'application/json' },
 *   body: JSON.stringify({ item: 'tea' }),
 * });
 * answer.headers.get('xlink-sealed'); // 'true': encrypted for you, signed by the service, for this very request
 * ```
 *
 * - The key is sent instead of an envelope only if the service has no discovery document, offers no enrollment, or answers
 *   that xLink is not switched on. Never after 401, 403, 409, 5xx, a time-out or an answer that fails a check. The key
 *   goes to one origin and is removed from the headers of every other request.
 * - Streams are refused (`REQUEST_BODY_UNSUPPORTED`), redirects of enveloped requests are not followed, and a JSON body is
 *   sealed as its value: whitespace and the order of equal names do not survive.
 * - An answer that succeeds must be sealed, or the promise rejects with `ANSWER_INVALID…` (a write may have happened). An
 *   answer of status 400 and above may be unsealed and then has `xlink-sealed: false`; so has every answer to HEAD, and
 *   every answer to the key. Of a sealed answer, status, Content-Type and body are sealed; its other headers are not.
 * - Rejects with an `XlinkError` for what xLink refuses, and with what the platform's `fetch` rejects with for the rest.
 *
 * With axios 1.12 or newer: `axios.create({ adapter: 'fetch', env: { fetch: xlinkFetch(options) } })`. Older versions
 * have no such setting. For other clients that take a `fetch` (openapi-fetch, ky, SDKs), pass it the same way.
 *
 * Throws `INVALID_OPTION`.
 */
export function xlinkFetch(options: XlinkFetchOptions = {}): typeof fetch {
  checkXlinkFetchOptions('xlinkFetch', options);
  return fetchOf(new ServiceClient(options));
}

/** The platform's signature for a client. */
export const fetchOf =
  (client: ServiceClient): typeof fetch =>
  async (input, init) =>
    (await client.call(input, init)).response;
