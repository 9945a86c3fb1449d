// What is in the installed package beside code: links, sources, no scripts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileLinksOf } from '../../scripts/package-links.mjs';
import { root as repository } from '../../scripts/wings.mjs';
import { expectNone, install } from './kit.mjs';

export default function tarball({ root }) {
  const home = join(install('tarball', [root]), 'node_modules/@private.me/xlink');
  const files = readdirSync(home, { recursive: true });
  const read = (file) => readFileSync(join(home, file), 'utf8');

  const links = fileLinksOf(read('README.md'), 'README.md');
  if (links.length < 10) throw new Error('the README has lost its links');
  expectNone(
    '[D5] links of the README resolve in the tarball',
    links.filter((link) => !existsSync(join(home, link))),
  );

  const pages = files.filter((file) => file.endsWith('.md'));
  expectNone(
    'code in packed pages is that of the repository',
    pages.filter((page) => codeOf(read(page)) !== codeOf(readFileSync(join(repository, page), 'utf8'))),
  );

  const maps = files.filter((file) => /^dist\/(esm|cjs)\/.*\.d\.ts\.map$/.test(file));
  if (maps.length < 100) throw new Error('declaration maps are missing');
  const sourcesOf = (map) =>
    JSON.parse(read(map)).sources.map((source) => normalize(join(dirname(map), source)));
  expectNone(
    '[D5] declaration maps lead to sources in the tarball',
    maps.flatMap(sourcesOf).filter((source) => !/^src\//.test(source) || !existsSync(join(home, source))),
  );

  const manifest = JSON.parse(read('package.json'));
  expectNone(
    '[D5] package.json says where the package comes from and what it is for',
    ['repository', 'homepage', 'bugs', 'keywords', 'license', 'description'].filter((key) => !manifest[key]),
  );
  expectNone('[D4] no scripts in package.json, so no warning of them', Object.keys(manifest.scripts ?? {}));
  expectNone(
    'no wing in the tarball of the root',
    files.filter((file) => file.startsWith('packages')),
  );
  const notices = read('THIRD-PARTY-NOTICES');
  expectNone(
    '[D1] what is bundled has its notice',
    Object.keys(manifest.dependencies).filter((name) => !notices.includes(`\n${name} `)),
  );
}

const codeOf = (page) => page.match(/```[\s\S]*?```/g)?.join('\n');
