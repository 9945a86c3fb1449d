/** One thing that the file of a `FileNonceStore` says. */
export type NonceLine =
  /** Key of a nonce, and when it may be forgotten in ms since 1970. */
  | readonly [key: string, expiresAt: number]
  /** What was claimed before this, in ms since 1970, may not be known. */
  | { readonly since: number };

/** Throws for anything else. */
export function nonceLineFrom(value: unknown): NonceLine {
  const isNonce = Array.isArray(value) && typeof value[0] === 'string' && Number.isFinite(value[1]);
  if (isNonce || Number.isFinite((value as { since?: unknown } | null)?.since)) return value as NonceLine;
  throw new TypeError('a value is neither a nonce nor a start');
}
