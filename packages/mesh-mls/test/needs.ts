import { findProgram, testWhere } from '../../../test/support/needs-program.js';

export { findProgram, testWhere };

/** A test that needs programs of this machine. */
export function testWith(programs: readonly string[], name: string, run: () => Promise<void>): void {
  const absent = programs.filter((program) => !findProgram(program));
  testWhere(absent.length === 0, absent.join(', '), name, run);
}
