import type { InboundRequest } from './decision.js';

/**
 * Whether a browser asks for permission (Fetch standard, CORS protocol): it does so without credentials and without a body, and
 * middleware answers it. Any other OPTIONS request is a request.
 */
export const isPreflight = ({ method, hasBody, header }: InboundRequest): boolean =>
  method.toUpperCase() === 'OPTIONS' &&
  !hasBody &&
  header('origin') !== undefined &&
  header('access-control-request-method') !== undefined;
