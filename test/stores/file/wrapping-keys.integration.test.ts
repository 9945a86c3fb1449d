import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FileKeyStore, FileWrappingKeyStore } from '@private.me/xlink/file';
import { build } from 'esbuild';
import { temporaryFolder } from '../../support/temporary-folder.js';

const ROUNDS = 12;

const suite = mkdtempSync(join(tmpdir(), 'xlink-wrapping-'));
const writer = join(suite, 'writer.mjs');
beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL('wrapping-keys-writer.ts', import.meta.url))],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  }),
);
afterAll(() => rmSync(suite, { recursive: true }));

/** What processes said before they were killed. */
async function linesOf(path: string, processes: number, lines: number): Promise<string[]> {
  const outputs = Array.from({ length: processes }, async () => {
    const child = spawn(process.execPath, [writer, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.split('\n').length > lines) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGKILL');
    return output.split('\n').slice(0, -1);
  });
  return (await Promise.all(outputs)).flat();
}

describe('FileWrappingKeyStore', () => {
  test(`${ROUNDS} times killed, it has every key that was acknowledged, and not a byte of one that was destroyed`, async () => {
    const path = join(await temporaryFolder(), 'keys');
    const kept = new Map<string, string>();
    const destroyed = new Map<string, string>();
    let acknowledged = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const undecided = new Set<string>();
      for (const line of await linesOf(path, 1 + (round % 3), 30 + Math.random() * 60)) {
        const [what, id, key] = line.split(' ') as [string, string, string];
        if (what === 'begin' || what === 'end') undecided.add(id);
        else undecided.delete(id);
        if (what === 'put') kept.set(id, key);
        if (what === 'destroyed') {
          destroyed.set(id, kept.get(id)!);
          kept.delete(id);
        }
        acknowledged += 1;
      }
      const store = new FileWrappingKeyStore(path);
      const bytes = await readFile(path);
      for (const key of destroyed.values()) expect(bytes.includes(key)).toBe(false);
      for (const [id, key] of kept) {
        const found = await store.get(id);
        if (found === undefined && undecided.has(id))
          kept.delete(id); // it was about to be destroyed
        else expect(Buffer.from(found!).toString('base64url')).toBe(key);
      }
      const known = new Set([...kept.keys(), ...undecided]);
      for (const id of await store.ids()) {
        if (!kept.has(id)) await store.destroy(id);
        expect(known.has(id)).toBe(true);
      }
    }
    expect([acknowledged > 10 * ROUNDS, destroyed.size > ROUNDS]).toEqual([true, true]);
    expect((await stat(path)).size).toBeLessThan(160 * (kept.size + 20)); // places are used again
  }, 120_000);

  test('overwrites the key where it stands, and leaves no other file', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'keys');
    const store = new FileWrappingKeyStore(path);
    const keys = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
    for (const [at, key] of keys.entries()) await store.put(`${at}`, key);
    const { ino } = await stat(path);
    const before = await readFile(path);
    await store.destroy('1');
    const after = await readFile(path);
    expect([(await stat(path)).ino, after.length]).toEqual([ino, before.length]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const changed = [...before.keys()].filter((at) => before[at] !== after[at]);
    expect(
      after
        .subarray(changed[0], changed.at(-1)! + 1)
        .toString()
        .trim(),
    ).toBe('');
    expect(after.includes(Buffer.from(keys[1]!).toString('base64url'))).toBe(false);
    expect((await readdir(folder)).map((name) => name.replace(/\d+$/, 'N'))).toEqual(['keys', 'keys.lock-N']);
  });

  test('a bit that flipped loses one key, and is seen; another file in its place is damage', async () => {
    const path = join(await temporaryFolder(), 'keys');
    const store = new FileWrappingKeyStore(path);
    await store.put('a', new Uint8Array(32).fill(1));
    await store.put('b', new Uint8Array(32).fill(2));
    const whole = await readFile(path);
    for (const at of [whole.indexOf('a AQ') + 10, whole.indexOf('a AQ') + 46]) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1;
      await writeFile(path, flipped);
      expect([await store.get('a'), (await store.get('b'))?.[0]]).toEqual([undefined, 2]);
    }
    await writeFile(path, '{"xlink-mode":1}\n');
    for (const call of [() => store.get('a'), () => store.ids(), () => store.put('c', new Uint8Array(32))])
      await expect(call()).rejects.toMatchObject({ code: 'KEY_STORE_DAMAGED', cause: { code: 'EFOREIGN' } });
    expect(await readFile(path, 'utf8')).toBe('{"xlink-mode":1}\n');
  });

  test('by default it lies in a folder of its own beside the file of the epochs', async () => {
    const folder = await temporaryFolder();
    const store = new FileKeyStore(join(folder, 'api.keys'));
    await store.wrappingKeys.put('a', new Uint8Array(32));
    expect((await stat(join(folder, 'wrapping-keys'))).mode & 0o777).toBe(0o700);
    expect(await new FileWrappingKeyStore(join(folder, 'wrapping-keys/api.keys')).ids()).toEqual(['a']);
    await store.close();
  });
});
