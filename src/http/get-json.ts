import { isJsonType, JSON_TYPE } from '../envelope/plaintext.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import { decodeUtf8 } from '../util/utf8.js';
import { DIRECT } from './fetch.js';
import { readAtMost } from './read-body.js';
import { redirectOf } from './redirect.js';

/** A discovery document with version 3 keys takes some 8 KiB, and each succession of such identities 15 KiB. */
const MAX_BYTES = 320 * 1024;
const MAX_REDIRECTS = 3;
/** Statuses that say: there is no such thing here. */
const NOT_SUPPORTED = new Set([404, 410]);

/**
 * Gets a JSON document of at most 320 KiB. Redirects are followed within the origin, three at most. Throws
 * `DISCOVERY_FAILED…`; what `fetch` rejects with becomes its `cause`.
 */
export async function getJson(start: URL, fetch_: typeof fetch, signal: AbortSignal): Promise<unknown> {
  const response = await getWithinOrigin(start, fetch_, signal);
  if (NOT_SUPPORTED.has(response.status)) throw xlinkError('DISCOVERY_FAILED:NOT_SUPPORTED');
  if (response.status !== 200) throw failed(new Error(`HTTP status ${response.status}`));
  if (!isJsonType(response.headers.get('content-type') ?? ''))
    throw xlinkError('DISCOVERY_FAILED:INVALID', { field: 'content-type' });
  const tooLarge = () => xlinkError('DISCOVERY_FAILED:TOO_LARGE');
  if (Number(response.headers.get('content-length')) > MAX_BYTES) throw tooLarge();
  const bytes = await orFailed(signal, () => readAtMost(response, MAX_BYTES, tooLarge));
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    throw xlinkError('DISCOVERY_FAILED:INVALID', { field: 'document' }); // the parser's error would quote the text
  }
}

async function getWithinOrigin(start: URL, fetch_: typeof fetch, signal: AbortSignal): Promise<Response> {
  let url = start;
  for (let redirects = 0; ; redirects++) {
    const response = await orFailed(signal, () =>
      fetch_(url.href, {
        ...DIRECT,
        headers: { Accept: JSON_TYPE },
        signal,
      }),
    );
    const next = redirectOf(response, url);
    if (next === undefined) return response;
    if (redirects === MAX_REDIRECTS || next === null) throw xlinkError('DISCOVERY_FAILED:REDIRECT');
    url = next;
  }
}

const failed = (cause: unknown) => xlinkError('DISCOVERY_FAILED', { cause });

/** An error of this package stays what it is, and so does the reason of an abort. */
async function orFailed<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw isXlinkError(error) ? error : failed(error);
  }
}
