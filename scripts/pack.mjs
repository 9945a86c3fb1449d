// Packs the root or a wing as it is published: node scripts/pack.mjs [--to FOLDER] [packages/cli]
// What only the repository needs (scripts, devDependencies, workspaces) is left out of the packed package.json: with a
// `prepare` in it, npm would warn of an install script that never runs.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { manifestOf } from './manifest.mjs';
import { absolute } from './package-links.mjs';
import { root } from './wings.mjs';

/** Packs what is built in `folder`. Returns the path of the tarball and the files in it. */
export function pack(folder, destination) {
  const stage = mkdtempSync(join(tmpdir(), 'xlink-pack-'));
  try {
    const paths = npmPack(folder, '--dry-run').files.map(({ path }) => path);
    for (const path of paths) copy(join(folder, path), join(stage, path));
    linkToRepository(stage, paths, manifestOf(folder));
    if (!existsSync(join(stage, 'LICENSE'))) copy(join(root, 'LICENSE'), join(stage, 'LICENSE'));
    const { scripts, devDependencies, workspaces, ...published } = manifestOf(folder);
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
    const { filename, files } = npmPack(stage, '--pack-destination', destination);
    return { tarball: join(destination, filename), files: files.map(({ path }) => path) };
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** A link to what is not packed, such as a test, would end nowhere: it goes to the repository instead. */
function linkToRepository(stage, paths, { repository }) {
  const base = [repository.url.replace(/^git\+|\.git$/g, ''), 'blob/main', repository.directory]
    .filter(Boolean)
    .join('/');
  const isHere = (target) => paths.includes(target);
  for (const page of paths.filter((path) => path.endsWith('.md'))) {
    const file = join(stage, page);
    writeFileSync(file, absolute(readFileSync(file, 'utf8'), page, isHere, base));
  }
}

function npmPack(folder, ...args) {
  const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
  return JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', ...args], options))[0];
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { to: { type: 'string', default: '.' } },
    allowPositionals: true,
  });
  const folder = join(root, positionals[0] ?? '.');
  console.log(pack(folder, resolve(values.to)).tarball);
}
