import type { Agent, DualModeOptions } from '@private.me/xlink';
import { ACME, BOLT } from '../support/http.js';
import type { Stage, StagedService } from '../support/stages/stages.js';
import { World } from '../support/world.js';

const CLIENTS: Record<string, object> = {
  [ACME]: { clientId: 'acme', scopes: ['orders:read'] },
  [BOLT]: { clientId: 'bolt', scopes: [] },
};

export interface EventStage {
  readonly world: World;
  readonly api: Agent;
  readonly caller: Agent;
  readonly device: Agent;
  readonly service: StagedService;
}

/** An API with a route that is guarded by a scope, and whoever talks to it. */
export async function stage(framework: Stage, options: Partial<DualModeOptions> = {}): Promise<EventStage> {
  const world = new World();
  const [api, caller] = [await world.agent('api'), await world.agent('caller')];
  const device = await world.stranger('device');
  const service = await framework.serve(
    world,
    {
      agent: api,
      clock: world.clock,
      clients: world.clients,
      legacyKeyValidator: (key) => CLIENTS[key] ?? null,
      skip: ({ target }) => target === '/health',
      ...options,
    },
    { guard: { name: { scope: 'orders:write' }, path: '/guarded' } },
  );
  return { world, api, caller, device, service };
}
