import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The rows of the table "What each outage does": what fails, and the test that shows it. */
function rows(): { fails: string; path: string; title: string }[] {
  const page = readFileSync(file('docs/operations.md'), 'utf8');
  const section = page.split('## What each outage does')[1]!.split('\n## ')[0]!;
  const lines = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| what fails'));
  return lines.map((line) => {
    const cells = line.split(' | ');
    expect(cells).toHaveLength(5);
    const [, path = '', title = ''] = /^`([\w./-]+): (.+)` \|$/.exec(cells[4]!) ?? [];
    return { fails: cells[0]!.slice(2), path, title };
  });
}

test('docs/operations.md names a test for each outage, and the test is there', () => {
  const all = rows();
  expect(all.length).toBeGreaterThan(15);
  const missing = all.filter(({ path, title }) => {
    const source = file(path.endsWith('.ts') ? `test/${path}` : `test/${path}.test.ts`);
    return !existsSync(source) || !readFileSync(source, 'utf8').includes(title);
  });
  expect(missing).toEqual([]);
});
