import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { WriterLock } from '../../../src/stores/file/writer-lock.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder, 'state');
});

describe('WriterLock', () => {
  /** Lets a lock be there as if `holder` had made it. */
  async function leaveLock(holder: object | string): Promise<void> {
    await mkdir(folder, { recursive: true });
    const held = await WriterLock.acquire(path);
    const mine = JSON.parse(await readFile(`${path}.lock-1`, 'utf8'));
    await held.release();
    const text = typeof holder === 'string' ? holder : JSON.stringify({ ...mine, ...holder });
    await writeFile(`${path}.lock-1`, text);
  }
  const gone = async (): Promise<number> => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    return child.pid!;
  };

  test('takes over from a process that is gone, came back as another one, or was cut off with its lock', async () => {
    for (const holder of [
      { pid: await gone() },
      { started: '1' },
      { boot: 'earlier' },
      '',
      '{"pid":',
      'null',
    ]) {
      await leaveLock(holder);
      const lock = await WriterLock.acquire(path);
      await lock.release();
      expect((await readdir(folder)).filter((name) => name.includes('lock'))).toEqual(['state.lock-2']);
      await rm(`${path}.lock-2`);
    }
  });

  test('does not take over from a process that lives', async () => {
    await leaveLock({});
    await expect(WriterLock.acquire(path)).rejects.toThrow(/held by process/);
  });

  test('does not take over from another host, where it cannot see who lives', async () => {
    await leaveLock({ host: `not-${hostname()}`, pid: await gone() });
    await expect(WriterLock.acquire(path)).rejects.toThrow(/another host/);
  });

  test('is one of many that want what a dead one left: one gets it', async () => {
    const pid = await gone();
    for (let round = 0; round < 30; round++) {
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
      await leaveLock({ pid });
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => WriterLock.acquire(path)));
      const refusals = attempts
        .filter((attempt) => attempt.status === 'rejected')
        .map(({ reason }) => reason);
      expect(refusals).toHaveLength(7);
      expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['ELOCKED']));
      expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    }
  });

  test('that acts on what it saw before others came and went steps back', async () => {
    await leaveLock({ pid: await gone() });
    const holder = await readFile(`${path}.lock-1`, 'utf8');
    const kill = process.kill;
    process.kill = (() => {
      process.kill = kill;
      // While it asks about the first: a second one came and went, a third one came, and what was before it is removed.
      writeFileSync(`${path}.lock-3`, JSON.stringify({ ...JSON.parse(holder), pid: process.pid }));
      rmSync(`${path}.lock-1`);
      throw Object.assign(new Error('no such process'), { code: 'ESRCH' });
    }) as typeof kill;
    try {
      await expect(WriterLock.acquire(path)).rejects.toMatchObject({ code: 'ELOCKED' });
    } finally {
      process.kill = kill;
    }
    expect(await readdir(folder)).toEqual(['state.lock-3']);
  });

  test('is one of many that come and go: there are never two', async () => {
    let [holders, turns, most] = [0, 0, 0];
    const come = async () => {
      while (turns < 100) {
        const lock = await WriterLock.acquire(path).catch((error) => {
          if (error.code !== 'ELOCKED') throw error;
        });
        if (!lock) continue;
        holders++;
        most = Math.max(most, holders);
        turns++;
        await readdir(folder);
        holders--;
        await lock.release();
      }
    };
    await Promise.all(Array.from({ length: 12 }, come));
    expect(most).toBe(1);
    expect((await readdir(folder)).length).toBe(1);
  }, 60_000);
});
