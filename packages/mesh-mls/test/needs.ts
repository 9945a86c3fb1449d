import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from '@jest/globals';

/** Where a program is; `undefined`: it is not installed. */
export function findProgram(name: string): string | undefined {
  let versions: string[] = [];
  try {
    versions = readdirSync('/usr/lib/postgresql').map((one) => join('/usr/lib/postgresql', one, 'bin'));
  } catch {}
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/bin',
    ...versions,
  ];
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** A test that needs what may not be there: skipped then, visibly; in CI it fails. */
export function testWhere(isThere: boolean, what: string, name: string, run: () => Promise<void>): void {
  if (isThere) test(name, run);
  else if (!isCi) test.skip(`${name} [skipped: ${what} is not there]`, run);
  else
    test(`${name} needs ${what}`, () => {
      throw new Error(`CI must not skip this: install ${what}`);
    });
}

/** The same for programs. */
export function testWith(programs: readonly string[], name: string, run: () => Promise<void>): void {
  const absent = programs.filter((program) => !findProgram(program));
  testWhere(absent.length === 0, absent.join(', '), name, run);
}
