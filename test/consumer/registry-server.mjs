// A registry with a few tarballs: node registry-server.mjs TARBALL... Prints its address.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url).slice(1);
  const tarball = packages.find(({ manifest }) => path === `${manifest.name}.tgz`);
  if (tarball) return response.end(tarball.bytes);
  const found = packages.find(({ manifest }) => path === manifest.name);
  if (!found) return response.writeHead(404).end('{}');
  response.setHeader('content-type', 'application/json').end(JSON.stringify(packument(found)));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

const packages = process.argv.slice(2).map((file) => {
  const manifest = execFileSync('tar', ['-xOf', file, 'package/package.json'], { encoding: 'utf8' });
  return { manifest: JSON.parse(manifest), bytes: readFileSync(file) };
});
console.log(url);

function packument({ manifest, bytes }) {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const dist = { tarball: `${url}/${manifest.name}.tgz`, integrity };
  const { name, version } = manifest;
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
}
