import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The compiled tracer as a package of its own, in folders with and without `@opentelemetry/api`. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xlink-otel-'));
  const dist = join(folder, 'dist');
  const config = join(folder, 'tsconfig.json');
  const source = join(root, 'src/opentelemetry.ts');
  const options = {
    noEmit: false,
    rootDir: join(root, 'src'),
    outDir: dist,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: options,
      include: [],
      exclude: [],
      files: [source],
    }),
  );
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', config]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SHOW = `
async function show({ openTelemetry }) {
  const tracer = openTelemetry();
  const first = await tracer.trace({ method: 'GET' }, async (span) => { span.end({ mode: 'hybrid', method: 'none', outcome: 'refused', reason: 'X' }); return 'ran'; });
  const ready = await tracer.ready.catch((error) => 'rejected: ' + error.message);
  const told = [];
  for (let i = 0; i < 3; i++) {
    try { told.push(await tracer.trace({ method: 'GET' }, async (span) => { span.end({ mode: 'hybrid', method: 'none', outcome: 'refused', reason: 'X' }); return 'ran'; })); }
    catch (error) { told.push('threw: ' + error.message); }
  }
  console.log(JSON.stringify({ first, ready, told }));
}
`;
const FORMS = [
  ['ESM', 'main.mjs', `import * as xlink from 'xlink';\n${SHOW}\nawait show(xlink);`],
  ['CommonJS', 'main.cjs', `const xlink = require('xlink');\n${SHOW}\nshow(xlink);`],
] as const;

/** What the installed `@opentelemetry/api` is like: the real one, none, or one with these files. */
type Installed = 'real' | 'none' | Record<string, string>;

function run(name: string, installed: Installed, script: string, text: string) {
  const home = join(folder, name);
  const modules = join(home, 'node_modules');
  mkdirSync(join(modules, 'xlink'), { recursive: true });
  cpSync(join(folder, 'dist'), join(modules, 'xlink/dist'), { recursive: true });
  const exports = { import: './dist/opentelemetry.js', require: './wrapper.cjs' };
  writeFileSync(
    join(modules, 'xlink/package.json'),
    JSON.stringify({ name: 'xlink', type: 'module', exports }),
  );
  writeFileSync(join(modules, 'xlink/wrapper.cjs'), "module.exports = require('./dist/opentelemetry.js');");
  if (installed !== 'none') mkdirSync(join(modules, '@opentelemetry'));
  if (installed === 'real')
    symlinkSync(join(root, 'node_modules/@opentelemetry/api'), join(modules, '@opentelemetry/api'));
  else if (installed !== 'none') {
    mkdirSync(join(modules, '@opentelemetry/api'));
    for (const [file, content] of Object.entries(installed))
      writeFileSync(join(modules, '@opentelemetry/api', file), content);
  }
  writeFileSync(join(home, script), text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
    cwd: home,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return {
    status,
    stderr: stderr.replace(/^.*(ExperimentalWarning|--trace-warnings).*\n/gm, ''),
    said: stdout === '' ? stdout : JSON.parse(stdout),
  };
}

describe.each(FORMS)('%s', (form, script, text) => {
  test('with the API there is a tracer, and the process ends by itself', () => {
    expect(run(`${form}-real`, 'real', script, text)).toEqual({
      status: 0,
      stderr: '',
      said: { first: 'ran', ready: true, told: ['ran', 'ran', 'ran'] },
    });
  });

  test('without the API nothing is traced and nothing complains', () => {
    expect(run(`${form}-none`, 'none', script, text)).toEqual({
      status: 0,
      stderr: '',
      said: { first: 'ran', ready: false, told: ['ran', 'ran', 'ran'] },
    });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'has a syntax error',
      { 'package.json': '{"main":"index.js"}', 'index.js': 'const {' },
      /Unexpected|Invalid/,
    ],
    ['throws', { 'package.json': '{"main":"index.js"}', 'index.js': 'throw new Error("no way")' }, /no way/],
    ['lacks a file', { 'package.json': '{"main":"gone.js"}' }, /Cannot find/],
    [
      'lacks a package of its own',
      { 'package.json': '{"main":"index.js"}', 'index.js': 'require("gone")' },
      /Cannot find module 'gone'/,
    ],
    ['is something else', { 'package.json': '{"main":"index.js"}', 'index.js': 'module.exports = {}' }, /./],
  ])('an API that %s is told once, and the process lives', (name, files, message) => {
    const { status, stderr, said } = run(`${form}-${name}`, files, script, text);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(said).toMatchObject({ first: 'ran', told: [expect.stringMatching(/^threw: /), 'ran', 'ran'] });
    expect(said.ready).toMatch(message);
  });
});
