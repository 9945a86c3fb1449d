import { afterEach } from '@jest/globals';
import {
  type ClientStore,
  DualModeAdapter,
  MigrationPlan,
  type MigrationPlanOptions,
  type Mode,
  type ModeEvent,
  type ModeStore,
  SharedMode,
  type XlinkEvent,
} from '@private.me/xlink';
import { until } from '../../support/until.js';
import type { World } from '../../support/world.js';

/** How long nothing may be heard of a change. */
export const SOON_MS = 1000;

/** The identity of the API, which all of its instances have. */
const agents = new WeakMap<World, ReturnType<World['agent']>>();
export const apiOf = (world: World) => {
  const agent = agents.get(world) ?? world.agent('api');
  agents.set(world, agent);
  return agent;
};

const running = new Set<{ stop(): void }>();
afterEach(stopAll);

/** Stops what instances run. Before their connections are closed: `end()` of a pool waits for the one that listens. */
export function stopAll(): void {
  for (const one of running) one.stop();
  running.clear();
}

/** An instance of the API: an adapter, the shared mode, and a plan that is evaluated by hand. */
export async function instance(
  world: World,
  store: ModeStore,
  {
    mode = 'hybrid' as Mode,
    clients = world.clients as ClientStore,
    intervalMs = 60_000,
    plan = {} as Partial<MigrationPlanOptions>,
  } = {},
) {
  const { clock } = world;
  const events: XlinkEvent[] = [];
  const adapter = new DualModeAdapter({
    agent: await apiOf(world),
    legacyKeyValidator: () => null,
    mode,
    clients,
    clock,
    observers: [(event) => void events.push(event)],
  });
  const shared = new SharedMode({ adapter, store, clock, intervalMs });
  running.add(shared);
  const changes = () =>
    events
      .filter((event): event is ModeEvent => event.type === 'mode' && event.from !== undefined)
      .map(({ from, to, reason }) => `${from} > ${to}${reason === undefined ? '' : `: ${reason}`}`);
  const faults = () => events.flatMap((event) => (event.type === 'fault' ? [event.error.id] : []));
  return {
    adapter,
    shared,
    changes,
    faults,
    plan: new MigrationPlan({ adapter, sharedMode: shared, clock, auto: true, ...plan }),
  };
}

export type Instance = Awaited<ReturnType<typeof instance>>;

export const modesOf = (instances: readonly Instance[]): Mode[] =>
  instances.map(({ adapter }) => adapter.mode);

/** Resolves to the ms it took until all are in the mode. */
export async function followed(
  instances: readonly Instance[],
  mode: Mode,
  withinMs = SOON_MS,
): Promise<number> {
  const began = performance.now();
  await until(() => modesOf(instances).every((one) => one === mode), { withinMs, what: `all in ${mode}` });
  return performance.now() - began;
}
