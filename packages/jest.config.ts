/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';
import { shared } from '../jest.config.ts';

// Tests of the wings run as those of the root do: on the sources. What they start as a program must be built.
const fromHere = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll('<rootDir>', '<rootDir>/..'));

/** CI has half an hour. What takes longest of the young packages runs by `npm run test:wings` alone. */
const NOT_IN_CI = [
  'mesh/test/signal/(crash|network|stores)',
  'mesh/test/noise/bad-datagrams',
  'mesh-mls/test/(hostile|recovery|scale|federated)',
  'xfuse/test/(fusion-bad|bridge-modern-fails|passkey|browser|fusion-instances)',
  'xlock/test/(races|relay|command|paper|stores)',
];

const config: Config = {
  ...fromHere(shared),
  testMatch: ['<rootDir>/*/test/**/*.test.ts'],
  modulePathIgnorePatterns: [],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env['CI'] && process.env['SCALE'] !== 'full' ? NOT_IN_CI : []),
  ],
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/../scripts/jest-reporter.mjs'],
};

export default config;
