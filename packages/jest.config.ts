/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';
import { shared } from '../jest.config.ts';

// Tests of the wings run as those of the root do: on the sources. What they start as a program must be built.
const fromHere = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll('<rootDir>', '<rootDir>/..'));

const config: Config = {
  ...fromHere(shared),
  testMatch: ['<rootDir>/*/test/**/*.test.ts'],
  modulePathIgnorePatterns: [],
  testPathIgnorePatterns: ['/node_modules/'],
  // As in the root: both cores, and workers that begin anew before they are slow.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '500MB',
  testSequencer: '<rootDir>/../scripts/jest-sequencer.mjs',
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/../scripts/jest-reporter.mjs'],
};

export default config;
