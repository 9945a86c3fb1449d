import { describe, expect, test } from '@jest/globals';
import { BoundedMap } from '../../src/util/bounded-map.js';
import { seededRandom } from '../support/random.js';

const filled = (capacity: number, count: number) => {
  const map = new BoundedMap<number, string>(capacity);
  for (let i = 0; i < count; i++) map.set(i, `value ${i}`);
  return map;
};

describe('a bounded map', () => {
  test('returns what was set, also for the same key twice', () => {
    const map = filled(3, 2);
    map.set(1, 'new');
    expect([map.get(0), map.get(1), map.get(2)]).toEqual(['value 0', 'new', undefined]);
    expect(map.size).toBe(2);
  });

  test('never holds more than its capacity', () => {
    const map = new BoundedMap<number, number>(10);
    for (let i = 0; i < 1000; i++) {
      map.set(i, i);
      expect(map.size).toBe(Math.min(i + 1, 10));
    }
    expect(Array.from({ length: 1000 }, (_, i) => map.get(i)).filter((value) => value !== undefined)).toEqual(
      [990, 991, 992, 993, 994, 995, 996, 997, 998, 999],
    );
  });

  test('forgets the one used longest ago: a key that is read stays', () => {
    const map = filled(3, 3);
    map.get(0);
    map.set(3, 'value 3');
    expect([map.get(0), map.get(1)]).toEqual(['value 0', undefined]);
  });

  test('forgets the one used longest ago: a key that is set again stays', () => {
    const map = filled(3, 3);
    map.set(0, 'again');
    map.set(3, 'value 3');
    expect([map.get(0), map.get(1)]).toEqual(['again', undefined]);
  });

  test('keeps what is in use through a flood', () => {
    const map = filled(100, 1);
    for (let i = 1; i < 10_000; i++) {
      map.set(i, 'flood');
      map.get(0);
    }
    expect(map.get(0)).toBe('value 0');
  });

  test('forgets what is deleted', () => {
    const map = filled(3, 3);
    expect([map.delete(1), map.delete(1), map.get(1), map.size]).toEqual([true, false, undefined, 2]);
  });

  test('holds what a list sorted by last use would hold, whatever is done with it', () => {
    const { below } = seededRandom(2026);
    for (const capacity of [1, 2, 3, 7, 40]) {
      const map = new BoundedMap<number, number>(capacity);
      let used: number[] = []; // the one used longest ago first; all keys are used in the order in which they are read or set
      for (let step = 0; step < 4000; step++) {
        const key = below(capacity * 2);
        const what = below(10) / 10;
        if (what < 0.6) {
          map.set(key, key);
          used = [...used.filter((one) => one !== key), key].slice(-capacity);
        } else if (what < 0.8) {
          const isKept = used.includes(key);
          expect(map.get(key)).toBe(isKept ? key : undefined);
          if (isKept && used.length > capacity / 2) used = [...used.filter((one) => one !== key), key];
        } else if (what < 0.9) {
          expect(map.delete(key)).toBe(used.includes(key));
          used = used.filter((one) => one !== key);
        }
        expect(map.size).toBe(used.length);
      }
    }
  });
});
