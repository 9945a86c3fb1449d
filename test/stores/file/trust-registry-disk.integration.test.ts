import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { FileTrustRegistry } from '@private.me/xlink';
import { identityOf } from '../../support/agents.js';
import { errorOf, thrownBy, unwrap } from '../../support/results.js';
import { SMALL_DISK_BYTES, smallDisk } from '../../support/small-disk.js';

// On a small disk of its own, which only root can have.

const disk = smallDisk();
const path = join(disk.path, 'trust.jsonl');
const dids = await Promise.all(
  Array.from({ length: 40 }, async (_, at) => (await identityOf(`disk-${at}`, 1)).did),
);

disk.test(
  'a full disk (needs root and tmpfs): what was refused did not happen, and with room again it goes on',
  async () => {
    const filler = join(disk.path, 'filler');
    let registry = new FileTrustRegistry({ path });
    unwrap(await registry.add(dids[0]!, { scopes: ['before'] }));
    await writeFile(filler, Buffer.alloc(SMALL_DISK_BYTES)).catch(() => {}); // as much as there is room for
    const added: string[] = [dids[0]!];
    let refused = 0;
    for (const [at, did] of dids.entries()) {
      // Lines that do not fit into what is left of the last block
      const result = await registry.add(did, { name: 'x'.repeat(500 + at * 97), scopes: ['full'] });
      if (result.ok) added.push(did);
      else {
        refused++;
        expect(errorOf(result)).toMatchObject({ id: 'REGISTRATION_FAILED', cause: { code: 'ENOSPC' } });
        const entry = await registry.lookup(did);
        expect(entry?.sendScopes ?? []).not.toContain('full');
      }
    }
    expect(refused).toBeGreaterThan(30);

    // Known after a restart in between, on the full disk, is what was acknowledged.
    const known = await registry.list();
    expect(new Set(known.map(({ did }) => did))).toEqual(new Set(added));

    await rm(filler);
    for (const did of dids) unwrap(await registry.add(did, { scopes: ['after'] }));
    await registry.close();
    const repaired: unknown[] = [];
    registry = new FileTrustRegistry({ path, onRepair: (cut) => repaired.push(cut) });
    const list = await registry.list();
    expect(list).toHaveLength(dids.length);
    expect(list.every(({ sendScopes }) => sendScopes?.[0] === 'after')).toBe(true);
    expect(repaired).toEqual([]);
    await registry.close();
  },
);

disk.test(
  'a read-only disk (needs root and tmpfs): nothing is accepted, and the error says why',
  async () => {
    const registry = new FileTrustRegistry({ path });
    unwrap(await registry.add(dids[0]!, { scopes: ['here'] }));
    await registry.close();
    expect(disk.setWritable(false)).toBe(true);
    try {
      const later = new FileTrustRegistry({ path });
      const error = await thrownBy(() => later.lookup(dids[0]!));
      expect(error).toMatchObject({ id: 'LOOKUP_FAILED', cause: { code: 'EROFS' } });
      expect(errorOf(await later.revoke(dids[0]!))).toMatchObject({
        id: 'REGISTRATION_FAILED',
        cause: { code: 'EROFS' },
      });
      await later.close();
    } finally {
      expect(disk.setWritable(true)).toBe(true);
    }
    const again = new FileTrustRegistry({ path });
    expect((await again.lookup(dids[0]!))?.sendScopes).toEqual(['here']);
    await again.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  },
);
