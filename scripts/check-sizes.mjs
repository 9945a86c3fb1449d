// What each front costs in a bundle: minified and compressed, our own code alone and with what it bundles. What the client
// loads when it first needs it (sessions, enrollment) counts for itself, as `later`. Fails when one grows past its limit in
// size-limits.json. Needs dist/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { frontsOf, manifestOf } from './manifest.mjs';
import { root } from './wings.mjs';

const manifest = manifestOf(root);
const limits = JSON.parse(readFileSync(join(root, 'scripts/size-limits.json'), 'utf8'));
const peers = Object.keys(manifest.peerDependencies);
const dependencies = Object.keys(manifest.dependencies).map((name) => `${name}/*`);
/** What is imported by `import()`. */
const LATER = ['./sessions/client-sessions.js', './enroll-once.js'];
const names = [...Object.keys(manifest.dependencies), ...dependencies];

const rows = await Promise.all(
  frontsOf(manifest).map(async ({ name: front, file }) => {
    const limit = limits[front];
    const whole = await sizeOf(file, [...peers, ...names]);
    if (limit?.later === undefined) return { front, own: whole, all: await sizeOf(file, peers), limit };
    const [own, all] = [
      await sizeOf(file, [...peers, ...names, ...LATER]),
      await sizeOf(file, [...peers, ...LATER]),
    ];
    return { front, own, all, later: whole - own, limit };
  }),
);
for (const { front, own, all, later = 0, limit } of rows) {
  const isOver = !limit || own > limit.own || all > limit.all || later > (limit.later ?? 0);
  const text = `${front.padEnd(14)} own ${kB(own)} of ${kB(limit?.own)}, with dependencies ${kB(all)} of ${kB(limit?.all)}${
    later ? `, later ${kB(later)} of ${kB(limit.later)}` : ''
  }`;
  console.log(isOver ? `OVER ${text}` : `     ${text}`);
  if (isOver) process.exitCode = 1;
}
const { own, all } = rows.find(({ front }) => front === 'client');
console.log(`${rows.length} fronts; client: ${kB(own)} of our own code, ${kB(all)} in all`);

/** In bytes. The root of Node and what needs files are bundled for Node, all else for browsers. */
async function sizeOf(file, external) {
  const platform = ['index.node', 'audit', 'file', 'http-api', 'server', 'testing'].includes(file)
    ? 'node'
    : 'browser';
  const { outputFiles } = await build({
    entryPoints: [join(root, `dist/esm/${file}.js`)],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    external,
    platform,
    tsconfigRaw: {}, // whose "paths" lead to the sources, and those to Node
    legalComments: 'none',
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

function kB(bytes) {
  return bytes === undefined ? '?' : `${(bytes / 1000).toFixed(1)} kB`;
}
