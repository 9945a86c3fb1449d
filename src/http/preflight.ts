import type { InboundRequest } from './decision.js';
import { overridesOf } from './method-overrides.js';

/**
 * Whether a browser asks for permission (Fetch standard, CORS protocol): it does so without credentials and without a body, and
 * middleware answers it. Any other OPTIONS request is a request, also one that may be of another method behind the adapter.
 */
export const isPreflight = (request: InboundRequest): boolean => {
  const { method, hasBody, header } = request;
  return (
    method.toUpperCase() === 'OPTIONS' &&
    !hasBody &&
    header('origin') !== undefined &&
    header('access-control-request-method') !== undefined &&
    overridesOf(request).length === 0
  );
};
