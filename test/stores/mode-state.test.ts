import { describe, expect, test } from '@jest/globals';
import { assertModeState, type ModeState } from '../../src/adapters/modes/store.js';

describe('the state of a mode, before it is stored', () => {
  test('one that can be loaded again passes', () => {
    expect(() => assertModeState({ mode: 'hybrid', since: 1, reason: 'week 1' })).not.toThrow();
  });

  test.each([
    ['a mode that does not exist', { mode: 'off', since: 1 }],
    ['a reason that is no text', { mode: 'hybrid', since: 1, reason: { client: 'acme' } }],
    ['a time that is none', { mode: 'hybrid', since: Number.NaN }],
  ])('refused: %s', (_, state) => {
    expect(() => assertModeState(state as unknown as ModeState)).toThrow(TypeError);
  });
});
