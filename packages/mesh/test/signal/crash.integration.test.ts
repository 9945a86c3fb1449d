import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { decodeMessage } from '../../src/signal/session/message.js';
import { temporaryFolder } from './servers.js';
import { idOf, type Peer, seedOf, World } from './support.js';

const PROGRAM = fileURLToPath(new URL('./programs/talker.mjs', import.meta.url));
const PLACES = [
  'before state',
  'after state',
  'before revisions',
  'after revisions',
  'before sending',
  'after sending',
];
const ROUNDS = process.env['SCALE'] === 'full' ? 10 : 1;
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

test('killed at any place between writing and sending, no key is used twice, and the session goes on', async () => {
  const folder = await temporaryFolder();
  const world = new World();
  world.now = Date.now();
  const alice = { did: (await world.agent('alice')).did } as Peer;
  const bob = await world.peer('bob');
  const bundle = await world.directory.as('x').fetch(bob.did);
  const seeds = { alice: hex(seedOf('alice')), bob: hex(seedOf('bob')) };
  const places = new Set<string>();
  const got: string[] = [];
  const events: string[] = [];
  let sent = 0;
  for (let round = 0; round < PLACES.length * ROUNDS; round++) {
    const dieAt = PLACES[round % PLACES.length]!;
    const argument = JSON.stringify({ folder, bundle, seeds, dieAt, after: 3 + round });
    const child = spawn(process.execPath, [PROGRAM, argument], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => {});
    const ended = once(child, 'exit');
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      const [kind, content] = line.split(' ');
      if (kind === 'got') got.push(line);
      if (kind === 'event') events.push(content!);
      if (kind !== 'sent') continue;
      const message = new Uint8Array(Buffer.from(content!, 'hex'));
      const { session, header } = decodeMessage(message);
      places.add(hex(session) + hex(header)); // the place of a message in the ratchet: session, chain and number
      sent++;
      expect(await idOf(() => bob.provider.receive(alice.did, message))).toBe('no error');
      if (sent % 2 === 0) {
        await bob.send(alice, `answer ${sent}`);
        for (const parcel of world.post.take()) child.stdin.write(`${hex(parcel.message)}\n`);
      }
    }
    const [, signal] = await ended;
    expect([dieAt, signal]).toEqual([dieAt, 'SIGKILL']);
    expect(lines.filter((line) => line.startsWith('sent')).length).toBeGreaterThan(0);
  }
  expect(places.size).toBe(sent);
  expect(new Set(bob.inbox).size).toBe(sent);
  expect(new Set(got).size).toBe(got.length);
  expect(got.length).toBeGreaterThan(0);
  expect(bob.told('session-opened')).toHaveLength(1);
  expect(new Set(events)).toEqual(new Set(['prekeys-published', 'session-opened']));
}, 120_000);
