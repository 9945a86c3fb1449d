import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ERROR_TABLE } from '@private.me/xlink';
import type { Schema } from '@private.me/xlink/http-api';
import { SERVER_ERRORS } from '../../src/server/errors.js';
import { serverDocument, serverReference } from '../../src/server/reference.js';
import { ROUTES, type ServerApi } from '../../src/server/routes/index.js';
import { DocumentCheck } from './support.js';

const here = fileURLToPath(new URL('../../', import.meta.url));

/** All schemas of a route, those within others included. */
function* schemasOf(schema: Schema | undefined): Generator<Schema> {
  if (!schema) return;
  yield schema;
  const { properties = {}, items, oneOf = [], additionalProperties } = schema;
  const more = typeof additionalProperties === 'object' ? [additionalProperties] : [];
  for (const each of [...Object.values(properties), ...(items ? [items] : []), ...oneOf, ...more])
    yield* schemasOf(each);
}

describe('the OpenAPI document', () => {
  test('and the page of the documentation are those of the tables', async () => {
    const { version } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'));
    expect(JSON.parse(await readFile(join(here, 'docs/openapi.json'), 'utf8'))).toEqual(
      serverDocument(version),
    );
    expect(await readFile(join(here, 'docs/server-api.md'), 'utf8')).toBe(serverReference());
  });

  test('is valid, says a linter of others', async () => {
    const manifest = createRequire(import.meta.url).resolve('@redocly/cli/package.json');
    const { bin } = JSON.parse(await readFile(manifest, 'utf8'));
    const program = join(dirname(manifest), bin.redocly ?? Object.values(bin)[0]);
    const args = [
      'lint',
      join(here, 'docs/openapi.json'),
      '--skip-rule',
      'no-server-example.com',
      '--format',
      'json',
    ];
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', CI: '1' },
    });
    expect(JSON.parse(stdout).totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
  });

  test('names each route and each component once, and only errors that there are', () => {
    const ids = ROUTES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const places = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(places).size).toBe(places.length);
    const titles = new Map<string, string>();
    for (const { body, answer, more = [], errors = [] } of ROUTES) {
      for (const schema of [body, answer.schema, ...more.map((each) => each.schema)].flatMap((one) => [
        ...schemasOf(one),
      ])) {
        if (schema.title === undefined) continue;
        const text = JSON.stringify(schema);
        expect([schema.title, titles.get(schema.title) ?? text]).toEqual([schema.title, text]);
        titles.set(schema.title, text);
      }
      for (const id of errors) expect([id, id in SERVER_ERRORS || id in ERROR_TABLE]).toEqual([id, true]);
    }
  });

  test('would tell of an answer that is not as it says', () => {
    const check = new DocumentCheck();
    const answer = (status: number, type = 'application/json') => ({
      status,
      headers: new Headers({ 'content-type': type }),
    });
    const good = '{"status":"ok","version":"1","uptime":1}';
    expect(() => check.check('GET', '/health', answer(200), good)).not.toThrow();
    expect(() => check.check('GET', '/health', answer(200), '{"status":"ok","version":"1"}')).toThrow(
      /uptime/,
    );
    expect(() => check.check('GET', '/health', answer(200), good.replace('}', ',"more":1}'))).toThrow(
      /additional/,
    );
    expect(() => check.check('GET', '/health', answer(200, 'text/html'), '<p>')).toThrow(
      /not in the document/,
    );
    expect(() => check.check('GET', '/health', answer(500), '{}')).toThrow(/not in the document/);
  });

  test('gives clients their types', () => {
    const body: ServerApi['createToken']['body'] = { name: 'ci', role: 'operator' };
    const method: ServerApi['createToken']['method'] = 'POST';
    const answer: ServerApi['health']['answer'] = { status: 'ok', version: '1', uptime: 1 };
    // @ts-expect-error there is no such role
    const wrong: ServerApi['createToken']['body'] = { name: 'ci', role: 'king' };
    // @ts-expect-error it is required
    const missing: ServerApi['getAgent']['params'] = {};
    expect([body.role, method, answer.status, wrong, missing]).toHaveLength(5);
  });
});
