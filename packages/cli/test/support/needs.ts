import { test } from '@jest/globals';
import { verdictOn } from '../../../../test/support/needs-program.js';
import { smallDisk as diskOf } from '../../../../test/support/small-disk.js';
import { until as holdsUntil } from '../../../../test/support/until.js';

export { describeWith, findProgram } from '../../../../test/support/needs-program.js';

/** Asks again and again until the answer is yes. */
export const until = (holds: () => unknown, withinMs = 10_000): Promise<void> =>
  holdsUntil(holds, { withinMs });

/** For tests that need what may not be there: skipped then; in CI they fail. */
export const testWhere = (isThere: boolean) =>
  verdictOn(isThere ? [] : ['it']) === 'skip' ? test.skip : test;

/** A disk of 512 KiB for one test file, or of another size, which only root can have. */
export const smallDisk = (size = '512k') => diskOf(size);
