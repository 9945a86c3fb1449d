/** What stands in the place of a User-Agent that says nothing that may be kept. */
const NONE = '(none)';
const OTHER = '(other)';

/** A name of words and at most two digits, and a version of numbers: `Apache-HttpClient/4.5.14`, `k6/0.49.0`, `go/v1.22rc1`. */
const PRODUCT =
  /^([A-Za-z](?:[A-Za-z._+-]*\d){0,2}[A-Za-z._+-]*)\/(v?\d{1,8}(?:\.\d{1,6}){0,3}(?:[-+.]?[a-z]{1,8}\.?\d{0,3})?)(?=[\s(;]|$)/;
const MAX_PRODUCT = 32;

/** What HTTP libraries call themselves that name no version. */
const WITHOUT_VERSION: ReadonlySet<string> = new Set([
  'axios',
  'curl',
  'got',
  'node',
  'node-fetch',
  'undici',
]);

/**
 * Product and version at the start of a User-Agent (RFC 9110 section 10.1.5), such as `python-requests/2.31.0`; `(none)` where there is
 * none, `(other)` for all that may hold something else, such as a key in the wrong header. What stands behind, such as comments with names
 * of machines, is not kept.
 */
export function softwareOf(userAgent: string | undefined): string {
  if (!userAgent) return NONE;
  const start = userAgent.slice(0, 128);
  const [name = ''] = start.split(/[\s(]/);
  const [, product, version] = PRODUCT.exec(start) ?? [];
  const isKept = product === undefined ? WITHOUT_VERSION.has(name) : product.length <= MAX_PRODUCT;
  if (!isKept) return OTHER;
  // Put together anew: a part of a header would keep all of it in memory.
  return [...(product === undefined ? name : `${product}/${version}`)].join('');
}
