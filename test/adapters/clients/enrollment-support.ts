import { expect } from '@jest/globals';
import type { Agent } from '@private.me/xlink';
import type { RefusalText, Sent } from '../../support/http.js';
import { World } from '../../support/world.js';

export async function made(setup: object = {}, forApi: object = {}) {
  const world = new World();
  const api = await world.agent('api', { postQuantumSig: true, ...forApi });
  const service = await world.serve({ agent: api, clock: world.clock, clients: world.clients, ...setup });
  /** Enrolls and expects it to be refused, with nothing left behind. */
  const refused = async (sent: Sent | Promise<Sent>, refusal: RefusalText, { did }: Agent) => {
    const answer = await service.refused(sent, refusal);
    expect([world.registry.lookup(did), world.clients.clientOf(did)]).toEqual([undefined, undefined]);
    return answer;
  };
  return { world, clock: world.clock, api, service, refused };
}
