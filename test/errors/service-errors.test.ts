import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CALLER_ROWS } from '../../src/errors/caller-rows.js';
import { rowOf } from '../../src/errors/known-rows.js';
import { SERVICE_ROWS } from '../../src/errors/service-rows.js';
import { ERROR_TABLE } from '../../src/errors/table.js';
import { refusalIn } from '../../src/http/problem.js';
import { importsOf } from '../support/imports-of.js';

const SOURCES = 'src';
const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
const textOf = (name: string) => readFileSync(join(SOURCES, name), 'utf8');
const serviceIds = Object.keys(SERVICE_ROWS);

describe('errors that only services raise', () => {
  test('no id is in both tables, and together they are the table', () => {
    expect(Object.keys(ERROR_TABLE).sort()).toEqual([...Object.keys(CALLER_ROWS), ...serviceIds].sort());
    expect(serviceIds.length).toBeGreaterThan(50);
  });

  test('whoever raises one brings its row along', () => {
    const raise = new RegExp(`xlinkError\\(\\s*'(${serviceIds.join('|')})'`);
    const raising = files.filter((name) => !name.startsWith('errors/') && raise.test(textOf(name)));
    expect(raising.length).toBeGreaterThan(20);
    const brings = /errors\/(service-errors|session-rows)\.js/;
    expect(raising.filter((name) => !brings.test(textOf(name)))).toEqual([]);
  });

  test('what callers load raises none', () => {
    for (const front of ['client.ts', 'verify.ts']) {
      const loaded = importsOf(front);
      expect(loaded).not.toContain('errors/service-rows.ts');
      expect(loaded).toContain('errors/caller-rows.ts');
    }
  });
});

describe('a refusal whose text is not loaded', () => {
  const problem = (type: string, code = 'SOME_LATER_ERROR') =>
    JSON.stringify({ type, code, title: 'x', status: 400 });
  const own = 'https://xail.io/docs/packages/xlink/errors#SOME_LATER_ERROR';

  test('is known by its type, and says where to look', () => {
    expect(refusalIn(problem(own))).toMatchObject({ id: 'SOME_LATER_ERROR', category: 'adapter' });
    expect(rowOf('SOME_LATER_ERROR').hint).toContain('docs/errors.md');
  });

  test.each(['about:blank', `${own}X`, 'https://example.com/errors#SOME_LATER_ERROR', ''])(
    'of another API is none: %s',
    (type) => {
      expect(refusalIn(problem(type))).toBeUndefined();
    },
  );

  test.each(['__proto__', 'constructor', 'lower', 'A', ''])('a code like %p is none', (code) => {
    expect(refusalIn(problem(`https://xail.io/docs/packages/xlink/errors#${code}`, code))).toBeUndefined();
  });
});
