import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { AuditLog, type AuditLogOptions, AuditLogReader } from '@private.me/xlink/audit';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

const identity = await Identity.fromSeed(new Uint8Array(32).fill(1));
const organization = await Identity.fromSeed(new Uint8Array(32).fill(2));
const ENTRIES = 'entries/000000000000.jsonl';

const logs: AuditLog[] = [];
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close().catch(() => {});
});

async function open(folder: string, more: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const log = await AuditLog.open({ folder, identity, organization, name: 'main', lockWaitMs: 0, ...more });
  logs.push(log);
  return log;
}

/** A log of 12 entries, closed, one line for each. */
async function written(): Promise<string> {
  const folder = await temporaryFolder();
  const log = await open(folder);
  for (let i = 0; i < 12; i++) await log.append({ type: 'request', request: `DELETE /items/${i}` });
  await log.close();
  return folder;
}

async function cut(folder: string, lines: number): Promise<void> {
  const text = await readFile(join(folder, ENTRIES), 'utf8');
  await writeFile(
    join(folder, ENTRIES),
    `${text
      .split('\n')
      .slice(0, lines + 1)
      .join('\n')}\n`,
  );
  await rm(join(folder, `${ENTRIES}.head`));
}

const LOST = expect.objectContaining({ code: 'ELOST' });

describe('a log whose covered entries were cut off', () => {
  test('is not opened without its checkpoint', async () => {
    const folder = await written();
    await cut(folder, 6);
    await rm(join(folder, 'checkpoint'));
    await expect(open(folder)).rejects.toEqual(LOST);
    await expect(open(folder)).rejects.toThrow('its checkpoint is missing');
  });

  test('is not opened with an older checkpoint, beside tiles of more entries', async () => {
    const folder = await temporaryFolder();
    const log = await open(folder);
    await log.append({ type: 'x' });
    await log.checkpoint();
    const older = await readFile(join(folder, 'checkpoint'));
    await log.append({ type: 'y' });
    await log.close();
    await cut(folder, 1);
    await writeFile(join(folder, 'checkpoint'), older);
    await expect(open(folder)).rejects.toThrow('its tiles are of 2 entries, and there are 1');
  });

  test('is not taken for a new one with all entries gone', async () => {
    const folder = await written();
    await rm(join(folder, 'entries'), { recursive: true });
    await rm(join(folder, 'tile'), { recursive: true });
    await rm(join(folder, 'checkpoint'));
    await expect(open(folder)).rejects.toEqual(LOST); // the data key is there
    await expect(open(folder)).rejects.toEqual(LOST);
  });

  test('is not opened with several data keys and no entries, whatever its checkpoint says', async () => {
    const folder = await temporaryFolder();
    await (await open(folder)).close();
    const empty = await readFile(join(folder, 'checkpoint'));
    for (let i = 0; i < 2; i++) {
      const log = await open(folder);
      await log.append({ type: 'x' });
      await log.close();
    }
    await rm(join(folder, 'entries'), { recursive: true });
    await rm(join(folder, 'tile'), { recursive: true });
    await writeFile(join(folder, 'checkpoint'), empty);
    await expect(open(folder)).rejects.toThrow('it has data keys and no entries');
  });
});

describe('checkpoints', () => {
  const sizeIn = async (folder: string) =>
    Number((await readFile(join(folder, 'checkpoint'), 'utf8')).split('\n')[1]);

  test('are made while a log runs, so that a process that is killed leaves one', async () => {
    const folder = await temporaryFolder();
    const log = await open(folder, { checkpointIntervalMs: 10 });
    expect(await sizeIn(folder)).toBe(0);
    await log.append({ type: 'x' });
    await until(async () => (await sizeIn(folder)) === 1);
  });

  test('are made at opening of what the process before did not cover; a reader tells how much that is', async () => {
    const folder = await temporaryFolder();
    const log = await open(folder);
    for (let i = 0; i < 3; i++) await log.append({ type: 'x' });
    const copy = await temporaryFolder(); // as a kill leaves it
    await cp(folder, copy, { recursive: true, filter: (path) => !path.includes('.lock') });
    const reader = await AuditLogReader.open({ folder: copy, service: identity.did, organization });
    expect(reader.size).toBe(0);
    expect((await reader.export()).behind).toBe(3);
    await open(copy);
    expect(await sizeIn(copy)).toBe(3);
  });
});
