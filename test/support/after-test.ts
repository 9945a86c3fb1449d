import { afterEach } from '@jest/globals';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Closes something once the test is over; what was opened last is closed first. */
export const afterTest = (close: () => unknown): void => void closers.push(close);
