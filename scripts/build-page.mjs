// Bundles the page of the dashboard (src/dashboard/page/) into one module of strings, page/bundle.ts, with the hashes
// that its Content-Security-Policy names. Runs after `npm ci` (prepare), before a build and before tests.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { licenseOf, writeIfChanged } from './bundles.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'src/dashboard/page');
const target = join(page, 'bundle.ts');
const TITLE = '{{title}}';

/** Jest calls it before the tests. */
export default async function buildPage() {
  const [script, style] = [await bundle('main.ts'), await bundle('page.css')];
  const html = readFileSync(join(page, 'index.html'), 'utf8')
    .replace(/\n\s+/g, '\n')
    .replace('/* the style */', () => style)
    .replace('/* the script */', () => script);
  if (!html.includes(script) || !html.includes(style)) throw new Error('index.html has lost its places');
  if (/<\/(script|style)/i.test(script + style)) throw new Error('the bundle would end its own element');
  const module = `// Made by scripts/build-page.mjs out of this folder. Not to be edited, and not in the repository.
export const SCRIPT_HASH: string = '${hashOf(script)}';
export const STYLE_HASH: string = '${hashOf(style)}';
export const PIECES: readonly string[] = ${JSON.stringify(html.split(TITLE))};
`;
  writeIfChanged(target, module);
}

async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [join(page, entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['es2022', 'chrome105', 'firefox115', 'safari16'],
    charset: 'utf8',
    legalComments: 'inline',
    banner: entry.endsWith('.ts') ? { js: `/*!\n${licenseOf('uplot', root)}\n*/` } : {},
  });
  // Parsers of HTML read \r\n as \n: the hash of anything else would be the hash of something else.
  return outputFiles[0].text.replaceAll('\r\n', '\n').trim();
}

const hashOf = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
