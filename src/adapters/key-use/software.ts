/** What stands in the place of a User-Agent that says nothing that may be kept. */
const NONE = '(none)';
const OTHER = '(other)';

/** A token this long with letters and digits in turn is no product: it may be a key in the wrong header. */
const MAX_PRODUCT = 32;
const PRODUCT = /^([A-Za-z][\w.+-]*)(?:\/(v?\d[\w.+-]{0,19}))?(?:[\s(]|$)/;

/**
 * Product and version at the start of a User-Agent (RFC 9110 section 10.1.5), such as `python-requests/2.31.0`; `(none)` where there is
 * none, `(other)` for all that may hold something else. What stands behind, such as comments with names of machines, is not kept.
 */
export function softwareOf(userAgent: string | undefined): string {
  if (!userAgent) return NONE;
  const [, product, version] = PRODUCT.exec(userAgent.slice(0, 128)) ?? [];
  if (product === undefined || product.length > MAX_PRODUCT || isLikeSecret(product)) return OTHER;
  // Put together anew: a part of a header would keep all of it in memory.
  return [...product, ...(version === undefined || isLikeSecret(version) ? '' : `/${version}`)].join('');
}

/** Twelve characters or more of which three are digits, without a separator, read like a key and not like a name. */
const isLikeSecret = (text: string): boolean =>
  text.split(/[.+-]/).some((part) => part.length >= 12 && (part.match(/\d/g)?.length ?? 0) >= 3);
