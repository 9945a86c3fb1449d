/** The member `amount` of a payload, if that is a number of its own. `unknown`: there is content, and it does not say. */
export function payloadAmount(payload: unknown): number | 'unknown' | undefined {
  if (payload === undefined) return undefined;
  if (payload instanceof Uint8Array) return payload.length === 0 ? undefined : 'unknown';
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, 'amount')) return 'unknown';
  const { amount } = payload as { readonly amount?: unknown };
  return typeof amount === 'number' && Number.isFinite(amount) ? amount : 'unknown';
}
