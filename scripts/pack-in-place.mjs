// So that a plain `npm pack` gives what is published, too: `prepack` gives files their published texts, `postpack` gives back
// those of the repository. If npm was stopped in between, `node scripts/pack-in-place.mjs end` does that.
// node scripts/pack-in-place.mjs begin|end, in the folder of the root or of a wing.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { publishedTexts } from './pack.mjs';
import { root } from './wings.mjs';

const folder = process.cwd();
const kept = join(root, 'node_modules/.cache/pack', relative(root, folder) || 'root');
const list = join(kept, 'changed.json');

function end() {
  if (!existsSync(list)) return;
  for (const path of JSON.parse(readFileSync(list, 'utf8'))) {
    const original = join(kept, 'files', path);
    if (existsSync(original)) cpSync(original, join(folder, path));
    else rmSync(join(folder, path), { force: true });
  }
  rmSync(kept, { recursive: true });
}

function begin() {
  end();
  const texts = [...publishedTexts(folder)];
  for (const [path] of texts) {
    if (!existsSync(join(folder, path))) continue;
    mkdirSync(dirname(join(kept, 'files', path)), { recursive: true });
    cpSync(join(folder, path), join(kept, 'files', path));
  }
  mkdirSync(kept, { recursive: true });
  writeFileSync(list, JSON.stringify(texts.map(([path]) => path)));
  for (const [path, text] of texts) writeFileSync(join(folder, path), text);
}

if (process.argv[2] === 'begin') begin();
else end();
