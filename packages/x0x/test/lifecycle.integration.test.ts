import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { assertCertificate, type DirectMessage, decodeCertificateFile, makeUserKey } from '../src/index.js';
import { openNode, placesIn, startRelay, temporaryFolder, until } from './support.js';

const text = (message: DirectMessage) => new TextDecoder().decode(message.payload);
const bytes = (value: string) => new TextEncoder().encode(value);
const heard = (by: { events: { type: string }[] }, type: string) =>
  by.events.filter((event) => event.type === type);

/** Two instances that have each other's card. */
async function acquainted() {
  const folder = await temporaryFolder();
  const relayUrl = await startRelay();
  const alice = await openNode(folder, 'alice', { relayUrl });
  const bob = await openNode(folder, 'bob', { relayUrl });
  await alice.importCard((await bob.card({ displayName: 'Bob' })).link);
  await bob.importCard((await alice.card({ displayName: 'Alice' })).link);
  return { folder, relayUrl, alice, bob };
}

describe('identity lifecycle', () => {
  test('1. key generation (first run): machine.key and agent.key, and no user key', async () => {
    const folder = await temporaryFolder();
    const { identityDir } = placesIn(folder, 'alice');
    const node = await openNode(folder, 'alice');
    const files = await readdir(identityDir);
    expect(files).toEqual(expect.arrayContaining(['machine.key', 'agent.key', 'xlink.pkcs8']));
    expect(files).not.toContain('user.key');
    expect(files).not.toContain('agent.cert');
    for (const name of ['machine.key', 'agent.key', 'xlink.pkcs8'])
      expect((await stat(join(identityDir, name))).mode & 0o777).toBe(0o600);
    expect((await stat(identityDir)).mode & 0o777).toBe(0o700);
    expect(node.identity.user).toBeUndefined();
    expect(node.identity.isCoSigned).toBe(true);
  });

  test('2. certificate creation (optional): only with a user key, when it is needed, from both keys', async () => {
    const { folder, alice, bob } = await acquainted();
    await alice.close();
    const userId = await makeUserKey(placesIn(folder, 'alice'));
    const again = await openNode(folder, 'alice', { relayUrl: await startRelay() });
    expect(again.identity.user?.id).toBe(userId);
    await again.announce({ includeUserIdentity: true, humanConsent: true });
    const file = await readFile(join(placesIn(folder, 'alice').identityDir, 'agent.cert'));
    const certificate = decodeCertificateFile(new Uint8Array(file));
    assertCertificate(certificate, { now: again.now(), agentId: again.identity.agent.id, userId });
    expect(bob.identity.user).toBeUndefined();
  });

  test('3. announcement signing: ids and time, signed by the machine, without the user', async () => {
    const { alice, bob } = await acquainted();
    await alice.announce();
    const found = await until('bob hears of alice', () => {
      const agent = bob.discovery.get(alice.identity.agent.id, bob.now());
      return agent?.source === 'announcement' ? agent : undefined;
    });
    expect(found).toMatchObject({
      agentId: alice.identity.agent.id,
      machineId: alice.identity.machine.id,
      did: alice.identity.xlink.did,
      userId: undefined,
      certificate: undefined,
    });
  });

  test('4. network discovery: verified, trusted, cached, and passed on to peers', async () => {
    const { folder, relayUrl, alice, bob } = await acquainted();
    const carol = await openNode(folder, 'carol', { relayUrl });
    await bob.importCard((await carol.card({ displayName: 'Carol' })).link);
    await carol.importCard((await bob.card({ displayName: 'Bob' })).link);
    await alice.announce(); // knows bob, and not carol
    const found = await until('carol hears of alice by bob', () =>
      carol.discovery.get(alice.identity.agent.id, carol.now()),
    );
    expect(found.did).toBe(alice.identity.xlink.did);
    expect(await carol.directory.agentOf(alice.identity.xlink.did)).toBe(alice.identity.agent.id);
    expect(carol.contacts.get(alice.identity.agent.id)).toBeUndefined();
  });

  test('5. connection establishment: looked up, trusted, and messages over the relay, both ways', async () => {
    const { alice, bob } = await acquainted();
    const [atAlice, atBob]: DirectMessage[][] = [[], []];
    alice.onDirect((message) => void atAlice!.push(message));
    bob.onDirect((message) => void atBob!.push(message));
    await alice.sendDirect(bob.identity.agent.id, bytes('hello bob'));
    const first = await until('bob has it', () => atBob![0]);
    expect(text(first)).toBe('hello bob');
    expect(first).toMatchObject({
      agentId: alice.identity.agent.id,
      machineId: alice.identity.machine.id,
      decision: 'AcceptWithFlag',
    });
    await bob.sendDirect(first.agentId, bytes('hello alice'));
    expect(text(await until('alice has it', () => atAlice![0]))).toBe('hello alice');
    expect(heard(bob, 'fault')).toEqual([]);
  });
});
