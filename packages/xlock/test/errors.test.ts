import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import {
  isXlockError,
  PROGRESS_STEPS,
  XLOCK_ERROR_TABLE,
  XlockError,
  type XlockErrorId,
} from '../src/index.js';
import { describeWhere } from './support.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const ids = Object.keys(XLOCK_ERROR_TABLE) as XlockErrorId[];
const CATEGORIES = [
  'Challenge Management',
  'Response Validation',
  'Passkey Operations',
  'Recovery',
  'Platform Integration',
];

const sourcesIn = (folder: string) =>
  readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, readFileSync(join(at(folder), name), 'utf8')] as const);

test('there are 19 codes in five categories, each with a resolution', () => {
  const codes = ids.filter((id) => !id.includes(':') && XLOCK_ERROR_TABLE[id].category !== 'Use');
  expect(codes).toHaveLength(19);
  expect([...new Set(codes.map((id) => XLOCK_ERROR_TABLE[id].category))]).toEqual(CATEGORIES);
  for (const id of ids) expect(XLOCK_ERROR_TABLE[id].resolution).not.toBe('');
});

test('a sub-code is of the category of its code', () => {
  for (const id of ids.filter((one) => one.includes(':'))) {
    const code = id.split(':')[0] as XlockErrorId;
    expect([id, XLOCK_ERROR_TABLE[id].category]).toEqual([id, XLOCK_ERROR_TABLE[code].category]);
  }
});

test('every row is raised somewhere, but for what is of the platform, and nothing else is', () => {
  const text = sourcesIn('../src')
    .filter(([name]) => name !== 'errors.ts')
    .map(([, source]) => source)
    .join('\n');
  for (const id of ids) expect([id, text.includes(`'${id}'`)]).toEqual([id, true]);
  for (const [, id] of text.matchAll(/new XlockError\(\s*'([^']+)'/g)) expect(ids).toContain(id);
});

test('every row is met by a test', () => {
  const text = sourcesIn('.')
    .map(([, source]) => source)
    .join('\n');
  const notHere = [
    'CHALLENGE_GENERATION_FAILED', // the randomness of the platform fails
    'PASSKEY_GENERATION_FAILED', // likewise
    'PLATFORM_CRYPTO_UNAVAILABLE', // a thread cannot be started
    'INTERNAL', // a fault of the package
  ];
  expect(ids.filter((id) => !notHere.includes(id) && !text.includes(`'${id}'`))).toEqual([]);
});

test('every row stands in the document of errors, as it is', () => {
  const page = readFileSync(at('../docs/errors.md'), 'utf8');
  for (const id of ids) {
    const { status, message, resolution } = XLOCK_ERROR_TABLE[id];
    expect(page).toContain(`| \`${id}\` | ${status} | ${message} | ${resolution} |`);
  }
});

test('an error says what to do, keeps its cause, and quotes nothing', () => {
  const cause = new Error('secret of the cause');
  const error = new XlockError('PASSKEY_STORAGE_FAILED', { cause, details: { stored: ['a'] } });
  expect(error).toMatchObject({ code: 'PASSKEY_STORAGE_FAILED', category: 'Passkey Operations', cause });
  expect(error.message).toContain(error.resolution);
  expect(error.message).not.toContain('secret of the cause');
  expect(new XlockError('CHALLENGE_INVALID:ORIGIN').code).toBe('CHALLENGE_INVALID');
  expect([isXlockError(error), isXlockError(error, 'INTERNAL'), isXlockError(cause)]).toEqual([
    true,
    false,
    false,
  ]);
});

const SEED = at('../../../../shared/seeds/002_724404689f9dbd5b.txt');

describeWhere(existsSync(SEED), 'shared/seeds', 'what was promised', () => {
  const text = existsSync(SEED) ? readFileSync(SEED, 'utf8') : '';

  test('the codes and their categories are these', () => {
    const promised: [string, string][] = [];
    let category = '';
    for (const line of text.split('\n')) {
      category = /^([A-Z][A-Za-z ]+) \(\d codes\)$/.exec(line)?.[1] ?? category;
      const code = /^([A-Z]+(?:_[A-Z]+)+) \|$/.exec(line)?.[1];
      if (code) promised.push([code, category]);
    }
    const ours = ids
      .filter((id) => !id.includes(':') && XLOCK_ERROR_TABLE[id].category !== 'Use')
      .map((id) => [id, XLOCK_ERROR_TABLE[id].category]);
    expect(promised).toHaveLength(19);
    expect(ours.sort()).toEqual(promised.sort());
  });

  test('the steps of progress are these, in this order', () => {
    const promised: Record<string, string[]> = {};
    const lines = text.split('\n');
    for (const [index, line] of lines.entries()) {
      const name = /^(\w+)\(\) \|$/.exec(line)?.[1];
      const steps = /^(.+→.+) \| (\d) \|$/.exec(lines[index + 1] ?? '');
      if (!name || !steps) continue;
      promised[name] = steps[1]!.split(' → ');
      expect(promised[name]).toHaveLength(Number(steps[2]));
    }
    expect(PROGRESS_STEPS).toEqual(promised);
  });
});
