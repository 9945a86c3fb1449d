import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('the demo goes from 10 % to 100 % and back, and steps back by itself', async () => {
  expect({ built: existsSync(at('../dist/index.js')) }).toEqual({ built: true });
  const { stdout } = await promisify(execFile)(process.execPath, [at('../demo/bridge.mjs'), '--check']);
  expect(stdout).toContain('100 x /total changed: 12.5 -> 13');
  expect(stdout).toContain('0 errors seen by callers');
  expect(stdout.trimEnd()).toMatch(/ok$/);
}, 180_000);
