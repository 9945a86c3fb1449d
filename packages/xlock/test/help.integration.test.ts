// What the command says of itself, and to people who are no programmers.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { xlockCommand } from '../src/cli/commands.js';
import { failureLines } from '../src/cli/failure.js';
import { XLOCK_ERROR_TABLE, XlockError, type XlockErrorId } from '../src/index.js';

async function said(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const out = (line: string) => void lines.push(line);
  await xlockCommand(args, { out, err: out, ask: async () => undefined }, {});
  return lines.join('\n');
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

test('--version and help', async () => {
  expect(await said('--version')).toBe(version);
  expect(await said('help')).toBe(await said('--help'));
  expect(await said('approve', '--help')).toBe(await said('help', 'approve'));
  await expect(said('help', 'frobnicate')).rejects.toThrow('there is no such command');
});

test('the help of a command is about it alone, and each command of the list has one', async () => {
  const all = await said('help');
  const names = [...all.matchAll(/^ {2}([a-z]+) +/gm)].map(([, name]) => name!);
  expect(names).toEqual(expect.arrayContaining(['init', 'register', 'approve', 'serve', 'verify', 'codes']));
  for (const name of names) expect(await said('help', name)).toContain(`Usage: xlock ${name}`);
  const approve = await said('help', 'approve');
  expect([approve.includes('--seen'), approve.includes('--threshold')]).toEqual([true, false]);
  expect(await said('help', 'serve')).toContain('--origin');
  // As the README has it: an export reads also below a server that runs, a whole check does not.
  expect(await said('help', 'export')).toContain('also of one that runs');
  expect(await said('help', 'verify')).toContain('of a stopped server, or over a copy');
});

test('users are told commands, not functions, and which store is the matter', () => {
  const text = (id: XlockErrorId, details?: unknown) =>
    failureLines(new XlockError(id, { details })).join('\n');
  for (const id of Object.keys(XLOCK_ERROR_TABLE) as XlockErrorId[])
    if (/^(PASSKEY|RECOVERY|CHALLENGE|RESPONSE)_/.test(id))
      expect([id, text(id)]).toEqual([id, expect.not.stringMatching(/\w\(\)|replace: true/)]);
  expect(text('PASSKEY_HMAC_MISMATCH', { bad: [], doubted: ['1:file:a'], problems: [] })).toContain(
    '  1:file:a: It and another one disagree',
  );
});

test('require() loads the package, as the README has it', () => {
  const program = "console.log(typeof require('@private.me/xlock').XlockDevice)";
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout } = spawnSync(process.execPath, ['-e', program], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stdout.trim()).toBe('function');
});
