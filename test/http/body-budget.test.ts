import { expect, test } from '@jest/globals';
import { BodyBudget } from '../../src/http/body-budget.js';
import { thrownBy } from '../support/results.js';

const KIB = 1024;
const refusalOf = async (budget: BodyBudget, address: string, bytes: number) =>
  (await thrownBy(() => budget.take(address, bytes))).id;

/** Takes 1 KiB at a time until there is no more, and returns how often that worked. */
function fill(budget: BodyBudget, address: string): number {
  for (let taken = 0; ; taken++) {
    try {
      budget.take(address, KIB);
    } catch {
      return taken;
    }
  }
}

test('an address alone gets half of the room, and the others share what is left by the same rule', () => {
  const budget = new BodyBudget(128 * KIB);
  expect(fill(budget, '192.0.2.1')).toBe(64);
  expect(fill(budget, '192.0.2.2')).toBe(32);
  expect(fill(budget, '192.0.2.3')).toBe(16);
  expect(budget.held).toBe(112 * KIB);
  const last = Array.from({ length: 20 }, (_, at) => fill(budget, `198.51.100.${at}`));
  expect(last.slice(0, 5)).toEqual([8, 4, 2, 1, 0]); // those that hold theirs leave little to the last, as operations.md says
});

test('whoever came first, those who go on sending end up with about a fifth of the room each', () => {
  const budget = new BodyBudget(100 * KIB);
  const held = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map((address) => {
    const releases: (() => void)[] = [];
    const take = () => {
      try {
        releases.push(budget.take(address, KIB));
      } catch {
        // full for now
      }
    };
    return { releases, take };
  });
  for (const { take } of held) for (let i = 0; i < 100; i++) take();
  for (let round = 0; round < 100; round++) {
    for (const { releases } of held) releases.shift()?.();
    for (const { take } of [...held, ...held]) take();
  }
  const shares = held.map(({ releases }) => releases.length);
  expect([Math.min(...shares) >= 18, Math.max(...shares) <= 24]).toEqual([true, true]);
});

test('an address whose share is full is told that it is its own share', async () => {
  const budget = new BodyBudget(8 * KIB);
  fill(budget, '192.0.2.1');
  expect(await refusalOf(budget, '192.0.2.1', KIB)).toBe('INTAKE_FULL:ADDRESS');
  expect(await refusalOf(budget, '192.0.2.2', 4 * KIB)).toBe('INTAKE_FULL');
});

test('room that is given back, once or twice, is there once', async () => {
  const budget = new BodyBudget(4 * KIB);
  const give = budget.take('192.0.2.1', 2 * KIB);
  expect(await refusalOf(budget, '192.0.2.1', KIB)).toBe('INTAKE_FULL:ADDRESS');
  give();
  give();
  expect(budget.held).toBe(0);
  expect(fill(budget, '192.0.2.1')).toBe(2);
});

test('a request without a byte takes room, too, so that their number is bounded', async () => {
  const budget = new BodyBudget(64 * KIB);
  for (let i = 0; i < 32; i++) budget.take('192.0.2.1', 0);
  expect(await refusalOf(budget, '192.0.2.1', 0)).toBe('INTAKE_FULL:ADDRESS');
});
