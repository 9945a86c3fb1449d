import type { ModeStore } from '@private.me/xlink';
import type { StoredMode } from '@private.me/xlink/server';
import { answered, type Model, type Surroundings } from './model.js';

/** A mode that all models of one store change. Make one, and use it with several `step`s at a time. */
export function modeModel(around: Surroundings, store: () => ModeStore): Model {
  const { random, tally, limitMs, name } = around;
  /** Acknowledged: which change made a version. */
  const changes = new Map<number, string>();
  let latest = 0;
  let turn = 0;

  function compare(found: StoredMode | undefined, atLeast: number): void {
    const { version, reason } = found ?? { version: 0, reason: undefined };
    if (version < atLeast) tally.wrong(`${name}: version ${version} after ${atLeast} was acknowledged`);
    const change = changes.get(version);
    if (change !== undefined && change !== reason)
      tally.wrong(`${name}: version ${version} is ${reason} instead of ${change}`);
  }

  return {
    async step() {
      const [from, to, atLeast] = [store(), store(), latest];
      const found = await tally.call(`${name} load`, limitMs, () => from.load());
      if (!found) return;
      compare(found.value, atLeast);
      if (random.below(3) > 0) return;
      const expected = found.value?.version ?? 0;
      const reason = `change ${turn++}`;
      const state = { mode: 'hybrid', since: 1, reason } as const;
      const saved = await tally.call(`${name} save`, limitMs, () => to.save(state, expected));
      if (!saved?.value) return;
      if (changes.has(expected + 1)) tally.wrong(`${name}: version ${expected + 1} was acknowledged twice`);
      changes.set(expected + 1, reason);
      latest = Math.max(latest, expected + 1);
    },
    settle: async () => compare(await answered(around, 'load', () => store().load()), latest),
  };
}
