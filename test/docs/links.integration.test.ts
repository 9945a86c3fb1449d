import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

function check(folder: string) {
  const { status, stdout, stderr } = spawnSync('node', ['scripts/check-links.mjs', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout: stdout.trim(), broken: stderr.trim().split('\n').filter(Boolean) };
}

test('[E10] every link between the pages of the repository leads somewhere', () => {
  expect(check(root)).toMatchObject({ status: 0, broken: [] });
});

test('[E10] a link to a page, heading or anchor that does not exist is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xlink-links-'));
  try {
    mkdirSync(join(folder, 'docs'));
    writeFileSync(
      join(folder, 'README.md'),
      [
        '# One `code` heading, twice',
        '[good](docs/page.md#an-id) [good](docs/page.md#one-1) [good](#one-code-heading-twice)',
        '[bad](docs/none.md) ![bad](docs/none.png)',
        '[bad](docs/page.md#two)',
        '[elsewhere](https://example.com/none) and `[no link](none.md)`',
        '```md',
        '[no link](none.md)',
        '```',
        '[bad](../outside.md)',
      ].join('\n'),
    );
    writeFileSync(join(folder, 'docs/page.md'), '<a id="an-id"></a>\n## One\n## One\n```md\n## Two\n```\n');
    expect(check(folder)).toEqual({
      status: 1,
      stdout: '7 links in 2 pages, 4 broken',
      broken: [
        'README.md:3: docs/none.md does not exist',
        'README.md:3: docs/none.png does not exist',
        'README.md:4: docs/page.md#two has no such heading or anchor',
        'README.md:9: ../outside.md does not exist',
      ],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
