import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { MeshError } from '../../src/errors/mesh-error.js';
import { SIGNAL_ERRORS } from '../../src/errors/signal-errors.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const allOf = (folder: string, ending: string): string =>
  readdirSync(new URL(folder, import.meta.url), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(ending) && !name.includes('errors.test'))
    .map((name) => read(`${folder}/${name}`))
    .join('\n');

const ids = Object.keys(SIGNAL_ERRORS) as (keyof typeof SIGNAL_ERRORS)[];

test('every error of Signal channels is raised by the code, expected by a test, and explained in the docs', () => {
  const [code, tests, docs] = [
    allOf('../../src/signal', '.ts'),
    allOf('.', '.test.ts'),
    read('../../docs/signal.md'),
  ];
  const missing = (text: string, quote: string) =>
    ids.filter((id) => !text.includes(`${quote}${id}${quote}`));
  expect(missing(code, "'")).toEqual([]);
  expect(missing(tests, "'")).toEqual([]);
  expect(missing(docs, '`')).toEqual([]);
});

test('says what is wrong and what to do', () => {
  for (const id of ids) {
    const { message, status } = new MeshError(id);
    expect(message).toMatch(/^[A-Z].*\. [A-Z].*\.$/);
    expect(status).toBeGreaterThanOrEqual(400);
  }
});
