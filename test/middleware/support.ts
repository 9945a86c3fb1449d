import type { Call } from '../support/http.js';

/** The bytes that a handler got, whichever way its application gives it bodies. */
export const bytesIn = ({ body, stream }: Pick<Call, 'body' | 'stream'>): Buffer =>
  stream.length > 0 || !Buffer.isBuffer(body) ? stream : body;

/** The JSON text that a handler got, whichever way its application gives it bodies. */
export function jsonTextOf({ body, stream }: Pick<Call, 'body' | 'stream'>): string {
  if (stream.length > 0) return stream.toString();
  return Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body);
}
