import type { Call } from '../support/http.js';

/** The JSON text that a handler got, whichever way its application gives it bodies. */
export function jsonTextOf({ body, stream }: Call): string {
  if (stream.length > 0) return stream.toString();
  return Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body);
}
