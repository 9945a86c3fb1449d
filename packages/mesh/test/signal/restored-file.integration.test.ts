import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { FileOperationsStore } from '@private.me/xlink/file';
import { failureOf } from '../support.js';
import { temporaryFolder } from './servers.js';
import { World } from './support.js';

test('a state file from an old backup is not used: both sides go on in a new session, and no message is lost or doubled', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'mesh-state.jsonl');
  const revisionsFile = join(folder, 'mesh-revisions.jsonl');
  const both = [file, `${file}.head`];
  const world = new World();
  const bob = await world.peer('bob');
  const start = async () => {
    const stores = [new FileOperationsStore(file), new FileOperationsStore(revisionsFile)] as const;
    const [state, revisions] = stores;
    const close = () => Promise.all(stores.map((store) => store.close()));
    try {
      const alice = await world.peer('alice', { state, revisions });
      const stop = async () => {
        await alice.provider.close();
        await close();
      };
      return { alice, stop };
    } catch (error) {
      await close();
      throw error;
    }
  };
  const talk = async ({ alice }: Awaited<ReturnType<typeof start>>, n: number) => {
    await alice.send(bob, `to bob ${n}`);
    await world.post.deliver();
    await bob.send(alice, `to alice ${n}`);
    await world.post.deliver();
  };
  const first = await start();
  await talk(first, 1);
  await first.stop();
  for (const name of both) await copyFile(name, `${name}.backup`);
  const second = await start();
  await talk(second, 2);
  await second.stop();
  await copyFile(`${file}.backup`, file);
  const alone = await failureOf(start); // the file that says how far it was acknowledged is not of the backup
  expect(alone).toMatchObject({ id: 'SIGNAL_STATE_UNAVAILABLE', cause: { code: 'ELOST' } });
  await copyFile(`${file}.head.backup`, `${file}.head`);
  const third = await start();
  await talk(third, 3);
  expect(third.alice.told('state-rolled-back')).toContainEqual({ type: 'state-rolled-back', did: bob.did });
  expect(bob.inbox).toEqual(['to bob 1', 'to bob 2', 'to bob 3']);
  expect(third.alice.inbox).toEqual(['to alice 3']);
  expect([third.alice.refused, bob.refused]).toEqual([[], []]);
  await third.stop();
  const fourth = await start();
  await talk(fourth, 4);
  expect(fourth.alice.events).toEqual([]);
  expect(bob.inbox.at(-1)).toBe('to bob 4');
  await fourth.stop();
});
