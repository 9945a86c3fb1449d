import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BuiltPackage } from '../support/built-package.js';
import { describeWith } from '../support/needs-program.js';

const benchmarks = fileURLToPath(new URL('../../benchmarks', import.meta.url));
const run = promisify(execFile);
const LIMIT_MS = 300_000;

// As short as they go: what they print means nothing then, but that they still run. `bench:peers` installs packages first, and is not here.
describeWith(['redis-server'], 'the benchmarks run', () => {
  let built: BuiltPackage;
  const output = async (program: string, ...args: string[]) => {
    const file = join(built.folder, 'benchmarks', program);
    return (await run(process.execPath, [file, ...args], { cwd: built.folder, timeout: LIMIT_MS })).stdout;
  };

  beforeAll(() => {
    built = new BuiltPackage();
    const filter = (path: string) => !['node_modules', 'peers'].includes(basename(path));
    cpSync(benchmarks, join(built.folder, 'benchmarks'), { recursive: true, filter });
  }, LIMIT_MS);

  afterAll(() => built?.remove());

  test(
    'bench',
    async () => {
      const text = await output('run.mjs', '--smoke');
      expect(text.match(/^\d+\. /gm)).toHaveLength(10);
      expect(text).not.toMatch(/NaN|undefined/);
    },
    LIMIT_MS,
  );

  test(
    'bench:scale',
    async () => {
      const args = '--seconds 0.3 --processes 1,2 --agents 20 --walks 1'.split(' ');
      const text = await output('scale.mjs', ...args);
      for (const kind of ['API key, by the adapter', 'envelope v2', 'session'])
        for (const processes of [1, 2])
          expect(text).toMatch(new RegExp(`^ +${kind} +${processes} +[\\d,]+ +[\\d.]+ +[\\d,]+`, 'm'));
      expect(text).toMatch(/replayed in no time +37,200 +37,200 /);
      expect(text).not.toMatch(/NaN|undefined/);
    },
    LIMIT_MS,
  );

  test(
    'bench:compare',
    async () => {
      // Two builds that are the same may seem to differ within so short a time.
      const text = await output('compare-builds.mjs', built.folder, '--seconds', '0.3').catch(
        (error: { stdout: string }) => error.stdout,
      );
      expect(text).toMatch(/v3 receive a request, Redis with clients +[\d,]+ +[\d,]+ +[\d.]+/);
    },
    LIMIT_MS,
  );
});
