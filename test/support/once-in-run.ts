import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What all test files of a run share, in a folder of this name. The first that needs it makes it, the others wait; if that fails, it
 * fails for all of them.
 */
export function onceInRun(name: string, make: (folder: string) => void): string {
  const folder = join(process.env['XLINK_TEST_RUN']!, name);
  const [done, failed] = [join(folder, 'done'), join(folder, 'failed')];
  try {
    mkdirSync(folder);
  } catch {
    while (!existsSync(done)) {
      if (existsSync(failed)) throw new Error(`${name} failed in the test file that made it`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
    return folder;
  }
  try {
    make(folder);
  } catch (error) {
    writeFileSync(failed, '');
    throw error;
  }
  writeFileSync(done, '');
  return folder;
}
