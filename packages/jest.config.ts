/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';
import root from '../jest.config.ts';

// Tests of the wings run as those of the root do: on the sources. What they start as a program must be built.
const { transform = {}, moduleNameMapper = {}, ...settings } = root;
const fromHere = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll('<rootDir>', '<rootDir>/..'));

const config: Config = {
  ...settings,
  ...fromHere({ transform, moduleNameMapper }),
  reporters: ['default', '<rootDir>/../scripts/jest-reporter.mjs'],
  globalSetup: '<rootDir>/../scripts/build-page.mjs',
  testMatch: ['<rootDir>/*/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  modulePathIgnorePatterns: [],
  collectCoverageFrom: ['<rootDir>/*/src/**/*.ts'],
};

export default config;
