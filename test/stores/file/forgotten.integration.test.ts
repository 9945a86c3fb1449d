import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { temporaryFolder } from '../../support/temporary-folder.js';

const run = promisify(execFile);

test('files of stores that nobody holds stay open: Node closes what it collects with a warning, and from 26 on ends the process', async () => {
  const folder = await temporaryFolder();
  const program = join(folder, 'forgotten.mjs');
  const entry = fileURLToPath(new URL('forgotten-stores.ts', import.meta.url));
  await build({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'esm' });
  const { stdout, stderr } = await run(process.execPath, ['--expose-gc', program, join(folder, 'state')]);
  expect(stderr).toBe('');
  expect(stdout).toBe('10 agent,clients\n'); // five stores, with a journal and its head each
});
