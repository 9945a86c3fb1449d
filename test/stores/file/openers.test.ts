import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FileClientStore } from '@private.me/xlink/file';
import { afterTest } from '../../support/after-test.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { FILE_STORES } from './all-stores.js';

/** Puts something in front of `datasync` of all open files, for one test. */
async function beforeSync(path: string, hook: () => Promise<void>): Promise<() => void> {
  const file = await open(path, 'r');
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  await file.close();
  const { datasync } = prototype;
  prototype.datasync = async function (this: FileHandle) {
    await hook();
    return datasync.call(this);
  };
  return () => {
    prototype.datasync = datasync;
  };
}

describe.each(FILE_STORES)('$name', (kind) => {
  test('[E2] a second one is refused, and says which process has the file', async () => {
    const path = join(await temporaryFolder(), 'state');
    const first = await kind.open({ path });
    afterTest(() => first.close());
    await first.write(1);
    const second = kind.open({ path, lockWaitMs: 0 });
    await expect(second).rejects.toMatchObject({
      code: 'ELOCKED',
      message: expect.stringMatching(new RegExp(`held by process ${process.pid}`)),
    });
    await first.write(2);
    expect(await first.last()).toBe(2);
  });

  test('[E2] what is acknowledged is on the disk', async () => {
    const path = join(await temporaryFolder(), 'state');
    const store = await kind.open({ path });
    afterTest(() => store.close());
    const { size } = await stat(path);
    let letGo = () => {};
    let reached = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const atGate = new Promise<void>((resolve) => (reached = resolve));
    const restore = await beforeSync(path, () => {
      reached();
      return gate;
    });
    try {
      let acknowledged = false;
      const written = store.write(1).then(() => (acknowledged = true));
      await atGate;
      expect((await stat(path)).size).toBeGreaterThan(size);
      expect(acknowledged).toBe(false);
      letGo();
      await written;
    } finally {
      restore();
    }
    const { size: recorded } = JSON.parse(await readFile(`${path}.head`, 'utf8')).data;
    expect(recorded).toBe((await stat(path)).size);
  });
});

const WAITING = FILE_STORES.filter(({ name }) => name !== 'EnterpriseStore'); // that one is tried again when it is needed
describe.each(WAITING)('$name in an overlapping deploy', (kind) => {
  test('[E2] the new one waits for the old one, and has all that the old one acknowledged', async () => {
    const path = join(await temporaryFolder(), 'state');
    const older = await kind.open({ path });
    await older.write(1);
    let isOpen = false;
    const opening = kind.open({ path, lockWaitMs: 30_000 }).then((store) => {
      isOpen = true;
      return store;
    });
    for (let number = 2; number <= 20; number++) await older.write(number);
    expect(isOpen).toBe(false);
    await older.close();
    const newer = await opening;
    afterTest(() => newer.close());
    expect(await newer.last()).toBe(20);
    await newer.write(21);
    expect(await newer.last()).toBe(21);
    await expect(older.write(22)).rejects.toThrow();
  });
});

test('[E2] neither a link nor a key that was switched off is lost in an overlapping deploy', async () => {
  const path = join(await temporaryFolder(), 'clients');
  const older = await FileClientStore.open(path);
  const opening = FileClientStore.open(path);
  await older.link('did:key:a', 'acme');
  await older.setKeyOff('acme', 7);
  await older.close();
  const newer = await opening;
  afterTest(() => newer.close());
  await newer.add([{ client: 'acme', keyRequests: 1, xlinkRequests: 0, failures: {} }]);
  expect(newer.get('acme')).toMatchObject({ dids: ['did:key:a'], keyOffSince: 7, keyRequests: 1 });
});
