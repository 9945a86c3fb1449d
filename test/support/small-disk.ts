import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from '@jest/globals';
import { verdictOn } from './needs-program.js';

function mount(...args: string[]): boolean {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const SMALL_DISK_BYTES = 256 * 1024;

/** A small disk for one test file, of 256 KiB or another size of `mount`, which only root can have. Where there is none its tests are skipped; in CI they fail. */
export function smallDisk(size = String(SMALL_DISK_BYTES)) {
  const path = mkdtempSync(join(tmpdir(), 'xlink-disk-'));
  const mounted = mount('-t', 'tmpfs', '-o', `size=${size}`, 'xlink-test', path);
  afterAll(() => {
    if (mounted) execFileSync('umount', ['-l', path]);
    rmdirSync(path);
  });
  return {
    path,
    test: verdictOn(mounted ? [] : ['mount']) === 'skip' ? test.skip : test,
    /** Whether it is writable from now on. */
    setWritable: (writable: boolean) => mount('-o', `remount,${writable ? 'rw' : 'ro'}`, path),
  };
}
