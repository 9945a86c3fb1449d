import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BuiltPackage } from '../../support/built-package.js';
import { copyExample } from './processes.js';
import { installStripe, PURCHASE } from './stripe-package.js';

const run = promisify(execFile);

installStripe();

let copy: BuiltPackage;
let folder: string;
beforeAll(() => {
  copy = new BuiltPackage();
  folder = copyExample(copy);
}, 120_000);
afterAll(() => copy?.remove());

test('the demo buys in all ways and ends well, with the lines that the README shows', async () => {
  const { stdout } = await run(process.execPath, [join(folder, 'demo.mjs')]);
  const readme = readFileSync(join(PURCHASE, 'README.md'), 'utf8');
  const [, shown] = /```text\n([^`]+)```/.exec(readme)!;
  expect(timeless(stdout)).toEqual(timeless(shown!));
});

/** Lines without what differs between two runs. */
const timeless = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/conn_[0-9a-f-]+/, 'conn_…')
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
        .replace(/agent-z\w+/, 'agent-z…'),
    );

test('what the example installs is not published with the package', async () => {
  const root = join(PURCHASE, '../..');
  const { stdout } = await run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: root,
    maxBuffer: 2 ** 26,
  });
  expect(stdout).toContain('examples/purchase/app.mjs');
  expect(stdout).not.toContain('node_modules');
});

test('the README and the package agree on how to run it', () => {
  const readme = readFileSync(join(PURCHASE, 'README.md'), 'utf8');
  const [, commands] = /```sh\n([^`]+)```/.exec(readme)!;
  expect(commands!.trim().split('\n')).toEqual([
    'npm ci --prefix examples/purchase',
    'node examples/purchase/demo.mjs',
  ]);
});
