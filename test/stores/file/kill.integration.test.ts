import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { scaled } from '../../scale/scale.js';
import { temporaryFolder } from '../../transport/servers.js';
import { FILE_STORES } from './all-stores.js';

// FileTrustRegistry has a longer form of its own: trust-registry-crash.integration.test.ts.

const ROUNDS = scaled(500, 12);
/** Writes that are under way at the same time; a mode is written one at a time. */
const widthOf = (name: string): number => (name === 'FileModeStore' ? 1 : 3);

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

/** Lets a process write and kills it some time after what it acknowledged first; tells what it acknowledged last. */
async function writeAndDie(name: string, path: string, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [writer, name, path, `${widthOf(name)}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [acknowledged, complaints] = [0, ''];
  child.stderr.on('data', (chunk) => (complaints += chunk));
  const lines = createInterface(child.stdout);
  lines.once('line', () => setTimeout(() => child.kill('SIGKILL'), delayMs));
  lines.on('line', (line) => {
    acknowledged = Math.max(acknowledged, Number(line));
  });
  const [, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${complaints}`);
  return acknowledged;
}

describe.each(FILE_STORES)('$name', ({ name, open }) => {
  test(`[E15] ${ROUNDS} times killed while it writes, it has lost nothing it acknowledged and left nothing behind`, async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'state');
    let before = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeAndDie(name, path, Math.random() * 12);
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
  }, 600_000);
});
