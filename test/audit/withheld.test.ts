import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { type AuditEntry, AuditLog, type AuditLogOptions, verifyAuditExport } from '@private.me/xlink/audit';
import { temporaryFolder } from '../support/temporary-folder.js';

const service = await Identity.fromSeed(new Uint8Array(32).fill(1));
const organization = await Identity.fromSeed(new Uint8Array(32).fill(2));
const NOVEMBER = Date.UTC(2026, 10, 29);

const open: AuditLog[] = [];
afterEach(async () => {
  for (const log of open.splice(0)) await log.close().catch(() => {});
});

async function logOf(entries: readonly AuditEntry[], more: Partial<AuditLogOptions> = {}) {
  const folder = more.folder ?? (await temporaryFolder());
  const options = { folder, identity: service, organization, name: 'main', clock: () => NOVEMBER, ...more };
  const log = await AuditLog.open(options);
  open.push(log);
  for (const entry of entries) await log.append(entry);
  return { log, folder };
}

const items = [1847, 1848, 1849].map((id) => ({ type: 'request', request: `DELETE /items/${id}` }));
const verify = ({ text, checkpoint }: { text: string; checkpoint: string }) =>
  verifyAuditExport(text, { checkpoint, service: service.did });

/** The export with one entry taken out of sight, though not out of the proof. */
function without(exported: { text: string; checkpoint: string }, seq: number) {
  const lines = exported.text.split('\n').map((line) => {
    if (!line.startsWith(`{"seq":${seq},`)) return line;
    const row = JSON.parse(line.replace(/,$/, ''));
    const proof = row.proof.split('.').with(4, '').join('.');
    const hidden = Object.fromEntries(
      Object.keys(row).map((name) => [
        name,
        name === 'seq' ? seq : name === 'proof' ? proof : name === 'entry' ? null : [],
      ]),
    );
    return JSON.stringify(hidden) + (line.endsWith(',') ? ',' : '');
  });
  return { ...exported, text: lines.join('\n') };
}

describe('an exporter who hides an entry', () => {
  test('by taking its key out of the proof: it is named as withheld, and the export is not complete', async () => {
    const { log } = await logOf(items);
    const exported = await log.export();
    expect(await verify(exported)).toMatchObject({ erased: [], withheld: [], complete: true });
    expect(await verify(without(exported, 0))).toMatchObject({ erased: [], withheld: [0], complete: false });
  });

  test('by deleting the data keys: the same', async () => {
    const { log, folder } = await logOf(items);
    await rm(join(folder, 'keys'), { recursive: true });
    expect(await verify(await log.export())).toMatchObject({ withheld: [0, 1, 2], complete: false });
  });

  test('by an entry that says too early that the retention was over: the same', async () => {
    const { log } = await logOf(items);
    const { text } = await log.export();
    const key = /"proof":"0\.([\w-]+)\./.exec(text)![1]!;
    await log.append({ type: 'retention', data: { retention: '7-years', keys: [key] } });
    expect(await verify(without(await log.export(), 0))).toMatchObject({ withheld: [0], complete: false });
  });

  test('with a key that is said to be erased and opens another entry: the same', async () => {
    let now = NOVEMBER;
    const { log } = await logOf(items, { clock: () => now });
    const key = /"proof":"0\.([\w-]+)\./.exec((await log.export()).text)![1]!;
    now = Date.UTC(2027, 2, 1);
    await log.append({ type: 'retention', data: { retention: '1-month', keys: [key] } });
    expect(await verify(without(await log.export(), 0))).toMatchObject({ withheld: [0], complete: false });
  });
});
