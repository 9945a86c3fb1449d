// Installs the packed package as strangers would, and runs what they would write.
// One line per consumer; exits non-zero if any of them fails.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const typescript = [
  `typescript@${devDependencies.typescript}`,
  `@types/node@${devDependencies['@types/node']}`,
];

// The ways to compile TypeScript: package type, then the options that differ.
const nodeEsm = ['module', { module: 'nodenext' }];
const nodeCjs = ['commonjs', { module: 'node16' }];
const bundler = ['module', { module: 'esnext', moduleResolution: 'bundler' }];

const folder = mkdtempSync(join(tmpdir(), 'xlink-consumer-'));
let failures = 0;

try {
  const tarball = pack();
  for (const major of [5, 4]) {
    const packages = [`express@${major}`, `@types/express@${major}`, 'prom-client@15', ...typescript];
    const home = install(`express${major}`, [tarball, ...packages]);
    runScript(home, 'esm.mjs');
    runScript(home, 'cjs.cjs');
    runScript(home, 'one-instance.cjs');
    runTypeScript(home, 'typed.ts', 'node-esm', nodeEsm);
    runTypeScript(home, 'typed.ts', 'node-cjs', nodeCjs);
    runTypeScript(home, 'typed.ts', 'bundler', bundler);
  }
  const home = install('no-peers', [tarball, ...typescript]);
  runScript(home, 'one-instance.cjs');
  runTypeScript(home, 'bare.ts', 'node-esm', nodeEsm);
  runTypeScript(home, 'bare.ts', 'node-cjs', nodeCjs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;

function pack() {
  execFileSync('node', ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const output = execFileSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return join(folder, JSON.parse(output)[0].filename);
}

function install(name, packages) {
  const home = join(folder, name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true }');
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...packages];
  execFileSync('npm', args, { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] });
  copyFileSync(join(here, 'story.cjs'), join(home, 'story.cjs'));
  return home;
}

function runScript(home, script) {
  copyFileSync(join(here, script), join(home, script));
  report(home, script, [['node', [script], home]]);
}

function runTypeScript(home, source, name, [type, options]) {
  const project = join(home, `${name}-${source}`);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type }));
  copyFileSync(join(here, source), join(project, 'main.ts'));
  const strictest = { strict: true, skipLibCheck: false, target: 'es2022', lib: ['es2022'], types: ['node'] };
  const compilerOptions = { ...strictest, esModuleInterop: true, ...options };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
  report(home, `${source} ${name}`, [
    [join(home, 'node_modules/.bin/tsc'), ['-p', '.'], project],
    ['node', ['main.js'], project],
  ]);
}

/** Runs the commands until one fails. Consumers must end by themselves: what lingers is a failure too. */
function report(home, name, commands) {
  const title = `${home.slice(folder.length + 1)} ${name}`;
  for (const [command, args, cwd] of commands) {
    const { status, error, stdout, stderr } = spawnSync(command, args, {
      cwd,
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (status !== 0) {
      failures += 1;
      console.error(`FAILED ${title}\n${error?.message ?? ''}${stdout}${stderr}`);
      return;
    }
  }
  console.log(`ok ${title}`);
}
