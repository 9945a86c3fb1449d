import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, test } from '@jest/globals';

/** The file of an installed program, or `undefined`. */
export function findProgram(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/bin',
    ...postgresFolders(),
  ];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function postgresFolders(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => join('/usr/lib/postgresql', version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** A suite that needs programs on this machine: skipped, visibly, where one is absent; in CI it fails instead. */
export function describeWith(programs: readonly string[], name: string, define: () => void): void {
  const absent = programs.filter((program) => !findProgram(program));
  if (absent.length === 0) describe(name, define);
  else if (!isCi) describe.skip(`${name} [skipped: ${absent.join(', ')} not installed]`, define);
  else
    test(`${name} needs ${absent.join(', ')}`, () => {
      throw new Error(`CI must not skip this: install ${absent.join(', ')}`);
    });
}

/** Asks again and again until the answer is yes. */
export async function until(holds: () => unknown, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain`);
    await pause(10);
  }
}

/** For tests that need what may not be there: skipped then; in CI they fail. */
export const testWhere = (isThere: boolean) => (isThere || isCi ? test : test.skip);

/** A disk of 512 KiB for one test file, or of another size, which only root can have. */
export function smallDisk(size = '512k') {
  const path = mkdtempSync(join(tmpdir(), 'xlink-disk-'));
  let isMounted = true;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'xlink-test', path], { stdio: 'ignore' });
  } catch {
    isMounted = false;
  }
  afterAll(() => {
    if (isMounted) execFileSync('umount', ['-l', path]);
    rmdirSync(path);
  });
  return { path, test: testWhere(isMounted) };
}
