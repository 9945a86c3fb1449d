// Packs the package as it would be published and lets attw and publint judge the tarball.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const built = spawnSync('node', ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), 'xlink-exports-'));

try {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(
    execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  const files = packed.files.map(({ path }) => path);
  const tarball = join(folder, packed.filename);

  const problems = [...strangers(files), ...missing(files), ...unmapped()];
  for (const problem of problems) console.error(problem);
  // The node10 way of resolving knows no "exports", and no supported Node uses it.
  const verdicts = [
    run('attw', [tarball, '--profile', 'node16']),
    run('publint', ['run', tarball, '--strict']),
  ];
  if (problems.length > 0 || verdicts.includes(false)) process.exitCode = 1;
  else console.log(`${files.length} files in the tarball; attw and publint are content`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function strangers(files) {
  const welcome =
    /^(dist\/.*\.(js|js\.map|d\.ts)|dist\/cjs\/package\.json|src\/stores\/postgres\/migrations\/.*\.sql|dashboards\/(xlink-migration\.json|rules\.yml)|package\.json|README\.md|CHANGELOG\.md|LICENSE|THIRD-PARTY-NOTICES)$/;
  return files.filter((file) => !welcome.test(file)).map((file) => `${file} does not belong in the tarball`);
}

// attw is content with a package that has no types at all, so look for ourselves.
function missing(files) {
  const wanted = [
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'src/stores/postgres/migrations/000-schema-version.sql', // errors say where it is
    ...filesNamedIn([manifest.exports, manifest.imports]),
  ];
  const untyped = Object.entries(manifest.exports)
    .filter(([name, entry]) => name !== './package.json' && !(entry.import?.types && entry.require?.types))
    .map(([name]) => `"${name}" in exports has no types for import or require`);
  const absent = wanted.map((file) => file.replace(/^\.\//, '')).filter((file) => !files.includes(file));
  return [...untyped, ...absent.map((file) => `${file} is not in the tarball`)];
}

// Tests and snippets see each subpath through the "paths" of tsconfig.json.
function unmapped() {
  const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions;
  return Object.keys(manifest.exports)
    .filter((name) => name !== './package.json')
    .map((name) => manifest.name + name.slice(1))
    .filter((name) => !(name in paths))
    .map((name) => `tsconfig.json has no path for ${name}`);
}

function filesNamedIn(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(filesNamedIn);
}

function run(tool, args) {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', tool), args, {
    encoding: 'utf8',
  });
  if (status !== 0) console.error(stdout + stderr);
  return status === 0;
}
