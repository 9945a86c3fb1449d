import { describe, expect, test } from '@jest/globals';
import { DualModeAdapter, type DualModeOptions, type XlinkEvent } from '@private.me/xlink';
import { NOON } from '../support/clock.js';
import { World } from '../support/world.js';

async function made(more: Partial<DualModeOptions> = {}) {
  const adapter = new DualModeAdapter({
    agent: await new World().agent('api'),
    legacyKeyValidator: () => null,
    mode: 'hybrid',
    ...more,
  });
  const seen: XlinkEvent[] = [];
  return { adapter, seen, note: (event: XlinkEvent) => void seen.push(event) };
}

describe('an observer that comes later', () => {
  test('hears the present mode first, and from then on what all others hear', async () => {
    const first: XlinkEvent[] = [];
    const { adapter, seen, note } = await made({ observers: [(event) => void first.push(event)] });
    adapter.setMode('deprecation');
    adapter.observe(note);
    adapter.setMode('hybrid', 'too early');
    expect(seen).toEqual([
      { type: 'mode', to: 'deprecation', since: expect.any(Number) },
      { type: 'mode', from: 'deprecation', to: 'hybrid', reason: 'too early' },
    ]);
    expect(first).toEqual([
      { type: 'mode', to: 'hybrid' },
      { type: 'mode', from: 'hybrid', to: 'deprecation' },
      seen[1],
    ]);
  });

  test('hears nothing more once it is stopped; others still do', async () => {
    const { adapter, seen, note } = await made();
    const others: XlinkEvent[] = [];
    const stop = adapter.observe(note);
    adapter.observe((event) => void others.push(event));
    stop();
    stop();
    adapter.setMode('observe');
    expect(seen).toHaveLength(1);
    expect(others).toHaveLength(2);
  });

  test('that is added twice is told twice, and stopped one by one', async () => {
    const { adapter, seen, note } = await made();
    const [stopOne] = [adapter.observe(note), adapter.observe(note)];
    adapter.setMode('observe');
    stopOne();
    adapter.setMode('hybrid');
    expect(seen).toHaveLength(2 + 2 + 1);
  });

  test('may stop itself while it is told, and may throw, without harm to the next one', async () => {
    const { adapter, seen, note } = await made();
    let calls = 0;
    let stop = (): void => {};
    stop = adapter.observe(() => {
      calls += 1;
      stop();
    });
    adapter.observe(() => {
      throw new Error('broken');
    });
    adapter.observe(note);
    adapter.setMode('observe');
    adapter.setMode('hybrid');
    expect(calls).toBe(2);
    expect(seen).toHaveLength(3);
  });

  test('is told the sunset that was announced', async () => {
    const { adapter, seen, note } = await made({ deprecation: { sunset: new Date(NOON) } });
    adapter.observe(note);
    adapter.setMode('deprecation');
    expect(seen).toEqual([
      { type: 'mode', to: 'hybrid', sunset: NOON },
      { type: 'mode', from: 'hybrid', to: 'deprecation', sunset: NOON },
    ]);
  });
});
