/** The member `amount` of a payload. `unknown`: it is no number, or the payload is bytes. */
export function payloadAmount(payload: unknown): number | 'unknown' | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  if (payload instanceof Uint8Array) return 'unknown';
  const { amount } = payload as { readonly amount?: unknown };
  if (amount === undefined) return undefined;
  return typeof amount === 'number' && Number.isFinite(amount) ? amount : 'unknown';
}
