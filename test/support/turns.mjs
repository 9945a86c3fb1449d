// Heavy test files take turns: while one runs, the other workers have light ones. The turn is a folder, which at most one process can make.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { isHeavy } from '../../scripts/heavy-tests.mjs';

const turn = join(process.env.XLINK_TEST_RUN, 'turn');
const owner = join(turn, 'owner');
const LONGEST_MS = 1_800_000;

function isFree() {
  try {
    mkdirSync(turn);
    writeFileSync(owner, String(process.pid));
    return true;
  } catch {
    return false;
  }
}

/** A worker that was killed leaves its turn behind. */
function isLeft() {
  try {
    process.kill(Number(readFileSync(owner, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

if (isHeavy(expect.getState().testPath)) {
  beforeAll(async () => {
    while (!isFree()) {
      if (isLeft()) rmSync(turn, { recursive: true, force: true });
      await pause(100);
    }
  }, LONGEST_MS);
  afterAll(() => rmSync(turn, { recursive: true, force: true }));
}
