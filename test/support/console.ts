import { format } from 'node:util';
import { afterEach, beforeEach, jest } from '@jest/globals';

/** What the test has printed so far. Whoever imports this gets a console that prints nothing. */
export const printed: string[] = [];

beforeEach(() => {
  printed.length = 0;
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    jest.spyOn(console, method).mockImplementation((...args) => void printed.push(format(...args)));
});

afterEach(() => {
  jest.restoreAllMocks();
});
