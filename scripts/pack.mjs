// Packs what is built of the root or a wing, as it is published; `npm pack` builds first and gives the same.
// What only the repository needs (scripts, devDependencies, workspaces) is left out of the packed package.json: with a
// `prepare` in it, npm would warn of an install script that never runs.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { manifestOf } from './manifest.mjs';
import { absolute } from './package-links.mjs';
import { root } from './wings.mjs';

/** Packs what is built in `folder`. Returns the path of the tarball and the files in it. */
export function pack(folder, destination) {
  const stage = mkdtempSync(join(tmpdir(), 'xlink-pack-'));
  try {
    const paths = packedPaths(folder);
    for (const path of paths) copy(join(folder, path), join(stage, path));
    for (const [path, text] of publishedTexts(folder, paths)) writeFileSync(join(stage, path), text);
    const { filename, files } = npmPack(stage, '--pack-destination', destination);
    return { tarball: join(destination, filename), files: files.map(({ path }) => path) };
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** The files that are published with another text than they have in `folder`, or are not there. */
export function* publishedTexts(folder, paths = packedPaths(folder)) {
  const manifest = manifestOf(folder);
  const { scripts, devDependencies, workspaces, ...published } = manifest;
  yield ['package.json', `${JSON.stringify(published, null, 2)}\n`];
  if (!existsSync(join(folder, 'LICENSE'))) yield ['LICENSE', readFileSync(join(root, 'LICENSE'), 'utf8')];
  yield* linkedToRepository(folder, paths, manifest);
}

const packedPaths = (folder) => npmPack(folder, '--dry-run').files.map(({ path }) => path);

/** A link to what is not packed, such as a test, would end nowhere: it goes to the repository instead. */
function* linkedToRepository(folder, paths, { repository }) {
  const base = [repository.url.replace(/^git\+|\.git$/g, ''), 'blob/main', repository.directory]
    .filter(Boolean)
    .join('/');
  const isHere = (target) => paths.includes(target);
  for (const page of paths.filter((path) => path.endsWith('.md'))) {
    yield [page, absolute(readFileSync(join(folder, page), 'utf8'), page, isHere, base)];
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
