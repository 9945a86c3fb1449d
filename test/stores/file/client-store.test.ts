import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileClientStore } from '@private.me/xlink/server';

const DID = `did:key:z6Mk${'a'.repeat(44)}`;
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-clients-'));
  path = join(folder, 'state', 'clients.json');
});
afterEach(() => rm(folder, { recursive: true }));

const used = (client: string, keyRequests = 1) => ({
  client,
  keyRequests,
  xlinkRequests: 0,
  lastKeyUse: 5,
  failures: { XLINK_REQUIRED: 2 },
});

describe('FileClientStore', () => {
  test('knows after a restart what it knew before', async () => {
    const before = await FileClientStore.open(path);
    await before.add([used('acme'), used('bolt', 3)]);
    expect(await before.link(DID, 'acme')).toBe('acme');
    await before.setKeyOff('bolt', 7);

    const after = await FileClientStore.open(path);
    expect(after.list()).toEqual(before.list());
    expect(after.clientOf(DID)).toBe('acme');
    expect(after.get('bolt')).toMatchObject({
      keyRequests: 3,
      keyOffSince: 7,
      failures: { XLINK_REQUIRED: 2 },
    });
    expect(await after.link(DID, 'bolt')).toBe('acme');
  });

  test('writes whole files that only the owner can read, and leaves nothing else behind', async () => {
    const store = await FileClientStore.open(path);
    await Promise.all(Array.from({ length: 50 }, (_, at) => store.add([used(`client-${at % 5}`)])));
    expect(await readdir(join(folder, 'state'))).toEqual(['clients.json']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const records: { keyRequests: number }[] = JSON.parse(await readFile(path, 'utf8'));
    expect(records.map(({ keyRequests }) => keyRequests)).toEqual([10, 10, 10, 10, 10]);
  });

  test('a change that could not be written did not happen, and the next one can', async () => {
    const store = await FileClientStore.open(path);
    await rm(join(folder, 'state'), { recursive: true });
    await expect(store.add([used('acme')])).rejects.toMatchObject({ code: 'ENOENT' });
    expect(store.list()).toEqual([]);
    await FileClientStore.open(path); // makes the folder again
    await store.add([used('acme')]);
    expect((await FileClientStore.open(path)).get('acme')).toMatchObject({ keyRequests: 1 });
  });

  test('does not begin anew over a file that is something else', async () => {
    await FileClientStore.open(path);
    for (const text of ['{}', '[1]', 'not JSON', '[{"client":"a"}]']) {
      await writeFile(path, text);
      await expect(FileClientStore.open(path)).rejects.toThrow();
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });
});
