import type { PolicyRequest } from '@private.me/xlink';

/** Monday, 12:00 UTC. */
export const NOON = Date.UTC(2026, 0, 5, 12);
export const DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';

/** A request by envelope with the scope `finance`. */
export const asked = (more: Partial<PolicyRequest> = {}): PolicyRequest => ({
  proof: 'envelope',
  from: DID,
  client: 'acme',
  scopes: ['finance'],
  method: 'POST',
  target: '/payments/1?x=1',
  at: NOON,
  id: 'n1',
  mutualTrust: true,
  ...more,
});

/** One that came with a key. */
export const byKey = (more: Partial<PolicyRequest> = {}): PolicyRequest => {
  const { from: _, id: __, ...rest } = asked({ proof: 'api-key', mutualTrust: false });
  return { ...rest, ...more };
};
