import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { agentBoundTo, encodeKeyFile, makeUserKey, openIdentity } from '../src/index.js';
import { keysOf, openNode, placesIn, temporaryFolder } from './support.js';

/** Ids of an instance, after it was closed. */
async function idsOf(folder: string, name: string) {
  const node = await openNode(folder, name);
  const { agent, machine, xlink, isCoSigned } = node.identity;
  await node.close();
  return { agent: agent.id, machine: machine.id, did: xlink.did, isCoSigned };
}

/** Takes files of the identity directory of one machine to that of another one. */
async function move(folder: string, from: string, to: string, ...files: string[]): Promise<void> {
  await mkdir(placesIn(folder, to).identityDir, { recursive: true, mode: 0o700 });
  for (const file of files)
    await cp(join(placesIn(folder, from).identityDir, file), join(placesIn(folder, to).identityDir, file));
}

describe('what survives restarts and moves', () => {
  test('restart the daemon with the same identity directory -> same agent_id', async () => {
    const folder = await temporaryFolder();
    const first = await idsOf(folder, 'a');
    expect(await idsOf(folder, 'a')).toEqual(first);
  });

  test('restart a container with the identity directory mounted -> same agent_id', async () => {
    const folder = await temporaryFolder();
    const first = await idsOf(folder, 'a');
    await rm(placesIn(folder, 'a').dataDir, { recursive: true }); // the container is new, the volume is not
    expect(await idsOf(folder, 'a')).toEqual(first);
  });

  test('move the agent key to another machine -> same agent_id, another machine_id', async () => {
    const folder = await temporaryFolder();
    const first = await idsOf(folder, 'a');
    await move(folder, 'a', 'b', 'agent.key');
    const second = await idsOf(folder, 'b');
    expect(second.agent).toBe(first.agent);
    expect(second.machine).not.toBe(first.machine);
  });

  test('move both the agent key and machine key -> same agent_id and same machine_id', async () => {
    const folder = await temporaryFolder();
    const first = await idsOf(folder, 'a');
    await move(folder, 'a', 'b', 'agent.key', 'machine.key');
    expect(await idsOf(folder, 'b')).toMatchObject({ agent: first.agent, machine: first.machine });
  });

  test('moving the data directory alone -> another agent_id', async () => {
    const folder = await temporaryFolder();
    const first = await idsOf(folder, 'a');
    await cp(placesIn(folder, 'a').dataDir, placesIn(folder, 'b').dataDir, { recursive: true });
    expect((await idsOf(folder, 'b')).agent).not.toBe(first.agent);
  });

  test('xlink.pkcs8 takes the DID along, and the agent key comes from it', async () => {
    const folder = await temporaryFolder();
    const first = await idsOf(folder, 'a');
    await move(folder, 'a', 'b', 'xlink.pkcs8');
    expect(await idsOf(folder, 'b')).toMatchObject({ agent: first.agent, did: first.did, isCoSigned: true });
  });

  test('an agent key without its seed gets a DID of its own, joined by a statement that both sign', async () => {
    const folder = await temporaryFolder();
    const first = await idsOf(folder, 'a');
    await move(folder, 'a', 'b', 'agent.key');
    const node = await openNode(folder, 'b');
    const { xlink, agent, isCoSigned } = node.identity;
    expect([xlink.did === first.did, isCoSigned]).toEqual([false, false]);
    const { binding } = await node.contact();
    expect(await agentBoundTo(xlink.did, binding, xlink.crypto)).toBe(agent.id);
  });

  test('trust decisions survive a restart, by agent_id', async () => {
    const folder = await temporaryFolder();
    const other = keysOf('other').id;
    const node = await openNode(folder, 'a');
    await node.contacts.setTrust(other, 'trusted', 'Friend');
    await node.contacts.addMachine(other, keysOf('machine').id);
    await node.contacts.pin(other, keysOf('machine').id);
    const before = node.contacts.get(other);
    await node.close();
    expect((await openNode(folder, 'a')).contacts.get(other)).toEqual(before);
  });
});

describe('keys', () => {
  test('a user key comes back as the same human, from file or seed, and is never made again', async () => {
    const folder = await temporaryFolder();
    const seed = new Uint8Array(32).fill(9);
    const userId = await makeUserKey(placesIn(folder, 'a'), seed);
    expect((await openIdentity(placesIn(folder, 'a'))).user?.id).toBe(userId);
    expect(await makeUserKey(placesIn(folder, 'b'), seed)).toBe(userId);
    await expect(makeUserKey(placesIn(folder, 'a'))).rejects.toMatchObject({ id: 'USER_KEY_EXISTS' });
  });

  test('both generations of key files are one identity', async () => {
    const folder = await temporaryFolder();
    const keys = keysOf('imported');
    for (const [name, file] of [
      ['first', encodeKeyFile(keys)],
      ['second', encodeKeyFile(keys, 1_800_000_000)],
    ] as const) {
      const { identityDir } = placesIn(folder, name);
      await mkdir(identityDir, { recursive: true, mode: 0o700 });
      await writeFile(join(identityDir, 'agent.key'), file, { mode: 0o600 });
      expect((await openIdentity(placesIn(folder, name))).agent.id).toBe(keys.id);
    }
  });

  test('processes that start at once have the same keys', async () => {
    const folder = await temporaryFolder();
    const opened = await Promise.all(Array.from({ length: 6 }, () => openIdentity(placesIn(folder, 'a'))));
    expect(new Set(opened.map(({ agent, machine }) => `${agent.id} ${machine.id}`)).size).toBe(1);
    expect(
      (await readdir(placesIn(folder, 'a').identityDir)).filter((file) => file.endsWith('.tmp')),
    ).toEqual([]);
  });

  test('instances with names are identities of their own', async () => {
    const folder = await temporaryFolder();
    expect((await idsOf(folder, 'alice')).agent).not.toBe((await idsOf(folder, 'bob')).agent);
  });
});
