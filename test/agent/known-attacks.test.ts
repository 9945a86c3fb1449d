import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const docs = new URL('../../docs/', import.meta.url);
const rows = readFileSync(new URL('known-attacks.md', docs), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) => {
    const cells = line.split(' | ');
    const tests = [...cells[2]!.matchAll(/\[((?:\[\w+\] )?[^\]]+)\]\((\.\.\/test\/[^)]+)\)/g)];
    return {
      attack: cells[0]!,
      cells,
      tests: tests.map(([, title, file]) => ({ title: title!, file: file! })),
    };
  });

/** What stands where there is nothing to test. */
const UNTESTED = /^(not built yet|the application's own code) \|$/;

/** Whether the source holds the title as one literal, in any kind of quotes. */
const names = (source: string, title: string) =>
  [`'${title.replaceAll("'", "\\'")}'`, `"${title}"`, `\`${title}\``].some((literal) =>
    source.includes(literal),
  );

describe('docs/known-attacks.md', () => {
  test('has an attack, an answer and a test in each of its rows', () => {
    expect(rows.length).toBeGreaterThanOrEqual(20);
    for (const { cells, tests } of rows) {
      expect(cells).toHaveLength(3);
      expect(tests.length > 0).toBe(!UNTESTED.test(cells[2]!));
    }
  });

  for (const { title, file } of rows.flatMap(({ tests }) => tests)) {
    const url = new URL(file, docs);
    test(`${file} has a test called "${title}"`, () => {
      expect(names(readFileSync(url, 'utf8'), title)).toBe(true);
    });
  }
});
