/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';
import tsconfig from './tsconfig.json' with { type: 'json' };

// Tests run on the sources, so that a fresh clone needs no build.
const sources = Object.entries(tsconfig.compilerOptions.paths).map(([name, [file]]) => [
  `^${name.replaceAll('.', '\\.')}$`,
  file!.replace('./', '<rootDir>/'),
]);

/** What all projects share, those of the wings included. */
export const shared: Config = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/run.mjs',
  globalTeardown: '<rootDir>/test/support/run-end.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/support/turns.mjs'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    ...Object.fromEntries(sources),
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'],
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

const config: Config = {
  // The name of a file says which it is: what opens a port, starts a process or a browser is *.integration.test.ts.
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/!(*.integration).test.ts'],
      testEnvironment: '<rootDir>/test/support/unit-environment.mjs',
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/**/*.integration.test.ts'],
    },
  ] as NonNullable<Config['projects']>,
  // Jest would leave one core idle, which on two cores doubles the time. One more worker than cores makes what is timed fail.
  maxWorkers: '100%',
  // Modules of test files that are over stay in memory, and what follows slows down: late in a run up to tenfold.
  workerIdleMemoryLimit: '500MB',
  testSequencer: '<rootDir>/scripts/jest-sequencer.mjs',
  // Servers are started, killed and waited for; on a busy machine that takes its time. What hangs still fails.
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/scripts/jest-reporter.mjs'],
  coverageProvider: 'v8',
  // What runs in the page is covered by tests in a browser, where nothing is counted.
  collectCoverageFrom: ['src/**/*.ts', '!src/dashboard/page/**'],
};

export default config;
