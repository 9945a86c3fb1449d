import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { MESH_ERROR_TABLE, MeshError } from '../src/index.js';

const source = fileURLToPath(new URL('../src', import.meta.url));
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('errors'))
  .map((name) => readFileSync(join(source, name), 'utf8'))
  .join('\n');
const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');

describe('the table of errors', () => {
  test.each(Object.entries(MESH_ERROR_TABLE))(
    '%s is raised somewhere, and says what to do',
    (id, { status, message, hint }) => {
      expect(code.includes(`'${id}'`)).toBe(true);
      expect(status).toBeGreaterThanOrEqual(400);
      for (const text of [message, hint]) expect(text).toMatch(/^[A-Z`].*[.]$/);
    },
  );

  test('every code stands in the README, and every other part of one', () => {
    const own = Object.keys(MESH_ERROR_TABLE).filter((id) => !id.startsWith('SIGNAL_'));
    const codes = new Set(own.map((id) => id.split(':')[0]!));
    const parts = own.filter((id) => /^(NOISE|ROUTE).*:/.test(id)).map((id) => `…:${id.split(':')[1]}`);
    expect(parts.filter((part) => !readme.includes(part))).toEqual([]);
    expect(
      [...codes].filter((one) => !readme.includes(one) && !readme.includes(`${one.split('_')[0]}_…`)),
    ).toEqual([]);
  });

  test('an error holds its cause, and its message what is wrong and what to do', () => {
    const cause = new Error('underneath');
    const error = new MeshError('NOISE_REPLAY', { cause, field: 'n' });
    expect([error.code, error.status, error.cause, error.field]).toEqual(['NOISE_REPLAY', 409, cause, 'n']);
    expect(error.message).toContain(MESH_ERROR_TABLE.NOISE_REPLAY.hint);
  });
});
