import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { onAbort } from '../../src/util/on-abort.js';

test('any number may wait on one signal, which has one listener; who took it back is not called', () => {
  const controller = new AbortController();
  const called: number[] = [];
  const takeBack = Array.from({ length: 30 }, (_, n) =>
    onAbort(controller.signal, () => void called.push(n)),
  );
  expect(getEventListeners(controller.signal, 'abort').length).toBe(1);
  for (const each of takeBack.slice(2)) each();
  controller.abort();
  expect(called).toEqual([0, 1]);
});

test('a signal that is waited on no more has no listener, and may be waited on again', () => {
  const controller = new AbortController();
  const first = onAbort(controller.signal, () => {});
  const second = onAbort(controller.signal, () => {});
  first();
  expect(getEventListeners(controller.signal, 'abort').length).toBe(1);
  second();
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  let called = 0;
  onAbort(controller.signal, () => called++);
  first(); // once more changes nothing
  controller.abort();
  expect(called).toBe(1);
});
