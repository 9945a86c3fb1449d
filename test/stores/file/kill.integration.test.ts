import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { scaled } from '../../scale/scale.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { FILE_STORES } from './all-stores.js';
import { killed, type Writer } from './killed-writer.js';

// FileTrustRegistry has a longer form of its own: trust-registry-crash.integration.test.ts.

const ROUNDS = scaled(500, 12);
/** Then another file, or reading it would take most of the time. */
const ROUNDS_A_FILE = 25;
/** Writes that are under way at the same time; a mode is written one at a time, and so are keys. */
const widthOf = (name: string): number => (['FileModeStore', 'FileKeyStore'].includes(name) ? 1 : 3);

const suite = mkdtempSync(join(tmpdir(), 'xlink-kill-'));
const writer = join(suite, 'writer.mjs');
beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL('all-stores-writer.ts', import.meta.url))],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  }),
);
afterAll(() => rmSync(suite, { recursive: true }));

const startWriter = (name: string, path: string): Writer =>
  spawn(process.execPath, [writer, name, path, `${widthOf(name)}`], { stdio: ['ignore', 'pipe', 'pipe'] });

describe.each(FILE_STORES)('$name', ({ name, open }) => {
  test(`[E15] ${ROUNDS} times killed while it writes, it has lost nothing it acknowledged and left nothing behind`, async () => {
    for (let round = 0; round < ROUNDS; round += ROUNDS_A_FILE) {
      const folder = await temporaryFolder();
      const path = join(folder, 'state');
      let before = 0;
      for (let again = round; again < Math.min(ROUNDS, round + ROUNDS_A_FILE); again++) {
        const acknowledged = await killed(startWriter(name, path), Math.random() * 12);
        const store = await open({ path, lockWaitMs: 0 });
        const found = await store.last();
        await store.close();
        expect(acknowledged).toBeGreaterThan(before);
        expect(found).toBeGreaterThanOrEqual(acknowledged);
        expect(found).toBeLessThanOrEqual(acknowledged + 2 * widthOf(name));
        before = found;
      }
      const names = (await readdir(folder)).map((each) => each.replace(/\d+$/, 'N'));
      expect(names.sort()).toEqual(['state', 'state.head', 'state.lock-N']);
    }
  }, 1_200_000);
});
