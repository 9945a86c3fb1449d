// What the consumers share: the packed packages, folders to install them in, and a line for each thing that was tried.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, wings } from '../../scripts/wings.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A package at the version that the repository itself uses. */
export const ours = (name) => `${name}@${devDependencies[name]}`;

/** Where everything happens; removed at the end. */
export const workshop = mkdtempSync(join(tmpdir(), 'xlink-consumer-'));
process.once('exit', () => rmSync(workshop, { recursive: true, force: true }));

/** Packs with a plain `npm pack`, which builds, and leaves the repository as it was. Returns the tarballs by name: `root`, `cli`. */
export function packAll(into = workshop) {
  const places = [['root', '.'], ...wings.map((wing) => [wing.slice('packages/'.length), wing])];
  return Object.fromEntries(places.map(([name, place]) => [name, packed(join(root, place), into)]));
}

function packed(folder, into) {
  const texts = () => ['package.json', 'README.md'].map((name) => readFileSync(join(folder, name), 'utf8'));
  const before = texts();
  const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  const said = execFileSync('npm', ['pack', '--silent', '--pack-destination', into], options);
  expectNone(
    `npm pack leaves ${relative(root, folder) || 'the repository'} as it was`,
    texts().filter((text, at) => text !== before[at]),
  );
  return join(into, said.trim().split('\n').at(-1));
}

/** A folder with these packages. */
export function install(name, packages, manifest = {}) {
  const home = join(workshop, name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, ...manifest }));
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...packages];
  execFileSync('npm', args, { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] });
  return home;
}

/** Copies files of this folder into another one, under their own names. */
export function copy(home, ...files) {
  for (const file of files) {
    mkdirSync(dirname(join(home, file)), { recursive: true });
    cpSync(join(here, file), join(home, file), { recursive: true });
  }
}

export const node = (home, ...args) => [process.execPath, args, home];
export const bin = (home, tool, ...args) => [join(home, 'node_modules/.bin', tool), args, home];

/** Runs commands until one fails. Consumers must end by themselves: what lingers is a failure, too. */
export function attempt(title, commands, { env = {}, wanted = 0, says = '' } = {}) {
  const started = performance.now();
  for (const [command, args, cwd] of commands) {
    const { status, error, stdout, stderr } = spawnSync(command, args, {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    });
    const output = `${stdout}${stderr}`;
    if (status !== wanted || !output.includes(says)) return failed(title, `${error?.message ?? ''}${output}`);
  }
  console.log(`ok ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

/** For what needs no process of its own: `problems` is a list that should be empty. */
export function expectNone(title, problems) {
  if (problems.length > 0) failed(title, problems.join('\n'));
  else console.log(`ok ${title}`);
}

function failed(title, output) {
  process.exitCode = 1;
  console.error(`FAILED ${title}\n${output}`);
}
