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
