import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { AuditLog, AuditLogReader } from '@private.me/xlink/audit';
import { build } from 'esbuild';
import { scaled } from '../scale/scale.js';
import { killed } from '../stores/file/killed-writer.js';
import { SMALL_DISK_BYTES, smallDisk } from '../support/small-disk.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ROUNDS = scaled(500, 20);
/** Then another log, or reading it would take most of the time. */
const ROUNDS_A_LOG = 20;

const identity = await Identity.fromSeed(new Uint8Array(32).fill(1));
const organization = await Identity.fromSeed(new Uint8Array(32).fill(2));
const suite = mkdtempSync(join(tmpdir(), 'xlink-audit-kill-'));
const writer = join(suite, 'writer.mjs');
const disk = smallDisk();

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL('audit-writer.ts', import.meta.url))],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  }),
);
afterAll(() => rmSync(suite, { recursive: true }));

const open = (folder: string) =>
  AuditLog.open({ folder, identity, organization, name: 'main', segmentBytes: 64 * 1024, lockWaitMs: 0 });

test(`[E15] ${ROUNDS} times killed while it writes, a log has every entry it acknowledged, whole and in order`, async () => {
  for (let round = 0; round < ROUNDS; round += ROUNDS_A_LOG) {
    const folder = await temporaryFolder();
    let before = 0;
    for (let again = round; again < Math.min(ROUNDS, round + ROUNDS_A_LOG); again++) {
      const child = spawn(process.execPath, [writer, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
      const acknowledged = await killed(child, Math.random() * 15);
      const log = await open(folder);
      const { size } = log.status;
      expect(acknowledged).toBeGreaterThan(before);
      expect(size).toBeGreaterThanOrEqual(acknowledged);
      expect(size).toBeLessThanOrEqual(acknowledged + 10);
      expect(await log.verify()).toMatchObject({ ok: true, size });
      await log.close();
      before = size;
    }
    const reader = await AuditLogReader.open({ folder, service: identity.did, organization });
    let next = 0;
    for await (const { seq } of reader.entries()) expect(seq).toBe(next++);
    expect(next).toBe(before);
    expect(await reader.verify()).toMatchObject({ ok: true, size: before });
  }
}, 1_200_000);

disk.test(
  '[E15] a full disk (needs root and tmpfs): what was refused is not in the log, and with room again it goes on',
  async () => {
    const folder = join(disk.path, 'log');
    const filler = join(disk.path, 'filler');
    const log = await open(folder);
    await log.append({ type: 'test' });
    await writeFile(filler, Buffer.alloc(SMALL_DISK_BYTES)).catch(() => {}); // as much as there is room for
    const entry = { type: 'test', data: 'x'.repeat(2000) };
    let kept = 1;
    let refusal: { code?: string; cause?: { code?: string } } | undefined;
    while (!refusal) {
      refusal = await log.append(entry).then(
        () => void kept++,
        (error) => error,
      );
    }
    expect(refusal).toMatchObject({ code: 'AUDIT_UNAVAILABLE', cause: { code: 'ENOSPC' } });
    expect(log.status.size).toBe(kept);
    await expect(log.checkpoint()).rejects.toMatchObject({
      code: 'AUDIT_UNAVAILABLE',
      cause: { code: 'ENOSPC' },
    });
    await rm(filler);
    expect(await log.append(entry)).toBe(kept);
    expect(await log.verify()).toMatchObject({ ok: true, size: kept + 1 });
    await log.close();
    const again = await open(folder);
    expect(again.status.size).toBe(kept + 1);
    await again.close();
  },
);
