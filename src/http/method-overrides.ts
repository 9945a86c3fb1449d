import type { InboundRequest } from './decision.js';

/** A request, as far as routes are chosen by it. */
export type RoutedRequest = Pick<InboundRequest, 'method' | 'target'> &
  Partial<Pick<InboundRequest, 'header'>>;

const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/** The methods that middleware behind the adapter may give a request by the usual headers or by `_method` of the query, in capitals. */
export function overridesOf(request: RoutedRequest): readonly string[] {
  const texts = OVERRIDES.flatMap((name) => request.header?.(name)?.split(',') ?? []);
  const start = request.target.indexOf('?');
  if (start >= 0) texts.push(...new URLSearchParams(request.target.slice(start)).getAll('_method'));
  return texts.map((text) => text.trim().toUpperCase());
}
