import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileRelayStore } from '@private.me/xlink/file';
import { openRelayStore } from '../src/open-relay-store.js';

describe('The folder of a relay, held by another one', () => {
  let folder: string;
  let path: string;
  let holder: FileRelayStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-cli-'));
    path = join(folder, 'messages.jsonl');
    holder = await FileRelayStore.open({ path });
  });
  afterEach(async () => {
    await holder.close();
    await rm(folder, { recursive: true, force: true });
  });

  const heldBy = new RegExp(`messages.jsonl.lock-1 is held by process ${process.pid}; .*; waiting for`);

  test('is said to be, and by which process, before it is waited for', async () => {
    const said: string[] = [];
    const err = (line: string) => {
      said.push(line);
      void holder.close();
    };
    const opened = await openRelayStore({ path }, { out: () => {}, err });
    expect(said).toEqual([expect.stringMatching(heldBy)]);
    await opened.close();
  });

  test('is not waited for without an end', async () => {
    const said: string[] = [];
    const opening = openRelayStore({ path }, { out: () => {}, err: (line) => void said.push(line) }, 100);
    await expect(opening).rejects.toMatchObject({ code: 'ELOCKED' });
    expect(said).toEqual([expect.stringMatching(heldBy)]);
  });
});
