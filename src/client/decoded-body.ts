import { xlinkError } from '../errors/errors.js';
import type { PlatformBody } from '../http/fetch.js';

/** Content codings (RFC 9110 section 8.4.1) and what platforms call them. */
const FORMATS: Readonly<Record<string, string>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'brotli',
};

/**
 * The body of a sealed answer without its content coding: the platform sees ciphertext and decodes nothing. Throws
 * `ANSWER_INVALID` for a coding that it does not have.
 */
export function decodedBody<B extends PlatformBody>(headers: Headers, body: () => B): PlatformBody {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase();
  if (!encoding || encoding === 'identity') return body();
  try {
    const decoder = new DecompressionStream(FORMATS[encoding] as CompressionFormat);
    return new Response(body()).body!.pipeThrough(decoder);
  } catch (cause) {
    throw xlinkError('ANSWER_INVALID', { field: 'content-encoding', cause });
  }
}
