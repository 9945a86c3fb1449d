import type { FetchInput, XlinkRequestInit } from './buffered-request.js';
import { checkXlinkFetchOptions, type XlinkFetchOptions } from './options.js';
import { ServiceClient } from './service-client.js';

/** A `fetch` that speaks xLink. */
export type XlinkFetch = typeof fetch & {
  (input: FetchInput, init?: XlinkRequestInit): Promise<Response>;
  /**
   * For the operator, when a service really went back to keys, lost its registry or changed its identity: what was learned
   * about the service at this origin is forgotten, also where it is kept between runs. The next request meets it as for the
   * first time, and may use the key. Rejects with `INVALID_OPTION` or `SERVICE_MEMORY_FAILED`.
   */
  forget(origin: string): Promise<void>;
  /**
   * Before a process ends that made calls in sessions, and has read their answers: signs what was sent so far, where the service asks for checkpoints, and resolves
   * when the service has countersigned it, or at once if nothing is to be signed. Calls may follow. Rejects with the `XlinkError` that was in the way, after `timeoutMs` at most per attempt.
   */
  settle(): Promise<void>;
};

/**
 * A `fetch` that speaks xLink: same signature, same `Response`. It discovers the service at the first request to an
 * origin, enrolls with the API key if it has one, seals bodies and headers, signs what has no body, and opens sealed answers.
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
 * - The key is sent instead of an envelope only if the service says so, signed: keys decide, or it offers no enrollment; or
 *   if it has no discovery document and never had one. Never after an answer that is not signed, whatever its status. After
 *   the first sealed answer the key is not even used to enroll again; see {@link XlinkFetch}. It goes only where its owner
 *   pointed (`apiKeyOrigin`, `baseUrl`, or the call itself) and never beside an envelope that decides: it is taken out of
 *   headers, cookies and query in every usual encoding, and a path that holds it is refused (`API_KEY_IN_URL`).
 * - Sent again, once, after an answer that nobody signed, is only what cannot be carried out twice by that: the same claim,
 *   sealed for newer keys; GET and HEAD; and what carries an `Idempotency-Key`, by which the caller says that the service
 *   carries out one of several requests with the same key.
 * - Redirects are followed within the origin, if the answer was sealed, or to read by key; others reject with
 *   `FETCH_OPTION_UNSUPPORTED`, and so do `integrity` and `mode: 'no-cors'`. All else of a call is honored or named in docs/client.md.
 * - A `body` that is a stream goes out as it comes, in a session; where there are none it is read into memory, 16 MiB at most
 *   (`REQUEST_BODY_UNSUPPORTED`). It can be sent once (`SESSION_OUTCOME_UNKNOWN`, `REQUEST_BODY_USED`).
 * - An answer must be sealed, or a refusal that the service signed (`xlink-sealed` is `signed` then), or the promise rejects
 *   with `ANSWER_INVALID…` (a write may have happened). Not sealed, with `xlink-sealed: false`, are answers from paths that
 *   the service lists as public, to calls with `sealed: 'optional'`, to HEAD, and to the key. Status, headers and body of a
 *   sealed answer are what the service sealed; the body is opened as it is read, so reading it may reject, too.
 * - Rejects with an `XlinkError` for what xLink refuses, and with what the platform's `fetch` rejects with for the rest.
 *
 * With axios 1.12 or newer: `axios.create({ adapter: 'fetch', env: { fetch: xlinkFetch(options) } })`. Older versions
 * have no such setting. For ky, openapi-fetch and got see docs/client.md; SDKs that take a `fetch` take this one.
 *
 * Throws `INVALID_OPTION`.
 */
export function xlinkFetch(options: XlinkFetchOptions = {}): XlinkFetch {
  checkXlinkFetchOptions('xlinkFetch', options);
  return fetchOf(new ServiceClient(options));
}

/** The platform's signature for a client. */
export const fetchOf = (client: ServiceClient): XlinkFetch =>
  Object.assign(
    async (input: FetchInput, init?: XlinkRequestInit) => (await client.call(input, init)).response,
    {
      forget: (origin: string) => client.forget(origin),
      settle: async () => (await client.sessions)?.settle(),
    },
  );
