import { Agent, MemoryTrustRegistry, requestBinding, xlinkAuthorization } from '@private.me/xlink';
import { httpRequest } from '../../../benchmarks/load.mjs';

/**
 * Makes requests of several callers to one API, each of them good once. Three in a row are of the same caller: nginx asks
 * four instances in turn, and each shall hear of every caller.
 */
export async function requestMaker(api, callers) {
  const registry = new MemoryTrustRegistry();
  await registry.register({ did: api.did, keys: api });
  const agents = await Promise.all(
    callers.map(async (pkcs8) => {
      const imported = await Agent.importIdentity({ pkcs8: Buffer.from(pkcs8, 'base64'), registry });
      if (!imported.ok) throw imported.error;
      return imported.value;
    }),
  );
  return {
    async signed(number) {
      const target = `/orders/${number}`;
      const envelope = await agents[Math.floor(number / 3) % agents.length].createRequest({
        to: api.did,
        scope: 'orders:read',
        request: requestBinding('GET', target),
        signedOnly: true,
      });
      return request(target, { Authorization: xlinkAuthorization(envelope) });
    },
    withKey: (number) => request(`/orders/${number}`, { 'X-API-Key': 'key of globex' }),
  };
}

const request = (target, headers) => ({ target, headers, bytes: httpRequest('GET', target, headers) });
