import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { SMALL_DISK_BYTES, smallDisk } from '../../support/small-disk.js';
import { FILE_STORES } from './all-stores.js';

const disk = smallDisk();
const title = '(needs root and tmpfs)';

describe.each(FILE_STORES)('$name', (kind) => {
  const path = join(disk.path, kind.name, 'state');

  disk.test(
    `[E15] a full disk ${title}: what was refused did not happen, and with room again it goes on`,
    async () => {
      const filler = join(disk.path, 'filler');
      let store = await kind.open({ path });
      await store.write(1);
      await writeFile(filler, Buffer.alloc(SMALL_DISK_BYTES)).catch(() => {}); // as much as there is room for
      let number = 2;
      let refusal: unknown;
      for (; refusal === undefined; number++)
        refusal = await store.write(number).then(() => undefined, reasonOf);
      const last = number - 2;
      expect(refusal).toBe('ENOSPC');
      expect(last).toBeLessThan(40);
      expect(await store.last()).toBe(last);
      await store.close();
      store = await kind.open({ path }); // on the full disk
      expect(await store.last()).toBe(last);
      expect(await store.write(last + 1).then(() => undefined, reasonOf)).toBe('ENOSPC');
      await rm(filler);
      for (number = last + 1; number <= last + 20; number++) await store.write(number);
      await store.close();
      store = await kind.open({ path });
      expect(await store.last()).toBe(last + 20);
      await store.close();
      await rm(join(disk.path, kind.name), { recursive: true, maxRetries: 10 });
    },
  );

  disk.test(`[E15] a read-only disk ${title}: it is not opened, and the error says why`, async () => {
    const first = await kind.open({ path });
    await first.write(1);
    await first.close();
    expect(disk.setWritable(false)).toBe(true);
    try {
      await expect(kind.open({ path })).rejects.toMatchObject({ code: 'EROFS' });
    } finally {
      expect(disk.setWritable(true)).toBe(true);
    }
    const again = await kind.open({ path });
    expect(await again.last()).toBe(1);
    await again.close();
    await rm(join(disk.path, kind.name), { recursive: true, maxRetries: 10 });
  });
});

/** Code of an error, or of the one underneath. */
function reasonOf(error: { code?: string; cause?: { code?: string } }): string | undefined {
  return error.cause?.code ?? error.code;
}
