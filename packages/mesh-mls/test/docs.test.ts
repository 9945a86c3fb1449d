import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { groupRoutes } from '../src/delivery/routes.js';
import { LIMITS } from '../src/delivery/wire.js';
import { GROUP_ERROR_TABLE, GroupError, isGroupError } from '../src/index.js';
import module from '../src/xlink-cli.js';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const sources = (readdirSync(new URL('../src', import.meta.url), { recursive: true }) as string[])
  .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
  .map((name) => read(`src/${name}`))
  .join('\n');

test('every error of the table is in the documentation, and raised somewhere', () => {
  const doc = read('docs/errors.md');
  for (const [id, { status, category, message, hint }] of Object.entries(GROUP_ERROR_TABLE)) {
    expect(doc).toContain(`| \`${id}\` | ${status} | ${category} | ${message} | ${hint} |`);
    expect([id, sources.includes(`'${id}'`)]).toEqual([id, true]);
  }
  expect(doc.match(/^\| `/gm)).toHaveLength(Object.keys(GROUP_ERROR_TABLE).length);
});

test('an error says what is wrong and what to do', () => {
  const error = new GroupError('GROUP_FORKED', { cause: new Error('why') });
  expect(error.message).toMatch(/different secrets.*Stop using this server/s);
  expect([error.code, error.status, (error.cause as Error).message]).toEqual(['GROUP_FORKED', 409, 'why']);
  expect(isGroupError(error, 'GROUP_FORKED')).toBe(true);
  expect(isGroupError(new Error(), 'GROUP_FORKED')).toBe(false);
});

test('every route and limit is in the documentation', () => {
  const doc = read('docs/delivery.md');
  for (const { method, path } of groupRoutes) expect(doc).toContain(`| \`${method} ${path}\` |`);
  for (const limit of [
    LIMITS.members,
    LIMITS.logEntries,
    LIMITS.keyPackages,
    LIMITS.takesPerHour,
    LIMITS.postsPerMinute,
  ])
    expect(doc).toContain(String(limit));
  expect(groupRoutes.every(({ path }) => path.startsWith(`/v1/${module.name}`))).toBe(true);
});
