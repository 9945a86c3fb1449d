// The documents as a site: it builds from what npm has, its own check finds no dead link, and it works without the network.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/wings.mjs';
import { expectNone, workshop } from './kit.mjs';

const PAGES = [
  'index',
  'run-an-api',
  'call-an-api',
  'approve',
  'on-call',
  'migration',
  'errors',
  'api/index',
];

export default function site() {
  const home = join(workshop, 'site-of');
  mkdirSync(home);
  for (const folder of ['docs', 'clients', 'README.md', 'SECURITY.md', 'CHANGELOG.md'])
    cpSync(join(root, folder), join(home, folder), { recursive: true });
  const left = /\/(node_modules|dist|cache)$/;
  cpSync(join(root, 'site'), join(home, 'site'), { recursive: true, filter: (path) => !left.test(path) });
  const options = { cwd: join(home, 'site'), stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], options);
  execFileSync('npm', ['run', 'build', '--silent'], options);

  const dist = join(home, 'site/dist');
  const read = (file) => readFileSync(join(dist, file), 'utf8');
  expectNone(
    'the site has a page for each reader',
    PAGES.filter((page) => !existsSync(join(dist, `${page}.html`))),
  );
  const files = readdirSync(dist, { recursive: true });
  const loads = /<(?:script|link|img)[^>]+(?:src|href)="(https?:)?\/\/[^"]+"/g;
  expectNone(
    'it loads nothing over the network',
    files.filter((file) => file.endsWith('.html')).flatMap((file) => read(file).match(loads) ?? []),
  );
  const index = files.find((file) => /localSearchIndex.*\.js$/.test(file));
  const wanted = ['MigrationPlan', 'XLINK_REQUIRED', 'openFileState', 'brownout'];
  expectNone(
    'its search knows the words of the pages',
    wanted.filter((word) => !index || !read(index).toLowerCase().includes(word.toLowerCase())),
  );
}
