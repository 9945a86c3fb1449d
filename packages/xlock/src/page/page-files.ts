import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { ApprovalPageConfig } from './page-config.js';

/** A file of the page, as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  /** Strong, by the content. */
  readonly etag: string;
}

/** Made by the build. From its sources the server takes those of the package that was built. */
const ASSETS = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/page/assets/' : './assets/',
  import.meta.url,
);

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  json: 'application/json; charset=utf-8',
  webmanifest: 'application/manifest+json',
};

const MANIFEST = {
  name: 'xLock',
  short_name: 'xLock',
  description: 'Approve logins with keys that lie nowhere whole.',
  id: '/',
  start_url: '/',
  scope: '/',
  display: 'standalone',
  background_color: '#f4f6f8',
  theme_color: '#0b5cad',
  icons: [
    { src: '/icon.svg', sizes: 'any', type: 'image/svg+xml' },
    { src: '/icon-192.png', sizes: '192x192', type: 'image/png' },
    { src: '/icon-512.png', sizes: '512x512', type: 'image/png' },
    { src: '/icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
  ],
};

/** All files of the page, by path. */
export async function pageFiles(config: ApprovalPageConfig): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  const add = (path: string, body: Buffer | string) => {
    const bytes = Buffer.from(body);
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    files.set(path, { type: TYPES[path === '/' ? 'html' : path.split('.').pop()!]!, body: bytes, etag });
  };
  let shell: readonly string[] = [];
  for (const name of (await readdir(ASSETS)).sort()) {
    const body = await readFile(new URL(name, ASSETS));
    if (name === 'shell.json') shell = JSON.parse(body.toString());
    else add(name === 'index.html' ? '/' : `/${name}`, body);
  }
  add('/manifest.webmanifest', JSON.stringify(MANIFEST));
  add('/config.json', JSON.stringify(config));
  // The service worker is another one as soon as one of its files is.
  const version = createHash('sha256');
  for (const [path, { etag }] of files) version.update(`${path} ${etag}\n`);
  const kept = config.relay ? [...shell, '/relay.js'] : shell;
  const head = { version: version.digest('base64url').slice(0, 16), files: kept };
  add('/sw.js', `const XLOCK_SHELL=${JSON.stringify(head)};\n${files.get('/sw.js')!.body.toString()}`);
  return files;
}
