import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileClientStore } from '@private.me/xlink/file';

const DID = `did:key:z6Mk${'a'.repeat(44)}`;
let folder: string;
let path: string;
let opened: FileClientStore[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-clients-'));
  path = join(folder, 'state', 'clients.jsonl');
  opened = [];
});
afterEach(async () => {
  for (const store of opened) await store.close();
  await rm(folder, { recursive: true, maxRetries: 10 });
});

async function open(): Promise<FileClientStore> {
  const store = await FileClientStore.open(path);
  opened.push(store);
  return store;
}
async function reopened(store: FileClientStore): Promise<FileClientStore> {
  await store.close();
  return open();
}

const used = (client: string, keyRequests = 1) => ({
  client,
  keyRequests,
  xlinkRequests: 0,
  lastKeyUse: 5,
  failures: { XLINK_REQUIRED: 2 },
});

describe('FileClientStore', () => {
  test('knows after a restart what it knew before', async () => {
    const before = await open();
    await before.add([used('acme'), used('bolt', 3)]);
    expect(await before.link(DID, 'acme')).toBe('acme');
    await before.setKeyOff('bolt', 7);
    await before.setKeyOff('acme', 8);
    await before.setKeyOff('acme', undefined);

    const after = await reopened(before);
    expect(after.list()).toEqual(before.list());
    expect(after.clientOf(DID)).toBe('acme');
    expect(after.get('acme')).not.toHaveProperty('keyOffSince');
    expect(after.get('bolt')).toMatchObject({
      keyRequests: 3,
      keyOffSince: 7,
      failures: { XLINK_REQUIRED: 2 },
    });
    expect(await after.link(DID, 'bolt')).toBe('acme');
  });

  test('knows the same after its file was written anew', async () => {
    const store = await open();
    await store.link(DID, 'acme');
    await store.link(`${DID}b`, 'acme');
    await store.setKeyOff('acme', 7);
    for (let round = 0; round < 40; round++)
      await store.add(Array.from({ length: 100 }, (_, at) => used(`client-${at}`)));
    expect((await stat(path)).size).toBeLessThan(400_000); // 500 000 were written
    const list = store.list();
    expect((await reopened(store)).list()).toEqual(list);
    expect(list[0]).toMatchObject({ dids: [DID, `${DID}b`], keyOffSince: 7 });
  });

  test('a change that could not be written did not happen', async () => {
    const store = await open();
    await store.add([used('acme')]);
    await rm(join(folder, 'state'), { recursive: true, maxRetries: 10 });
    await expect(store.add([used('bolt')])).rejects.toMatchObject({ code: 'ECHANGED' });
    await expect(store.link(DID, 'acme')).rejects.toMatchObject({ code: 'ECHANGED' });
    expect([store.get('bolt'), store.clientOf(DID)]).toEqual([undefined, undefined]);
    expect(store.get('acme')).toMatchObject({ keyRequests: 1 });
  });

  test('options are checked', async () => {
    await expect(FileClientStore.open('')).rejects.toMatchObject({ id: 'INVALID_OPTION', field: 'path' });
    await expect(FileClientStore.open(path, { lockWait: 1 } as never)).rejects.toMatchObject({
      field: 'lockWait',
      hint: expect.stringContaining('did you mean lockWaitMs'),
    });
  });
});
