import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, dataOf } from './support/call.js';

let home: string;
let dir: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'xlink-secrets-'));
  dir = join(home, '.xlink');
  await dataOf(dir, 'init', '--name', 'a');
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('a file with a secret that others can read', () => {
  test.each([
    [
      '--token-file',
      (file: string) => ['lookup', '--all', '--registry', 'http://127.0.0.1:9', '--token-file', file],
    ],
    ['--key-file', (file: string) => ['connect', 'http://127.0.0.1:9', '--key-file', file]],
    ['--key-file of curl', (file: string) => ['curl', 'http://127.0.0.1:9', '--key-file', file]],
    ['--invitation', (file: string) => ['connect', 'http://127.0.0.1:9', '--invitation', `@${file}`]],
    [
      '--passphrase-file',
      (file: string) => ['create', '--name', 'x', '--encrypt', '--passphrase-file', file],
    ],
    [
      '--old',
      (file: string) => [
        'identity',
        'succeed',
        '--old',
        file,
        '--new',
        file,
        '--registry',
        `file:${join(dir, 'registry.jsonl')}`,
      ],
    ],
    ['identity show', (file: string) => ['identity', 'show', file]],
    ['--org-key', (file: string) => ['audit', 'organization', '--org-key', file, '--out', join(home, 'out')]],
    ['keys import', (file: string) => ['keys', 'import', file, '--name', 'x']],
  ] as const)('is refused: %s', async (_, args) => {
    const made = join(home, `made-${Math.random()}`);
    await call('keys', 'generate', '--out', made, '--dir', dir);
    await chmod(made, 0o640);
    const { code, err } = await call(
      ...args(made),
      ...(args(made)[0] === 'identity' || args(made)[0] === 'audit' ? [] : ['--dir', dir]),
    );
    expect([code, err]).toEqual([6, expect.stringContaining(`${made}: Others on this machine can read it`)]);
  });

  test('a folder that others can change is refused, and doctor says so', async () => {
    await chmod(dir, 0o722);
    const { code, err } = await call('keys', 'list', '--dir', dir);
    expect([code, err]).toEqual([6, expect.stringContaining('can change it')]);
    const { out } = await call('doctor', '--dir', dir);
    await chmod(dir, 0o700);
    expect(out).toMatch(/FAIL {2}files +others can change .*\.xlink/);
    await chmod(join(dir, 'registry.jsonl'), 0o602);
    expect((await call('doctor', '--dir', dir)).out).toMatch(
      /FAIL {2}files +others can change .*registry\.jsonl/,
    );
    await chmod(join(dir, 'registry.jsonl'), 0o600);
  });
});

test.each([
  '        ',
  'aaaaaaaaaaaa',
  'abc    ',
  '\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b',
  'abababababab',
  'short',
])('a passphrase that protects nothing: %j', async (text) => {
  const file = join(home, 'passphrase');
  await writeFile(file, text, { mode: 0o600 });
  const out = join(home, `sealed-${Math.random()}`);
  const { code, err } = await call('keys', 'generate', '--out', out, '--encrypt', '--passphrase-file', file);
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('8 characters or more, at least 4 of them different'),
  ]);
});

test.each(['/proc/x', '/dev/null/x'])('a place where nothing can be made ends it: %s', async (place) => {
  for (const args of [
    ['init', '--name', 'x', '--dir', place],
    ['relay', '--open', '--port', '0', '--data', place],
    ['keys', 'generate', '--out', join(place, 'key')],
  ]) {
    const { code } = await call(...args);
    expect([args[0], code]).toEqual([args[0], 8]);
  }
});
