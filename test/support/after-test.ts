import { afterAll, afterEach } from '@jest/globals';

const closers: (() => unknown)[] = [];

async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}
afterEach(closeAll);
afterAll(closeAll); // what hooks opened

/** Closes something once the test is over; what was opened last is closed first. */
export const afterTest = (close: () => unknown): void => void closers.push(close);
