import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from '@jest/globals';

/** Where distributions put servers that are not in the PATH of everybody. */
const BESIDE_THE_PATH = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
const POSTGRES = '/usr/lib/postgresql';

/** The file of an installed program, or `undefined`. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = [...(env['PATH'] ?? '').split(delimiter), ...BESIDE_THE_PATH, ...postgresFolders()];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The file of an installed program. Throws where it is absent: tests that need one stand in {@link describeWith}. */
export function programFile(name: string): string {
  const file = findProgram(name);
  if (!file) throw new Error(`${name} is not installed`);
  return file;
}

export type Verdict = 'run' | 'skip' | 'fail';

/** What becomes of a suite whose programs are absent: a laptop may go without them, CI may not. */
export const verdictOn = (absent: readonly string[], env: NodeJS.ProcessEnv = process.env): Verdict =>
  absent.length === 0 ? 'run' : ['', '0', 'false'].includes(env['CI'] ?? '') ? 'skip' : 'fail';

/**
 * A suite that needs programs on this machine. Where one is absent the suite is skipped under a name that says so; in CI
 * it fails instead, so that nothing goes untested unseen. `define` still runs then: start servers in hooks and tests.
 */
export function describeWith(programs: readonly string[], name: string, define: () => void): void {
  const absent = programs.filter((program) => !findProgram(program));
  describeWhere(absent.length === 0, absent.join(', '), name, define);
}

/** The same for anything else that may not be there. */
export function describeWhere(isThere: boolean, what: string, name: string, define: () => void): void {
  const verdict = verdictOn(isThere ? [] : [what]);
  if (verdict === 'run') describe(name, define);
  else if (verdict === 'skip') describe.skip(`${name} [skipped: ${what} not installed]`, define);
  else describe(name, () => missing(what));
}

/** The same for one test. */
export function testWhere(isThere: boolean, what: string, name: string, run: () => Promise<void>): void {
  const verdict = verdictOn(isThere ? [] : [what]);
  if (verdict === 'run') test(name, run);
  else if (verdict === 'skip') test.skip(`${name} [skipped: ${what} not installed]`, run);
  else describe(name, () => missing(what));
}

const missing = (what: string): void =>
  test(`needs ${what}`, () => {
    throw new Error(`CI must not skip this: install ${what}`);
  });

/** Newest version first. */
function postgresFolders(): string[] {
  try {
    const versions = readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(POSTGRES, version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
