import { afterEach, jest } from '@jest/globals';
import {
  type ClientActivity,
  DualModeAdapter,
  type DualModeOptions,
  MigrationPlan,
  type MigrationPlanOptions,
  type Mode,
  type ModeEvent,
  type XlinkEvent,
} from '@private.me/xlink';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';

/** A plan for an adapter in `mode`, and traffic of clients as it shows up in the store. */
export async function made(
  mode: Mode,
  options: Partial<MigrationPlanOptions> = {},
  more: Partial<DualModeOptions> = {},
) {
  const world = new World();
  const { clock } = world;
  const store = breakable(world.clients);
  const events: XlinkEvent[] = [];
  const adapter = new DualModeAdapter({
    agent: await world.agent('api'),
    legacyKeyValidator: () => null,
    mode,
    clients: store,
    clock,
    observers: [(event) => void events.push(event)],
    ...more,
  });
  const plan = new MigrationPlan({ adapter, clock, ...options });
  /** What clients did since the last call. */
  const traffic = (client: string, { key = 0, xlink = 0, failures = {} as Record<string, number> }) => {
    const activity: ClientActivity = {
      client,
      keyRequests: key,
      xlinkRequests: xlink,
      failures,
      ...(key > 0 ? { lastKeyUse: clock() } : {}),
      ...(xlink > 0 ? { lastXlinkUse: clock() } : {}),
    };
    world.clients.add([activity]);
  };
  const steps = () =>
    events
      .filter((event): event is ModeEvent => event.type === 'mode')
      .slice(1)
      .map(({ from, to, reason }) => `${from} > ${to}: ${reason}`);
  return { world, clock, store, adapter, plan, traffic, steps, events };
}

afterEach(() => {
  jest.useRealTimers();
});
