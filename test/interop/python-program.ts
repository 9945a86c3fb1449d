// The second implementation in ./python, as a program.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from '@jest/globals';
import { run } from '../clients/support.js';
import { verdictOn } from '../support/needs-program.js';

/** Debian's Python sees Debian's packages; one in front of it in the PATH may not. */
const PYTHON = '/usr/bin/python3';
const isThere = existsSync('/usr/lib/python3/dist-packages/cryptography');
const folder = fileURLToPath(new URL('./python', import.meta.url));

export const runPython = (file: string, args: readonly string[]) => run(folder, PYTHON, [file, ...args]);

/** A suite that is skipped, under a name that says so, where Python's `cryptography` is missing; in CI it fails. */
export function describePython(name: string, define: () => void): void {
  if (isThere || verdictOn(['python3-cryptography']) === 'fail') describe(name, define);
  else describe.skip(`${name} [skipped: python3-cryptography not installed]`, define);
}
