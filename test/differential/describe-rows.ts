import { describe, expect, test } from '@jest/globals';
import '../support/console.js'; // frameworks print the errors that they answer
import { type Framework, frameworksOf } from './apps.js';
import { differences } from './compare.js';
import type { Protocol, Row, Way } from './row.js';
import { runRow } from './run-row.js';
import { type Certificate, stage } from './stage.js';

const PROTOCOLS: readonly Protocol[] = ['HTTP/1.1', 'HTTP/2'];
const WAYS = ['key', 'body form', 'header form'] as const satisfies Way[];

export interface DescribeOptions {
  readonly tls?: Certificate;
  /** Default: all. */
  readonly frameworks?: (framework: Framework) => boolean;
}

// The measure of the adapter is that nobody notices it: an application behind it and one with a check of keys in its place are asked
// the same, and differ in nothing but what the rows name.

/** Runs each row without the adapter and with it, in each framework, protocol and way that it is for; over TLS with a certificate. */
export function describeRows(
  rows: readonly Row[],
  { tls, frameworks = () => true }: DescribeOptions = {},
): void {
  const on = stage(tls);
  test('no row has the name of another', () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });
  describe.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
    const cases = frameworksOf(row)
      .filter(frameworks)
      .flatMap((framework) =>
        PROTOCOLS.filter((each) => (row.only?.protocol ?? each) === each).map(
          (each) => [framework, each] as const,
        ),
      );
    test.each(cases)('%s, %s', async (framework, protocol) => {
      const plain = (await runRow(on, row, [framework, protocol, 'plain']))!;
      const found: Record<string, unknown> = {};
      for (const way of WAYS) {
        const run = await runRow(on, row, [framework, protocol, way]);
        if (!run) continue;
        found[way] = differences(row, plain, run);
      }
      const differs: Row['differs'] = (row.differsOver ?? protocol) === protocol ? row.differs : {};
      for (const way of WAYS)
        if (way in found && differs?.[way] !== undefined) {
          if (!tls) expect([way, found[way]]).not.toEqual([way, {}]); // or the exclusion can go
          found[way] = {};
        }
      expect(found).toEqual(Object.fromEntries(Object.keys(found).map((way) => [way, {}])));
    });
  });
}
