// Makes the secrets that compose.yml needs: node deploy/make-secrets.mjs [FOLDER]
// What is there is left alone, so it can be run again.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2] ?? fileURLToPath(new URL('secrets', import.meta.url));
// The folder keeps strangers out. The files in it can be read, as a container sees them as they are, and none of those
// here runs as the user who made them.
mkdirSync(folder, { recursive: true, mode: 0o700 });

const password = () => randomBytes(32).toString('base64url');

make('service-identity.pkcs8', () => {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  return privateKey;
});
for (const name of ['redis-password', 'postgres-password', 'dashboard-password', 'grafana-password'])
  make(name, password);
make('redis-auth.conf', () => `requirepass ${readFileSync(join(folder, 'redis-password'), 'utf8')}\n`);

/** @param {string} name @param {() => string | Uint8Array} content */
function make(name, content) {
  const file = join(folder, name);
  if (existsSync(file)) return console.log(`kept ${file}`);
  writeFileSync(file, content(), { flag: 'wx' });
  chmodSync(file, 0o444); // whatever the umask
  console.log(`made ${file}`);
}

console.log(
  '\nservice-identity.pkcs8 is who the API is. Keep a copy in a safe place: callers know no other.',
);
