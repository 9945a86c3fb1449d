import { readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { smallDisk } from './support/needs.js';
import { Partner } from './support/partner.js';
import { xlink } from './support/program.js';

const { path: disk, test: onDisk } = smallDisk('256k');

/** Leaves so many bytes. */
function fill(left: number): void {
  const { bavail, bsize } = statfsSync(disk);
  const size = Math.max(0, bavail * bsize - left);
  writeFileSync(join(disk, 'filler'), new Uint8Array(size));
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.tmp'));

describe('on a full disk', () => {
  onDisk(
    'init says so with exit code 8, leaves nothing half-written, and goes on when there is room',
    async () => {
      const cwd = join(disk, 'a');
      await mkdir(cwd);
      fill(0);
      const full = await xlink(cwd, 'init', '--name', 'a');
      expect([full.code, full.err]).toEqual([8, expect.stringContaining('ENOSPC')]);
      expect(filesIn(cwd)).toEqual([]);
      fill(100_000);
      const good = await xlink(cwd, 'init', '--name', 'a', '--json');
      expect([good.code, JSON.parse(good.out)]).toMatchObject([0, { status: 'initialized' }]);
      fill(0);
      const before = await readFile(join(cwd, '.xlink/identity.key'), 'utf8');
      const created = await xlink(cwd, 'create', '--name', 'b');
      expect([created.code, filesIn(cwd)]).toEqual([8, []]);
      expect(await readFile(join(cwd, '.xlink/identity.key'), 'utf8')).toBe(before);
    },
  );

  onDisk('init --invite that runs out of room can be run again', async () => {
    const partner = await Partner.open();
    try {
      const cwd = join(disk, 'b');
      await mkdir(cwd);
      const code = await partner.invite();
      for (const left of [0, 8192, 16_384, 24_576, 32_768]) {
        fill(left);
        const { code: ended } = await xlink(cwd, 'init', '--name', 'b', '--invite', code);
        expect([0, 8]).toContain(ended);
        expect(filesIn(cwd)).toEqual([]);
      }
      fill(150_000);
      const good = await xlink(cwd, 'init', '--name', 'b', '--invite', code);
      expect([good.code, good.out]).toEqual([0, expect.stringContaining('✓ Test message sent successfully')]);
    } finally {
      partner.close();
    }
  });
});
