// Builds the approval page: its scripts with the parts of the library that they use, style, icons. Needs the built root.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ICON_SVG, iconPng } from './page/icon.mjs';

const OUT = 'dist/page/assets';
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

rmSync(OUT, { recursive: true, force: true });

/** What Node does, browsers do another way. */
const forBrowsers = {
  name: 'for-browsers',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/primitives\.js$/ }, ({ importer }) =>
      importer.startsWith(at('src/')) || importer.startsWith(at('page/'))
        ? { path: at('page/primitives.ts') }
        : undefined,
    );
    onResolve({ filter: /\/threads\.js$/ }, ({ importer }) =>
      importer.startsWith(at('src/')) ? { path: at('page/threads.ts') } : undefined,
    );
    // What the library loads when it is needed, is not needed here.
    onResolve({ filter: /^\.\.?\// }, ({ path, kind, importer }) =>
      kind === 'dynamic-import' && importer.includes('/dist/esm/') ? { path, external: true } : undefined,
    );
    // Passkeys are Ed25519, and the device has no keys for post-quantum encryption.
    onLoad({ filter: /dist\/esm\/crypto\/noble-pq\.js$/ }, () => ({
      contents: 'export const nobleMlKem768 = () => undefined, nobleMlDsa65 = () => undefined;',
    }));
  },
};

const shared = {
  bundle: true,
  minify: true,
  platform: 'browser',
  conditions: ['browser'],
  target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'inline',
  tsconfigRaw: '{}', // the root as it is published, not its sources
  plugins: [forBrowsers],
};
const { metafile } = await build({
  ...shared,
  entryPoints: ['page/main.ts', 'page/passkey.ts'],
  outdir: OUT,
  format: 'esm',
  splitting: true,
  chunkNames: 'part-[hash]',
  external: ['./relay.js'], // apart: it has the whole library in it, and would take the rest along
  metafile: true,
});
await build({ ...shared, entryPoints: ['page/relay.ts'], outfile: `${OUT}/relay.js`, format: 'esm' });
await build({ ...shared, entryPoints: ['page/sw.ts'], outfile: `${OUT}/sw.js`, format: 'iife' });
await build({ ...shared, entryPoints: ['page/page.css'], outfile: `${OUT}/page.css` });

/** What a script loads at once, itself included. */
function withStatic(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind } of metafile.outputs[name].imports)
    if (kind === 'import-statement') withStatic(path, found);
  return found;
}
const main = withStatic(`${OUT}/main.js`);
const thread = withStatic(`${OUT}/passkey.js`);
/** For a first login without a line to the server: all but the relay, which needs one. */
const scan = [...Object.entries(metafile.outputs)]
  .filter(([, { entryPoint }]) => entryPoint === 'page/scan.ts' || entryPoint === 'page/draw-code.ts')
  .flatMap(([name]) => [...withStatic(name)]);
// The scheme with three or more shares of a threshold above two is loaded when it is used.
const split = Object.entries(metafile.outputs)
  .filter(([, { inputs }]) => Object.keys(inputs).some((path) => path.includes('shamir-secret-sharing')))
  .map(([name]) => name);

mkdirSync(OUT, { recursive: true });
writeFileSync(`${OUT}/index.html`, readFileSync('page/index.html'));
writeFileSync(`${OUT}/icon.svg`, ICON_SVG);
for (const size of [192, 512]) writeFileSync(`${OUT}/icon-${size}.png`, iconPng(size));
const shell = [...new Set([...main, ...thread, ...scan, ...split])]
  .map((name) => name.slice(OUT.length))
  .sort();
const files = [
  '/',
  '/page.css',
  '/config.json',
  '/icon.svg',
  '/icon-192.png',
  '/icon-512.png',
  '/manifest.webmanifest',
  ...shell,
];
writeFileSync(`${OUT}/shell.json`, JSON.stringify(files));

const zipped = (names) =>
  [...names].reduce((sum, name) => sum + gzipSync(readFileSync(name), { level: 9 }).length, 0) / 1024;
const first = zipped(new Set([...main, ...thread, `${OUT}/index.html`, `${OUT}/page.css`]));
console.log(
  `approval page: ${first.toFixed(1)} KB gzip at first, worker included; ${zipped(scan).toFixed(1)} KB when a code is scanned`,
);
console.log(`the relay, where one is set: ${zipped([`${OUT}/relay.js`]).toFixed(1)} KB gzip more`);
