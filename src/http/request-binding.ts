import { xlinkError } from '../errors/errors.js';
import { percentEncode } from '../util/percent.js';

/** What a request target may hold as it is: printable ASCII but `"` and `\`, which would need an escape in JSON. */
const FOREIGN_IN_TARGET = /[^\x21\x23-\x5b\x5d-\x7e]/gu;
/** The same for a Content-Type, where spaces are usual; `%` is encoded too, so that no two texts become one. */
const FOREIGN_IN_CONTENT_TYPE = /[^\x20\x21\x23\x24\x26-\x5b\x5d-\x7e]/gu;

/**
 * The string that binds an envelope to an HTTP request: method in capitals, a space, then path and query as they are on
 * the wire (`/orders?limit=5`, no host, no fragment). All other characters are percent-encoded, on both sides alike.
 * A client takes path and query from `new URL(…)`, which is what it puts on the wire.
 */
export const requestBinding = (method: string, target: string): string =>
  `${method.toUpperCase()} ${percentEncode(target, FOREIGN_IN_TARGET)}`;

/** Path and query of a URL, as they are on the wire. */
export const targetOf = ({ pathname, search }: URL): string => pathname + search;

/** A Content-Type header as it is signed: `multipart/form-data; boundary="a"` has its quotes percent-encoded. */
export const contentTypeBinding = (header: string): string => percentEncode(header, FOREIGN_IN_CONTENT_TYPE);

/** Throws `REQUEST_BINDING_REQUIRED` or `REQUEST_BINDING_MISMATCH`. A binding that is present is always checked. */
export function checkRequestBinding(signed: string | undefined, actual: string, required: boolean): void {
  if (signed === undefined) {
    if (required) throw xlinkError('REQUEST_BINDING_REQUIRED', { field: 'request' });
    return;
  }
  if (signed !== actual) throw xlinkError('REQUEST_BINDING_MISMATCH', { field: 'request' });
}
