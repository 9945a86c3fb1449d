import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { afterTest } from './support.js';

const demo = fileURLToPath(new URL('../demo/run.mjs', import.meta.url));
const built = ['../dist/index.js', '../../mesh-mls/dist/index.js', '../../cli/dist/xlink.js'].map((file) =>
  fileURLToPath(new URL(file, import.meta.url)),
);

test('twelve agents do what the decision matrix says', async () => {
  for (const file of built)
    if (!existsSync(file)) throw new Error(`Build the packages first: ${file} is missing.`);
  const child = spawn(process.execPath, [demo, '--check'], { stdio: ['ignore', 'pipe', 'pipe'] });
  afterTest(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(output);
  expect(output).toMatch(/9 of 9 rows as the matrix has them/);
  expect(output.match(/as it should be/g)).toHaveLength(9);
}, 300_000);
