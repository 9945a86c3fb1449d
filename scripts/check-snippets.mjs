// Compiles every ```ts block of README.md, docs/ and the same of the wings against the sources, so that the documentation cannot rot.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestOf } from './manifest.mjs';
import { snippetsOf } from './snippets-of.mjs';
import { root, wings } from './wings.mjs';

// Inside the repository, so that the snippets resolve packages as the sources do.
const workshop = join(root, '.check-snippets');

const snippets = markdownFiles().flatMap((file) => snippetsOf(readFileSync(join(root, file), 'utf8'), file));
const compiled = snippets.filter(({ ignored }) => !ignored);
console.log(`${compiled.length} snippets compiled, ${snippets.length - compiled.length} ignored`);
if (compiled.length > 0) process.exitCode = compile();

function markdownFiles() {
  const docs = pagesIn('docs');
  const ofWings = wings.flatMap((wing) => [join(wing, 'README.md'), ...pagesIn(join(wing, 'docs'))]);
  return ['README.md', ...docs, ...ofWings].filter(
    (file) => file.endsWith('.md') && existsSync(join(root, file)),
  );
}

function pagesIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name));
}

function compile() {
  try {
    rmSync(workshop, { recursive: true, force: true });
    mkdirSync(workshop);
    for (const [index, snippet] of compiled.entries()) {
      writeFileSync(join(workshop, `snippet-${index}.ts`), snippet.text);
    }
    // "force": a snippet without imports is still a module with names of its own.
    const config = {
      extends: '../tsconfig.json',
      compilerOptions: { moduleDetection: 'force', paths: { ...pathsOfRoot(), ...pathsOfWings() } },
      include: ['*.ts'],
      exclude: [],
    };
    writeFileSync(join(workshop, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const args = ['-p', workshop, '--pretty', 'false'];
    const { status, stdout, stderr } = spawnSync(tsc, args, { cwd: root, encoding: 'utf8' });
    process.stderr.write(stderr + inMarkdown(stdout));
    return status ?? 1;
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** Those of tsconfig.json, seen from the workshop. */
function pathsOfRoot() {
  const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions;
  return Object.fromEntries(Object.entries(paths).map(([name, [file]]) => [name, [join(root, file)]]));
}

/** Each front of a wing is the source of what it publishes: they need not be built. */
function pathsOfWings() {
  const fronts = wings.flatMap((wing) => {
    const { name, exports } = manifestOf(join(root, wing));
    return Object.entries(exports)
      .filter(([, { types }]) => types)
      .map(([front, { types }]) => [
        name + front.slice(1),
        [join(root, wing, types.replace('/dist/', '/src/').replace(/\.d\.ts$/, '.ts'))],
      ]);
  });
  return Object.fromEntries(fronts);
}

// A snippet keeps the line numbers of its page, so only the file name has to be put back.
function inMarkdown(output) {
  return output.replace(
    /^.*snippet-(\d+)\.ts\((\d+),(\d+)\)/gm,
    (_, index, line, column) => `${compiled[index].file}:${line}:${column}`,
  );
}
