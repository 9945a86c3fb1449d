// Packs root and wings as they would be published and lets attw and publint judge the tarballs.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesNamedIn, manifestOf } from './manifest.mjs';
import { pack } from './pack.mjs';
import { fileLinksOf } from './package-links.mjs';
import { root, wings } from './wings.mjs';

const COMMON =
  /^(dist\/.*\.(js|js\.map|d\.ts|d\.ts\.map)|dist\/page\/assets\/[\w.-]+|src\/.*\.(ts|html|css|sql)|docs\/.*\.(md|json)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
const ROOT_ONLY =
  /^(bin\/xlink\.mjs|dist\/(cjs|node)\/package\.json|(api|clients|docs|examples|deploy|dashboards)\/.*|THIRD-PARTY-NOTICES)$/;

const built = spawnSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), 'xlink-exports-'));

try {
  // The root takes longest: the wings are packed and judged meanwhile.
  const ofRoot = check('.', []);
  const problems = [];
  for (const wing of wings) problems.push(...(await check(wing, ['--profile', 'esm-only'])));
  problems.unshift(...(await ofRoot));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`${1 + wings.length} tarballs; attw and publint are content`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function check(place, attwOptions) {
  const manifest = manifestOf(join(root, place));
  const { tarball, files } = pack(join(root, place), folder);
  const judging = [
    run('attw', [tarball, '--format', 'ascii', ...attwOptions, '--entrypoints', ...oneOfEachShape(manifest)]),
    run('publint', ['run', tarball, '--strict']),
  ];
  const home = mkdtempSync(join(folder, 'package-'));
  execFileSync('tar', ['-xzf', tarball, '-C', home]);
  const read = (file) => readFileSync(join(home, 'package', file), 'utf8');
  const complaints = [
    ...strangers(files, place),
    ...missing(files, manifest),
    ...deadLinks(read, files),
    ...leftovers(read('package.json')),
    ...(place === '.' ? unmapped(manifest) : []),
  ];
  const judged = await Promise.all(judging);
  return [...complaints.map((complaint) => `${place}: ${complaint}`), ...judged.filter(Boolean)];
}

// attw compiles a program for each entry. Those that differ in their name alone would be told the same: that their files exist is seen in `missing`.
function oneOfEachShape({ exports, typesVersions = { '*': {} } }) {
  const shapes = new Map();
  for (const [name, entry] of Object.entries(exports)) {
    const front = name.slice(2);
    const shape = JSON.stringify([entry, typesVersions['*'][front]]).replaceAll(`/${front}.`, '/*.');
    if (!shapes.has(shape)) shapes.set(shape, name);
  }
  return shapes.values();
}

function strangers(files, place) {
  const welcome = (file) => COMMON.test(file) || (place === '.' && ROOT_ONLY.test(file));
  return files.filter((file) => !welcome(file)).map((file) => `${file} does not belong in the tarball`);
}

// attw is content with a package that has no types at all, so look for ourselves.
function missing(files, { exports, imports = {}, bin = {}, main = [], types = [], typesVersions = {} }) {
  const named = filesNamedIn([exports, imports, bin, main, types, typesVersions]);
  const wanted = ['README.md', 'CHANGELOG.md', 'LICENSE', ...named];
  const untyped = Object.entries(exports)
    .filter(([name, entry]) => name !== './package.json' && !JSON.stringify(entry).includes('"types"'))
    .map(([name]) => `"${name}" in exports has no types`);
  const absent = wanted.map((file) => file.replace(/^\.\//, '')).filter((file) => !files.includes(file));
  return [...untyped, ...absent.map((file) => `${file} is not in the tarball`)];
}

function deadLinks(read, files) {
  return files
    .filter((file) => file.endsWith('.md'))
    .flatMap((page) => fileLinksOf(read(page), page).map((target) => [page, target]))
    .filter(([, target]) => !files.includes(target))
    .map(([page, target]) => `${page} links to ${target}, which is not in the tarball`);
}

function leftovers(manifest) {
  const { scripts, devDependencies, workspaces } = JSON.parse(manifest);
  return scripts || devDependencies || workspaces ? ['package.json has what only the repository needs'] : [];
}

// Tests and snippets see each subpath through the "paths" of tsconfig.json.
function unmapped(manifest) {
  const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions;
  return Object.keys(manifest.exports)
    .filter((name) => name !== './package.json')
    .map((name) => manifest.name + name.slice(1))
    .filter((name) => !(name in paths))
    .map((name) => `tsconfig.json has no path for ${name}`);
}

/** What the tool has to complain about, if anything. */
function run(tool, args) {
  return new Promise((resolve) => {
    execFile(join(root, 'node_modules/.bin', tool), args, { maxBuffer: 2 ** 25 }, (error, stdout, stderr) =>
      resolve(error ? `${tool}: ${stdout}${stderr}` : undefined),
    );
  });
}
