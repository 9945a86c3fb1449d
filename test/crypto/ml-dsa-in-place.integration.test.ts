import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'xlink-in-place-'));
const bundled = join(folder, 'bundled.mjs'); // outside the repository: noble cannot be found by name
const beside = join(root, `test-output/in-place-${process.pid}.mjs`); // where it can

const program = `
  import { randomBytes } from 'node:crypto';
  import { workerMlDsa65 } from './src/crypto/native/ml-dsa-worker.ts';
  const { signer, verifier } = workerMlDsa65(randomBytes);
  const message = new Uint8Array(8);
  const { publicKey, sign } = await signer(new Uint8Array(32).fill(3));
  const { verify } = await verifier(publicKey);
  const signatures = await Promise.all([sign(message), sign(message)]); // the first finds out, the second waits with it
  const late = await sign(message);
  console.log(JSON.stringify(await Promise.all([...signatures, late].map((one) => verify(message, one)))));
  process.exitCode = (await verify(new Uint8Array(9), late)) ? 1 : 0;
`;

const permission =
  Number(process.versions.node.split('.')[0]) >= 23 ? '--permission' : '--experimental-permission';

describe('ML-DSA in JavaScript where no worker can be had', () => {
  beforeAll(async () => {
    for (const outfile of [bundled, beside])
      await build({
        stdin: { contents: program, resolveDir: root, loader: 'ts' },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile,
      });
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(beside, { force: true });
  });

  test.each([
    ['in a bundle, away from node_modules', bundled, []],
    ['under the permission model, without --allow-worker', beside, [permission, '--allow-fs-read=*']],
    [
      'in a worker that may not read noble',
      beside,
      [permission, `--allow-fs-read=${beside}`, '--allow-worker'],
    ],
  ])('[D3] %s, it signs and verifies on the thread it is called on', (_, file, flags) => {
    const output = execFileSync(process.execPath, ['--no-warnings', ...flags, file], { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual([true, true, true]);
  });

  test('in a program on the command line, whose flags are not those of the thread', () => {
    const flags = ['--no-warnings', '--input-type=module', '-e', `import '${pathToFileURL(beside)}'`];
    expect(JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }))).toEqual([
      true,
      true,
      true,
    ]);
  });
});
