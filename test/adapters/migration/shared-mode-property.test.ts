// Any interleaving of changes, reads, lost and restored stores, cut connections and restarts, of three instances.

import { expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, type Mode, type ModeStore, SharedMode } from '@private.me/xlink';
import type { ModeState, StoredMode } from '@private.me/xlink/server';
import { NOON } from '../../support/clock.js';
import { type SeededRandom, seededRandom } from '../../support/random.js';

const ROUNDS = process.env['SCALE'] === 'full' ? 20_000 : 600;
const STEPS = 40;
const MODES: readonly Mode[] = ['observe', 'hybrid', 'deprecation', 'xlink-only'];

/** What the instances share. It can lose everything, or be put back to how it was. */
class Backend {
  stored: StoredMode | undefined;
  readonly #copies: (StoredMode | undefined)[] = [undefined];

  copy(): void {
    this.#copies.push(this.stored);
  }

  restore(random: SeededRandom): void {
    this.stored = random.pick(this.#copies);
  }
}

/** One instance's connection to it. `cut`: nothing gets through; `deaf`: a write gets through, its answer does not. */
class Connection implements ModeStore {
  state: 'up' | 'cut' | 'deaf' = 'up';
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  load(): StoredMode | undefined {
    if (this.state === 'cut') throw new Error('connection refused');
    return this.#backend.stored;
  }

  save(state: ModeState, expectedVersion: number): boolean {
    if (this.state === 'cut') throw new Error('connection refused');
    if ((this.#backend.stored?.version ?? 0) !== expectedVersion) return false;
    this.#backend.stored = { ...state, version: expectedVersion + 1 };
    if (this.state === 'deaf') throw new Error('the answer was lost');
    return true;
  }
}

const agent = await Agent.quickstart({ name: 'api' });

class Instance {
  readonly connection: Connection;
  readonly skewMs: number;
  readonly #now: () => number;
  adapter!: DualModeAdapter;
  shared!: SharedMode;

  constructor(backend: Backend, now: () => number, skewMs: number) {
    this.connection = new Connection(backend);
    this.skewMs = skewMs;
    this.#now = now;
  }

  /** A deploy: whatever it knew is gone, and its option says `mode`. Fails while it is cut off, as a start does. */
  async restart(mode: Mode): Promise<void> {
    this.shared?.stop();
    const clock = () => this.#now() + this.skewMs;
    this.adapter = new DualModeAdapter({ agent, legacyKeyValidator: () => null, mode, clock });
    this.shared = new SharedMode({
      adapter: this.adapter,
      store: this.connection,
      clock,
      intervalMs: 3_600_000,
    });
    await this.shared.start();
  }
}

/** The number of a change is its reason, so it can be found wherever it is. */
const numberOf = (reason: string | undefined): number => Number(/\d+$/.exec(reason ?? '')?.[0] ?? 0);

async function play(seed: number, skewed: boolean) {
  const random = seededRandom(seed);
  let now = NOON;
  const backend = new Backend();
  const skew = () => (skewed ? random.below(60_000) - 30_000 : 0);
  const instances = [0, 1, 2].map(() => new Instance(backend, () => now, skew()));
  for (const one of instances) await one.restart('hybrid');
  /** What each instance, and the store, knows as the latest change: its number, and the changes that were known when it was made. */
  const changes = new Map<number, { mode: Mode; after: number }>([[0, { mode: 'hybrid', after: 0 }]]);
  const known = new Map<Instance, number>(instances.map((one) => [one, 0]));
  const learn = (one: Instance) => known.set(one, numberOf(one.shared.latest?.reason));
  let count = 0;

  for (let step = 0; step < STEPS; step++) {
    now += 1 + random.below(5000);
    const one = random.pick(instances);
    const act = random.pick([
      'set',
      'set',
      'load',
      'load',
      'cut',
      'heal',
      'deaf',
      'copy',
      'lose',
      'restore',
      'restart',
    ]);
    if (act === 'set') {
      count += 1;
      const mode = random.pick(MODES.filter((other) => other !== one.adapter.mode));
      changes.set(count, { mode, after: known.get(one)! });
      await one.shared.setMode(mode, `change ${count}`).catch(() => {});
    } else if (act === 'load') await one.shared.refresh().catch(() => {});
    else if (act === 'cut' || act === 'deaf') one.connection.state = act;
    else if (act === 'heal') one.connection.state = 'up';
    else if (act === 'copy') backend.copy();
    else if (act === 'lose') backend.stored = undefined;
    else if (act === 'restore') backend.restore(random);
    else if (one.connection.state === 'up') await one.restart('observe');
    learn(one);
  }

  const survivors = new Set([...known.values(), numberOf(backend.stored?.reason)]);
  for (const one of instances) one.connection.state = 'up';
  for (let round = 0; round < 3; round++) for (const one of instances) await one.shared.refresh();
  for (const one of instances) one.shared.stop();
  return { instances, changes, survivors, final: backend.stored };
}

/** Whether `later` was made by somebody who knew of `earlier`. */
function knewOf(changes: ReadonlyMap<number, { after: number }>, later: number, earlier: number): boolean {
  for (let at = later; at > 0; at = changes.get(at)!.after)
    if (changes.get(at)!.after === earlier) return true;
  return false;
}

test(`[E12] with equal clocks the last change that anybody still knows counts, in ${ROUNDS} interleavings`, async () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const { instances, changes, survivors, final } = await play(seed, false);
    const last = Math.max(...survivors);
    const found = {
      seed,
      number: numberOf(final?.reason),
      modes: instances.map(({ adapter }) => adapter.mode),
    };
    const mode = last === 0 ? final!.mode : changes.get(last)!.mode;
    expect(found).toEqual({ seed, number: last, modes: [mode, mode, mode] });
  }
}, 600_000);

test(`[E12] with clocks up to 30 s apart no change takes back one that was made after it and knew of it, in ${ROUNDS} interleavings`, async () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const { instances, changes, survivors, final } = await play(seed, true);
    const number = numberOf(final?.reason);
    expect({ seed, survived: survivors.has(number) }).toEqual({ seed, survived: true });
    const overruled = [...survivors].filter((one) => knewOf(changes, one, number));
    expect({ seed, overruled }).toEqual({ seed, overruled: [] });
    expect({ seed, modes: new Set(instances.map(({ adapter }) => adapter.mode)).size }).toEqual({
      seed,
      modes: 1,
    });
  }
}, 600_000);
