import { existsSync } from 'node:fs';
import { describe, test } from '@jest/globals';

const inCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** A suite that needs a file that is no part of the repository: skipped under a name that says so, and in CI it fails. */
export function describeWithVectors(file: string, name: string, define: () => void): void {
  describeIf(existsSync(file), 'shared/vectors/noise', name, define);
}

/** A suite that needs something of the machine. */
export function describeIf(isThere: boolean, what: string, name: string, define: () => void): void {
  if (isThere) describe(name, define);
  else if (!inCi) describe.skip(`${name} [skipped: ${what} not there]`, define);
  else
    describe(name, () => {
      test(`needs ${what}`, () => {
        throw new Error(`CI must not skip this: install ${what}`);
      });
    });
}
