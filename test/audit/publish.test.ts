import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { AuditLog, AuditLogReader } from '@private.me/xlink/audit';
import { temporaryFolder } from '../support/temporary-folder.js';

const service = await Identity.fromSeed(new Uint8Array(32).fill(1));
const organization = await Identity.fromSeed(new Uint8Array(32).fill(2));

/** A log with so many entries, under a checkpoint. `more`: entries behind that. */
async function logOf(folder: string, count: number, more = 0): Promise<void> {
  const log = await AuditLog.open({ folder, identity: service, organization, name: 'main', lockWaitMs: 0 });
  const fill = (entries: number) =>
    Promise.all(Array.from({ length: entries }, (_, n) => log.append({ type: 'test', data: { n } })));
  await fill(count - log.status.size);
  await log.checkpoint();
  const kept = await readFile(join(folder, 'checkpoint'));
  await fill(more);
  await log.close();
  await writeFile(join(folder, 'checkpoint'), kept); // closing signed another one
}

const publish = async (folder: string, to: string) =>
  (await AuditLogReader.open({ folder, service: service.did })).publish({ folder: to });

// A reader of C2SP tlog-tiles, written from the specification: it knows nothing of xLink.

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 6962, section 2.1. */
function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return sha256(Uint8Array.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

function pathOf(index: number, width: number): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`${groups.length === 0 ? '' : 'x'}${String(rest % 1000).padStart(3, '0')}`);
  return groups.join('/') + (width < 256 ? `.p/${width}` : '');
}

interface Read {
  readonly size: number;
  readonly root: string;
  readonly entries: Buffer[];
}

/** The checkpoint, and the entries of all bundles. */
async function readBundles(folder: string): Promise<Read> {
  const [, size, root] = (await readFile(join(folder, 'checkpoint'), 'utf8')).split('\n');
  const entries: Buffer[] = [];
  for (let index = 0; index * 256 < Number(size); index++) {
    const width = Math.min(256, Number(size) - index * 256);
    const bundle = await readFile(join(folder, 'tile/entries', pathOf(index, width)));
    for (let at = 0; at < bundle.length; ) {
      const end = at + 2 + bundle.readUInt16BE(at);
      if (end > bundle.length) throw new Error('an entry points behind the end');
      entries.push(bundle.subarray(at + 2, end));
      at = end;
    }
  }
  return { size: Number(size), root: root!, entries };
}

const leavesOf = ({ entries }: Read) => entries.map((entry) => sha256(Uint8Array.of(0), entry));

describe('a published log', () => {
  test.each([1, 255, 256, 257, 600])('of %i entries verifies by its entry bundles alone', async (count) => {
    const [folder, to] = [await temporaryFolder(), join(await temporaryFolder(), 'www/log')];
    await logOf(folder, count, 3);
    await publish(folder, to);
    const read = await readBundles(to);
    expect([read.size, read.entries.length]).toEqual([count, count]);
    expect(Buffer.from(rootOf(leavesOf(read))).toString('base64')).toBe(read.root);
    expect(JSON.parse(read.entries.at(-1)!.toString())).toMatchObject({ seq: count - 1 });
  });

  test('has the tiles of these entries, the checkpoint of the log, and no keys', async () => {
    const [folder, to] = [await temporaryFolder(), await temporaryFolder()];
    await logOf(folder, 600);
    await publish(folder, to);
    const leaves = leavesOf(await readBundles(to));
    for (const [index, width] of [256, 256, 88].entries()) {
      const tile = await readFile(join(to, 'tile/0', pathOf(index, width)));
      expect(tile.equals(Buffer.concat(leaves.slice(index * 256, index * 256 + width)))).toBe(true);
    }
    const above = await readFile(join(to, 'tile/1/000.p/2'));
    expect(above.equals(Buffer.concat([0, 256].map((at) => rootOf(leaves.slice(at, at + 256)))))).toBe(true);
    expect(await readFile(join(to, 'checkpoint'))).toEqual(await readFile(join(folder, 'checkpoint')));
    expect((await readdir(to)).sort()).toEqual(['checkpoint', 'tile']);
  });

  test('grows: what was full is left alone, and what was spoiled is written again', async () => {
    const [folder, to] = [await temporaryFolder(), await temporaryFolder()];
    await logOf(folder, 300);
    await publish(folder, to);
    const full = join(to, 'tile/entries/000');
    const before = await stat(full);
    await logOf(folder, 600);
    await publish(folder, to);
    expect((await stat(full)).mtimeMs).toBe(before.mtimeMs);
    await appendFile(full, 'x');
    await publish(folder, to);
    const read = await readBundles(to);
    expect(Buffer.from(rootOf(leavesOf(read))).toString('base64')).toBe(read.root);
  });

  test('[attack] is not replaced by a shorter or another one, or by one that was changed', async () => {
    const [old, folder, to] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    await logOf(folder, 3);
    for (const name of ['log.json', 'checkpoint']) {
      await writeFile(join(old, name), await readFile(join(folder, name)));
    }
    const entries = 'entries/000000000000.jsonl';
    await mkdir(join(old, 'entries'));
    await writeFile(join(old, entries), await readFile(join(folder, entries)));
    await logOf(folder, 5);
    await publish(folder, to);
    const good = await readBundles(to);
    await expect(publish(old, to)).rejects.toMatchObject({ id: 'AUDIT_INVALID:CHECKPOINT' });

    const foreign = await temporaryFolder();
    const log = await AuditLog.open({ folder: foreign, identity: service, organization, name: 'other' });
    for (let n = 0; n < 9; n++) await log.append({ type: 'test' });
    await log.close();
    await expect(publish(foreign, to)).rejects.toMatchObject({ id: 'AUDIT_INVALID:CHECKPOINT' });

    const text = await readFile(join(folder, entries), 'utf8');
    await writeFile(join(folder, entries), text.replace(/"sealed":"./, '"sealed":"_'));
    await expect(publish(folder, to)).rejects.toMatchObject({ code: 'AUDIT_INVALID' });
    expect(await readBundles(to)).toEqual(good);
  });

  test('goes into a folder of its own, by whatever name', async () => {
    const folder = await temporaryFolder();
    await logOf(folder, 1);
    const alias = join(await temporaryFolder(), 'alias');
    await symlink(folder, alias);
    for (const same of [folder, `${folder}/.`, alias])
      await expect(publish(folder, same)).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'folder' });
  });
});
