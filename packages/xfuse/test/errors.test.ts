import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { isXfuseError, XFUSE_ERROR_TABLE, XfuseError, type XfuseErrorId } from '../src/index.js';

const wing = fileURLToPath(new URL('..', import.meta.url));
const filesIn = (folder: string) =>
  readdirSync(join(wing, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, readFileSync(join(wing, folder, name), 'utf8')] as const);

const ids = Object.keys(XFUSE_ERROR_TABLE) as XfuseErrorId[];

test('every row of the table is raised somewhere, and nothing else is', () => {
  const text = filesIn('src')
    .filter(([name]) => name !== 'errors.ts')
    .map(([, source]) => source)
    .join('\n');
  const built = ['LEGACY_FAILED:TIMEOUT'];
  for (const id of ids) expect([id, built.includes(id) || text.includes(`'${id}'`)]).toEqual([id, true]);
  for (const [, id] of text.matchAll(/new XfuseError\(\s*'([^']+)'/g)) expect(ids).toContain(id);
});

test('every row is met by a test, but for what this machine cannot show', () => {
  const text = filesIn('test')
    .map(([, source]) => source)
    .join('\n');
  const notHere = ['ARGON2_MISSING'];
  const missing = ids.filter((id) => !notHere.includes(id) && !text.includes(`'${id}'`));
  expect(missing).toEqual([]);
});

test('every row stands in the document of errors', () => {
  const page = readFileSync(join(wing, 'docs/errors.md'), 'utf8');
  for (const id of ids) expect(page).toContain(`| \`${id}\` | ${XFUSE_ERROR_TABLE[id].status} |`);
});

test('an error says what to do, keeps its cause, and quotes nothing', () => {
  const cause = new Error('secret of the cause');
  const error = new XfuseError('OPRF_FAILED', { cause });
  expect(error).toMatchObject({ code: 'OPRF_FAILED', status: 503, cause });
  expect(error.message).not.toContain('secret of the cause');
  expect([isXfuseError(error), isXfuseError(cause)]).toEqual([true, false]);
});
