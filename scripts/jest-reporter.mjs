// Prints the totals as the very last line of a test run: "12 passed, 0 failed, 1 skipped".
import { writeSync } from 'node:fs';

export default class TotalsReporter {
  onRunComplete(_contexts, results) {
    // A suite that does not load has no tests of its own to count, yet it must not look like success.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`;
    // Jest's own summary comes after the reporters, so wait until there is nothing left to print.
    process.once('exit', () => writeSync(1, line));
  }
}
