import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, type Identity } from '@private.me/xlink';
import { afterTest, bytes, heard, identityOf, listen, providerOf, registryOf, until } from '../support.js';
import { HYBRID_NAMES, makeVector } from './make-xxhfs-vectors.js';
import { describeIf } from './support.js';

/** Debian's Python sees Debian's packages; one in front of it in the PATH may not. */
const PYTHON = '/usr/bin/python3';
const isThere = existsSync('/usr/lib/python3/dist-packages/dissononce');
const folder = fileURLToPath(new URL('./python', import.meta.url));
const file = fileURLToPath(new URL('./xxhfs.vectors.json', import.meta.url));

interface Said {
  readonly what: string;
  readonly [name: string]: unknown;
}

/** Starts the peer, hands it what it needs, and collects what it says. */
async function startPeer(args: readonly string[], identity: Identity, peer: string, suite: string) {
  const child = spawn(PYTHON, ['peer.py', ...args], {
    cwd: folder,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  afterTest(() => child.kill());
  const said: Said[] = [];
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  createInterface({ input: child.stdout }).on('line', (line) => void said.push(JSON.parse(line)));
  const facts = {
    suite,
    seed: Buffer.from(identity.privateKey).toString('hex'),
    static: Buffer.from(await identity.deriveSubkey('xlink/1 identity noise x25519')).toString('hex'),
    keyRecord: await createKeyRecord(identity),
    peer,
  };
  child.stdin.end(`${JSON.stringify(facts)}\n`);
  const find = (what: string) =>
    until(`the peer says ${what}`, () => {
      if (child.exitCode) throw new Error(errors);
      return said.find((one) => one.what === what);
    });
  const ended = once(child, 'exit').then(([code]) => ({ code, errors }));
  const assertAlive = () => {
    if (child.exitCode) throw new Error(errors);
  };
  return { said, find, ended, assertAlive };
}

const SUITES = [
  ['Noise_XX_25519_ChaChaPoly_SHA256', {}],
  ['Noise_XX_25519_AESGCM_SHA256', { cipher: 'AESGCM' as const }],
  ['Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256', { hybrid: true }],
] as const;

describeIf(isThere, 'python3-dissononce', "an agent on Debian's python3-dissononce", () => {
  test.each(SUITES)('%s: it opens a channel to ours', async (suite, options) => {
    const [ours, theirs] = await Promise.all([identityOf('ours'), identityOf('theirs')]);
    const registry = await registryOf(ours, theirs);
    const limits = { rekeyMessages: 3 };
    const server = await listen(
      providerOf({ identity: ours, registry, limits, ...options }),
      'tcp://127.0.0.1:0',
    );
    const { port } = new URL(server.address);
    const peer = await startPeer(['connect', '127.0.0.1', port], theirs, ours.did, suite);
    const channel = await server.next();
    expect(channel.peer.did).toBe(theirs.did);
    await talk(channel, peer);
  });

  test.each(SUITES)('%s: ours opens a channel to it', async (suite, options) => {
    const [ours, theirs] = await Promise.all([identityOf('ours'), identityOf('theirs')]);
    const registry = await registryOf(ours, theirs);
    const peer = await startPeer(['listen', '127.0.0.1', '0'], theirs, ours.did, suite);
    const { port } = await peer.find('listening');
    const client = providerOf({ identity: ours, registry, limits: { rekeyMessages: 3 }, ...options });
    const channel = await client.open({ did: theirs.did, addresses: [`tcp://127.0.0.1:${port}`] });
    await talk(channel, peer);
  });

  test('it confirms every vector of XXhfs', async () => {
    const child = spawn(PYTHON, ['hybrid.py'], {
      cwd: folder,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      out += data;
    });
    child.stdin.end(readFileSync(file));
    await once(child, 'close');
    expect(out.trim()).toBe(String(HYBRID_NAMES.length));
  });
});

async function talk(
  channel: Awaited<ReturnType<ReturnType<typeof providerOf>['open']>>,
  peer: Awaited<ReturnType<typeof startPeer>>,
) {
  const texts = heard(channel);
  await until('both messages', () => {
    peer.assertAlive();
    return texts.length === 2;
  });
  expect(texts).toEqual(['hello from python', 'under a new key']);
  await channel.send(bytes('hello from node'));
  await channel.send(new Uint8Array(200_000).fill(97));
  await channel.close('that is all');
  expect(await peer.ended).toEqual({ code: 0, errors: '' });
  const said = peer.said.filter(({ what }) => what !== 'listening');
  expect(said[0]).toMatchObject({ what: 'identity', mlDsa65: false });
  expect(said.filter(({ what }) => what === 'message')).toMatchObject([
    { text: 'hello from node' },
    { length: 200_000 },
  ]);
  expect(said.filter(({ what }) => what === 'rekey').length).toBeGreaterThanOrEqual(1);
  expect(said.at(-1)).toEqual({ what: 'closed', reason: 'that is all' });
}

describe('own vectors of XXhfs', () => {
  test('they are what this implementation writes', () => {
    const vectors = HYBRID_NAMES.map(makeVector);
    if (process.env['WRITE_VECTORS']) writeFileSync(file, `${JSON.stringify({ vectors }, null, 1)}\n`);
    expect(JSON.parse(readFileSync(file, 'utf8')).vectors).toEqual(vectors);
  });
});
