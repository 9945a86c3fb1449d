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
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/../scripts/jest-reporter.mjs'],
};

export default config;
