import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('docs/errors.md', () => {
  test('is what the generator makes of the table', () => {
    const { status, stderr } = spawnSync('node', ['scripts/generate-error-docs.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });
});
