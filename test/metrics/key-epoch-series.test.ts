import { describe, expect, test } from '@jest/globals';
import { METRICS } from '@private.me/xlink/metrics';
import { linesOf, observed } from './support.js';

const NAMES = [METRICS.keyEpochAge.name, METRICS.keyEpochRotation.name];

describe('the key epoch', () => {
  test('shows nothing without a key store', async () => {
    const { register } = observed([{ type: 'mode', to: 'hybrid' }]);
    for (const name of NAMES) expect(await linesOf(register, name)).toEqual([]);
  });

  test('ages from scrape to scrape; a rotation that is overdue is below zero; a new epoch begins anew', async () => {
    const { register, observe } = observed();
    const values = async () => {
      const lines = await Promise.all(NAMES.map((name) => linesOf(register, name)));
      return lines.map(([line]) => Number(line));
    };
    const now = Date.now();
    observe({ type: 'key-epoch', keyEpoch: 1, since: now - 7_260_000, rotatesAt: now - 60_000 });
    const [age, rotation] = await values();
    expect([Math.round(age!), Math.round(rotation!)]).toEqual([7260, -60]);
    // By the clock that is asked for the ages: a timer may be early by that.
    for (const until = Date.now() + 25; Date.now() < until; )
      await new Promise((resolve) => setTimeout(resolve, 5));
    const later = await values();
    expect([later[0]! >= age! + 0.02, later[1]! <= rotation! - 0.02]).toEqual([true, true]);
    observe({ type: 'key-epoch', keyEpoch: 2, since: Date.now(), rotatesAt: Date.now() + 7_200_000 });
    const fresh = await values();
    expect([Math.round(fresh[0]!), Math.round(fresh[1]!)]).toEqual([0, 7200]);
  });
});
