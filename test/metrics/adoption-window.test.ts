import { describe, expect, test } from '@jest/globals';
import { AdoptionWindow } from '../../src/metrics/adoption-window.js';
import { frozenClock } from '../support/clock.js';

const WINDOW_MS = 300_000;
const SLOT_MS = WINDOW_MS / 10;

function setup(start?: number) {
  const clock = frozenClock(start);
  const window = new AdoptionWindow(WINDOW_MS, clock);
  const count = (xlink: number, apiKey: number) => {
    for (let i = 0; i < xlink; i++) window.count(true);
    for (let i = 0; i < apiKey; i++) window.count(false);
  };
  return { clock, window, count };
}

describe('AdoptionWindow', () => {
  test('is NaN while it is empty', () => {
    expect(setup().window.ratio()).toBeNaN();
  });

  test.each([
    [1, 0, 1],
    [0, 1, 0],
    [1, 3, 0.25],
    [2, 1, 2 / 3],
  ])('of %d with an envelope and %d with a key is %d', (xlink, apiKey, ratio) => {
    const { window, count } = setup();
    count(xlink, apiKey);
    expect(window.ratio()).toBe(ratio);
  });

  test('adds up what came over the whole window', () => {
    const { clock, window, count } = setup();
    for (let slot = 0; slot < 10; slot++) {
      count(slot < 5 ? 1 : 0, 1);
      clock.advance(slot < 9 ? SLOT_MS : 0);
    }
    expect(window.ratio()).toBe(5 / 15);
  });

  test('forgets slot by slot', () => {
    const { clock, window, count } = setup();
    count(3, 0);
    clock.advance(SLOT_MS);
    count(0, 1);
    clock.advance(8 * SLOT_MS);
    expect(window.ratio()).toBe(3 / 4);
    clock.advance(SLOT_MS);
    expect(window.ratio()).toBe(0);
    clock.advance(SLOT_MS);
    expect(window.ratio()).toBeNaN();
  });

  test('remembers for no less than nine tenths of the window and no more than all of it', () => {
    for (const into of [0, 1, SLOT_MS - 1]) {
      const start = 1_000 * SLOT_MS + into;
      const { clock, window, count } = setup(start);
      count(1, 0);
      clock.advance(0.9 * WINDOW_MS - into);
      expect(window.ratio()).toBe(1);
      clock.advance(SLOT_MS);
      expect(window.ratio()).toBeNaN();
    }
  });

  test('starts a slot afresh when it is used again', () => {
    const { clock, window, count } = setup();
    count(5, 0);
    clock.advance(WINDOW_MS);
    count(0, 1);
    expect(window.ratio()).toBe(0);
  });

  test('is empty after a pause of any length', () => {
    for (const pause of [WINDOW_MS, 7 * WINDOW_MS + 1, 365 * 86_400_000]) {
      const { clock, window, count } = setup();
      count(1, 1);
      clock.advance(pause);
      expect(window.ratio()).toBeNaN();
    }
  });

  test('keeps counting when the clock is set back', () => {
    const { clock, window, count } = setup();
    count(1, 0);
    clock.advance(-2 * SLOT_MS);
    count(0, 1);
    expect(window.ratio()).toBe(0.5);
  });

  test('takes windows that do not divide by ten', () => {
    const clock = frozenClock(12_345);
    const window = new AdoptionWindow(1001, clock);
    window.count(true);
    clock.advance(900);
    expect(window.ratio()).toBe(1);
    clock.advance(102);
    expect(window.ratio()).toBeNaN();
  });
});
