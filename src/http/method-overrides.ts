import type { InboundRequest } from './decision.js';

/** A request, as far as routes are chosen by it. */
export type RoutedRequest = Pick<InboundRequest, 'method' | 'target'> &
  Partial<Pick<InboundRequest, 'header'>>;

const OVERRIDES = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-method',
  'x-original-http-method',
];

/** Also as an element of a list: parsers take `_method[]` for it. */
const QUERY_NAME = /^_method(\[[^\]]*\])*$/i;

/** The methods that middleware behind the adapter may give a request by the usual headers or by `_method` of the query, in capitals. */
export function overridesOf(request: RoutedRequest): readonly string[] {
  const texts = OVERRIDES.flatMap((name) => request.header?.(name)?.split(',') ?? []);
  const start = request.target.indexOf('?');
  if (start >= 0) texts.push(...queried(request.target.slice(start + 1)));
  return texts.map((text) => text.trim().toUpperCase());
}

/** Parsers differ in whether `;` separates as `&` does, and `#` ends a query. */
function queried(query: string): readonly string[] {
  if (!/_|%5f/i.test(query)) return [];
  return [query, query.replaceAll(';', '&')].flatMap((one) =>
    [...new URLSearchParams(one)]
      .filter(([name]) => QUERY_NAME.test(name.trim()))
      .flatMap(([, value]) => [value, value.split('#')[0]!]),
  );
}
