import { xlinkError } from '../errors/errors.js';
import type { ErrorId } from '../errors/table.js';
import type { PlatformBody } from '../http/fetch.js';
import { isProblem, refusalIn } from '../http/problem.js';
import { readAtMost } from '../http/read-body.js';
import { decodeUtf8 } from '../util/utf8.js';

/** What came back. `verified`: the service vouches for it. */
export interface Exchanged {
  readonly response: Response;
  readonly verified: boolean;
  /** With which it refused, signed: the id of the error, and when, in ms since 1970. */
  readonly refusal?: { readonly id: string; readonly timestamp: number };
}

/** Says of an answer whether it was sealed (`true`), signed only (`signed`: a refusal) or neither (`false`); never what came over the network. */
export const SEALED_HEADER = 'xlink-sealed';

/** An answer, and the error id of its problem document if it is a refusal by an adapter. */
export interface ServiceResponse {
  readonly response: Response;
  readonly problem: ErrorId | undefined;
}

/** A refusal is read whole. Bytes. */
export const MAX_PLAIN_BYTES = 10 * 1024 * 1024;

/** Statuses that a `Response` may not have a body with. */
const BODILESS = new Set([101, 103, 204, 205, 304]);

export const mayHaveBody = (status: number): boolean => !BODILESS.has(status);

/** A `Response` like the one that came, with another body, headers or status. */
export function rebuild(
  from: Response,
  body: PlatformBody | null,
  headers: Headers,
  status = from.status,
  statusText = from.statusText,
): Response {
  const rebuilt = new Response(mayHaveBody(status) ? body : null, { status, statusText, headers });
  return like(rebuilt, from, from.redirected);
}

/** Says what no constructor can, and goes on saying it when it is cloned. */
export function like(made: Response, { url, type }: Response, redirected: boolean): Response {
  const clone = () => like(Response.prototype.clone.call(made), made, redirected);
  for (const [name, value] of Object.entries({ url, type, redirected, clone }))
    Object.defineProperty(made, name, { value, configurable: true });
  return made;
}

/** The answer as it came, marked as not sealed. */
export function markUnsealed(response: Response): Response {
  if (response.status < 200 || response.status > 599) return response; // opaque: nothing of it can be read
  const headers = new Headers(response.headers);
  headers.set(SEALED_HEADER, 'false');
  return rebuild(response, response.body, headers);
}

/** An unsealed answer, marked as such; the problem document of a refusal is read, and is still there to be read. */
export async function unsealedResponse(response: Response): Promise<ServiceResponse> {
  if (!isProblem(response)) return { response: markUnsealed(response), problem: undefined };
  const bytes = await readAtMost(response, MAX_PLAIN_BYTES, () => xlinkError('ANSWER_INVALID:TOO_LARGE'));
  const headers = new Headers(response.headers);
  headers.set(SEALED_HEADER, 'false');
  for (const name of ['content-encoding', 'content-length']) headers.delete(name);
  const problem = refusalIn(decodeUtf8(bytes))?.id;
  return { response: rebuild(response, new Uint8Array(bytes), headers), problem };
}
