import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { transformSync } from 'esbuild';
import { afterTest } from './support.js';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What the first block of the README takes as given, and an agent at the other end of it. */
const WORLD = `
import { MemoryTrustRegistry } from '@private.me/xlink';
const registry = new MemoryTrustRegistry();
const [identity, peer] = await Promise.all([1, 2].map((n) => Identity.fromSeed(new Uint8Array(32).fill(n))));
await registry.register({ did: peer.did, keys: await createKeyRecord(peer) });
const theirs = await new NoiseProvider({ identity: peer, registry }).listen('tcp://127.0.0.1:0', (channel) => {
  channel.onMessage(async (data) => {
    console.log('they heard', new TextDecoder().decode(data));
    await channel.close();
    await theirs.close();
  });
});
`;

test('the first block of the README does what it says', async () => {
  if (!existsSync(file('../dist/index.js'))) throw new Error('Build the package first.');
  const [, block] = /```ts\n([\s\S]*?)```/.exec(readFileSync(file('../README.md'), 'utf8'))!;
  const real = block!
    .replace(/declare const identity.*\ndeclare const registry.*\n/, WORLD)
    .replace("'did:key:z6Mk…'", 'peer.did')
    .replace("'tcp://192.0.2.7:7000'", 'theirs.address')
    .replace('tcp://0.0.0.0:7000', 'tcp://127.0.0.1:0')
    .replace(/await channel\.closed;.*/, 'console.log((await channel.closed).by); process.exit(0);');
  // In the folder of the package, where its name leads to itself.
  const place = file(`./readme-${process.pid}.tmp.mjs`);
  writeFileSync(place, transformSync(real, { loader: 'ts', format: 'esm', target: 'node20' }).code);
  afterTest(() => rmSync(place));
  const child = spawn(process.execPath, [place]);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  await once(child, 'close');
  expect(output.trim().split('\n')).toEqual(['they heard hello', 'peer']);
});
