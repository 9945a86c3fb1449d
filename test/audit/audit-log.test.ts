import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createKeyRecord, Identity } from '@private.me/xlink';
import {
  AuditLog,
  type AuditLogOptions,
  AuditWitness,
  type RecordedEntry,
  verifyAuditExport,
} from '@private.me/xlink/audit';
import { encodeLine } from '../../src/stores/file/journal-line.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const service = await Identity.fromSeed(new Uint8Array(32).fill(1));
const organization = await Identity.fromSeed(new Uint8Array(32).fill(2));
const other = await Identity.fromSeed(new Uint8Array(32).fill(3));
const NOVEMBER = Date.UTC(2026, 10, 29);

const open: AuditLog[] = [];
afterEach(async () => {
  for (const log of open.splice(0)) await log.close().catch(() => {});
});

async function openLog(folder: string, more: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const options = {
    folder,
    identity: service,
    organization,
    name: 'main',
    lockWaitMs: 0,
    clock: () => NOVEMBER,
  };
  const log = await AuditLog.open({ ...options, ...more });
  open.push(log);
  return log;
}

const fill = (log: AuditLog, count: number, from = 0) =>
  Promise.all(
    Array.from({ length: count }, (_, i) => log.append({ type: 'test', request: `GET /items/${from + i}` })),
  );

async function all(log: AuditLog): Promise<RecordedEntry[]> {
  const entries: RecordedEntry[] = [];
  for await (const entry of log.entries()) entries.push(entry);
  return entries;
}

describe('a log', () => {
  test('keeps entries in order, over restarts, and tells how it stands', async () => {
    const folder = await temporaryFolder();
    const first = await openLog(folder);
    expect(await fill(first, 3)).toEqual([0, 1, 2]);
    await first.close();
    const second = await openLog(folder);
    expect(await second.store({ status: 'processed' })).toBe(3);
    expect(second.status).toEqual({ size: 4, pending: 0, dropped: 0 });
    const entries = await all(second);
    expect(entries.map(({ seq, request }) => [seq, request])).toEqual([
      [0, 'GET /items/0'],
      [1, 'GET /items/1'],
      [2, 'GET /items/2'],
      [3, undefined],
    ]);
    expect(entries[3]).toEqual({ seq: 3, at: NOVEMBER, type: 'evidence', data: { status: 'processed' } });
    expect(await second.verify()).toMatchObject({ ok: true, size: 4 });
  });

  test('holds nothing that can be read without the key of the organization', async () => {
    const folder = await temporaryFolder();
    const log = await openLog(folder, { organization: await createKeyRecord(organization) });
    await log.append({ type: 'test', request: 'DELETE /items/1847' });
    await expect(all(log)).rejects.toMatchObject({ id: 'AUDIT_INVALID:KEY' });
    await log.close();
    for (const name of await readdir(folder, { recursive: true })) {
      const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0));
      expect(bytes.includes('1847')).toBe(false);
    }
    const reader = await openLog(folder);
    expect((await all(reader))[0]).toMatchObject({ request: 'DELETE /items/1847' });
    await reader.close();
    const stranger = await openLog(folder, { organization: other });
    await expect(all(stranger)).rejects.toMatchObject({ id: 'AUDIT_INVALID:KEY' });
  });

  test('refuses a second writer, the log of another service, and what is no log', async () => {
    const folder = await temporaryFolder();
    const log = await openLog(folder);
    await expect(openLog(folder)).rejects.toMatchObject({ code: 'ELOCKED' });
    await log.close();
    await expect(openLog(folder, { identity: other })).rejects.toMatchObject({
      id: 'INVALID_OPTION',
      field: 'identity',
    });
    await expect(openLog(folder, { name: 'second' })).rejects.toMatchObject({ field: 'name' });
    await writeFile(join(folder, 'log.json'), '{}');
    await expect(openLog(folder)).rejects.toMatchObject({ code: 'EFOREIGN' });
  });

  test('goes on in a new file when one is full', async () => {
    const folder = await temporaryFolder();
    const log = await openLog(folder, { segmentBytes: 64 * 1024 });
    for (let i = 0; i < 6; i++) await log.append({ type: 'test', data: 'x'.repeat(30_000) });
    await log.close();
    const files = (await readdir(join(folder, 'entries'))).filter((name) => name.endsWith('.jsonl'));
    expect(files).toEqual(['000000000000.jsonl', '000000000002.jsonl', '000000000004.jsonl']);
    const again = await openLog(folder);
    expect(await again.verify()).toMatchObject({ ok: true, size: 6 });
    expect(await again.append({ type: 'test' })).toBe(6);
  });

  test.each([
    ['an unknown member', { type: 'a', whom: 'b' }, 'entry'],
    ['no type', {}, 'type'],
    ['a type with a space', { type: 'a b' }, 'type'],
    ['a time before 1970', { type: 'a', at: -1 }, 'at'],
    ['another kind of evidence', { type: 'a', evidence: 'hearsay' }, 'evidence'],
    ['more than 47 KiB', { type: 'a', data: 'x'.repeat(48 * 1024) }, 'data'],
    ['what is no JSON', { type: 'a', data: 1n }, 'data'],
  ])('refuses an entry with %s', async (_, entry, field) => {
    const log = await openLog(await temporaryFolder());
    await expect(log.append(entry as never)).rejects.toMatchObject({ id: 'AUDIT_ENTRY_INVALID', field });
    expect(log.status.size).toBe(0);
  });

  test('lays its tree out as tiles, with the checkpoint beside them', async () => {
    const folder = await temporaryFolder();
    const log = await openLog(folder);
    await fill(log, 300);
    const checkpoint = await log.checkpoint();
    expect(await readFile(join(folder, 'checkpoint'), 'utf8')).toBe(checkpoint);
    expect((await readFile(join(folder, 'tile/0/000'))).length).toBe(256 * 32);
    expect((await readFile(join(folder, 'tile/0/001.p/44'))).length).toBe(44 * 32);
    expect((await readFile(join(folder, 'tile/1/000.p/1'))).length).toBe(32);
    expect(await log.prove(17)).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 17\n/);
    await expect(log.prove(300)).rejects.toMatchObject({ id: 'AUDIT_INVALID', field: 'seq' });
  });
});

describe('back-pressure', () => {
  test.each([
    ['a Map', { a: new Map([[1, 2]]) }],
    ['a Set', [new Set()]],
    ['an Error', new Error('x')],
    ['a promise', Promise.resolve(1)],
    ['a function', () => 1],
    ['a symbol in it', { a: [Symbol('x')] }],
  ])('refuses %s, of which JSON would keep nothing', async (_, data) => {
    const log = await openLog(await temporaryFolder());
    await expect(log.append({ type: 'x', data })).rejects.toMatchObject({
      id: 'AUDIT_ENTRY_INVALID',
      field: 'data',
    });
    expect(
      await log.append({ type: 'x', data: { at: new Date(0), none: {}, empty: [], not: undefined } }),
    ).toBe(0);
  });

  test('fail closed: what does not fit is refused, and the rest is kept', async () => {
    const log = await openLog(await temporaryFolder(), { maxPending: 5 });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => log.append({ type: 'test' })));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(3);
    expect(refused[0]).toMatchObject({ reason: { id: 'AUDIT_UNAVAILABLE:OVERLOADED', status: 503 } });
    expect(log.status).toEqual({ size: 5, pending: 0, dropped: 0 });
  });

  test('drop: it is counted, and the log says so', async () => {
    const log = await openLog(await temporaryFolder(), { maxPending: 5, onOverload: 'drop' });
    const results = await Promise.all(Array.from({ length: 8 }, () => log.append({ type: 'test' })));
    expect(results.filter((seq) => seq === undefined)).toHaveLength(3);
    await log.append({ type: 'test' });
    expect(log.status.dropped).toBe(3);
    const entries = await all(log);
    expect(entries.filter(({ type }) => type === 'dropped')).toEqual([
      { seq: expect.any(Number), at: NOVEMBER, type: 'dropped', data: { count: 3 } },
    ]);
  });
});

describe('AuditLog.enterprise', () => {
  test.each([
    ['is not set', undefined],
    ['cannot be read', '/nowhere/org.json'],
    ['is no key record', 'none.json'],
  ])('says that the record of the organization %s', async (what, value) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'none.json'), 'secret {');
    const before = process.env['XLINK_ORG_RECORD'];
    if (value === undefined) delete process.env['XLINK_ORG_RECORD'];
    else process.env['XLINK_ORG_RECORD'] = join(folder, value);
    try {
      const error = await AuditLog.enterprise({ folder: join(folder, 'log'), identity: service }).catch(
        (e) => e,
      );
      expect(error).toMatchObject({ id: 'INVALID_OPTION', field: 'organization' });
      expect(error.message).toContain(what);
      expect(`${error.stack} ${error.cause}`).not.toContain('secret');
    } finally {
      if (before === undefined) delete process.env['XLINK_ORG_RECORD'];
      else process.env['XLINK_ORG_RECORD'] = before;
    }
  });
});

describe('retention', () => {
  test('erases the data key of a month, and the tree stays whole', async () => {
    let now = NOVEMBER;
    const folder = await temporaryFolder();
    const log = await openLog(folder, { retention: '1-month', clock: () => now });
    await fill(log, 2);
    now = Date.UTC(2026, 11, 31, 23);
    await fill(log, 2);
    expect(await log.eraseExpired()).toEqual([]);
    now = Date.UTC(2027, 0, 1);
    expect(await log.eraseExpired()).toEqual([expect.stringMatching(/^2026-11-/)]);
    const entries = await all(log);
    expect(entries.map(({ seq, type }) => [seq, type])).toEqual([
      [2, 'test'],
      [3, 'test'],
      [4, 'retention'],
    ]);
    expect(await log.verify()).toMatchObject({ ok: true, size: 5 });
    const { text, checkpoint } = await log.export();
    const proven = await verifyAuditExport(text, { checkpoint, service: service.did });
    expect(proven).toMatchObject({ erased: [0, 1], withheld: [], complete: true });
  });

  test('what was erased is told again at the next time, by an entry that can be read', async () => {
    let now = NOVEMBER;
    const log = await openLog(await temporaryFolder(), { retention: '1-month', clock: () => now });
    await fill(log, 1);
    now = Date.UTC(2027, 0, 2);
    await log.eraseExpired();
    now = Date.UTC(2027, 2, 2);
    expect(await log.eraseExpired()).toEqual([expect.stringMatching(/^2027-01-/)]);
    const { text, checkpoint } = await log.export();
    const proven = await verifyAuditExport(text, { checkpoint, service: service.did });
    expect(proven).toMatchObject({ erased: [0, 1], withheld: [], complete: true });
  });

  test('a clock that jumps back or forth changes neither order nor proofs', async () => {
    let now = NOVEMBER;
    const log = await openLog(await temporaryFolder(), { clock: () => now });
    for (const at of [NOVEMBER, 0, Date.UTC(2099, 0), NOVEMBER]) {
      now = at;
      await log.append({ type: 'test' });
    }
    expect((await all(log)).map(({ at }) => at)).toEqual([NOVEMBER, 0, Date.UTC(2099, 0), NOVEMBER]);
    expect(await log.verify()).toMatchObject({ ok: true, size: 4 });
  });
});

describe('attacks on the files', () => {
  /** A log of 20 entries, closed, and the lines of its file. */
  async function attacked(
    change: (records: string[]) => string[],
    files: (folder: string) => Promise<unknown> = async () => {},
  ) {
    const folder = await temporaryFolder();
    const log = await openLog(folder);
    for (let i = 0; i < 4; i++) await fill(log, 5, i * 5);
    const checkpoint = await log.checkpoint();
    const path = join(folder, 'entries/000000000000.jsonl');
    const [head, ...lines] = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const records = lines.flatMap((line) =>
      JSON.parse(line).data.map((record: unknown) => JSON.stringify(record)),
    );
    const text = [head!];
    let { sum } = JSON.parse(head!);
    for (const record of change(records)) {
      const line = encodeLine(sum, `[${record}]`); // the attacker writes the sums anew
      sum = line.sum;
      text.push(line.text);
    }
    await writeFile(path, `${text.join('\n')}\n`);
    await files(folder);
    return { folder, log, checkpoint };
  }

  const swap = (records: string[], a: number, b: number) =>
    records.map((record, at) => (at === a ? records[b]! : at === b ? records[a]! : record));
  const edit = (record: string) =>
    record.replace(/"sealed":"(.)/, (_, first) => `"sealed":"${first === 'A' ? 'B' : 'A'}`);

  test.each([
    ['cut', (records: string[]) => records.slice(0, 13), 13, 'cut'],
    ['reordered', (records: string[]) => swap(records, 6, 7), 6, 'order'],
    [
      'reordered with new numbers',
      (records: string[]) =>
        swap(records, 6, 7).map((record, at) => record.replace(/"seq":\d+/, `"seq":${at}`)),
      6,
      'edited',
    ],
    [
      'edited',
      (records: string[]) => records.map((record, at) => (at === 11 ? edit(record) : record)),
      11,
      'edited',
    ],
    ['with one removed', (records: string[]) => records.filter((_, at) => at !== 4), 4, 'order'],
    [
      'with one put in',
      (records: string[]) => [...records.slice(0, 9), records[3]!, ...records.slice(9)],
      9,
      'order',
    ],
    [
      'with a record that is none',
      (records: string[]) => records.map((record, at) => (at === 2 ? '{"seq":2}' : record)),
      2,
      'damaged',
    ],
  ])('%s: the first bad entry is named', async (_, change, seq, fault) => {
    const { log, folder } = await attacked(change);
    expect(await log.verify()).toEqual({ ok: false, seq, fault });
    await log.close();
    for (const name of ['entries/000000000000.jsonl.head']) await rm(join(folder, name), { force: true });
    await expect(openLog(folder)).rejects.toThrow(new RegExp(`entry ${seq} is bad \\(${fault}\\)`));
  });

  test('one flipped byte anywhere in the file is found, and its entry is named', async () => {
    const { log, folder } = await attacked((records) => records);
    const path = join(folder, 'entries/000000000000.jsonl');
    const whole = await readFile(path);
    expect(await log.verify()).toMatchObject({ ok: true, size: 20 });
    for (let at = 0; at < whole.length; at += 23) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 4;
      await writeFile(path, flipped);
      const line = whole.subarray(0, at).toString().split('\n').length - 2;
      const verdict = await log.verify(); // behind a whole entry it is the next one that is damaged
      expect(verdict).toMatchObject({ ok: false });
      expect([line, line + 1, 0].includes((verdict as { seq: number }).seq)).toBe(true);
    }
    await writeFile(path, whole);
  });

  test('replaced by another log of the same length: found', async () => {
    const { log, folder } = await attacked((records) => records);
    await log.close();
    const elsewhere = await temporaryFolder();
    const forged = await openLog(elsewhere, { identity: other });
    await fill(forged, 20);
    await forged.close();
    const name = 'entries/000000000000.jsonl';
    await writeFile(join(folder, name), await readFile(join(elsewhere, name)));
    await rm(join(folder, `${name}.head`));
    await expect(openLog(folder)).rejects.toThrow('entry 0 is bad (edited)');
  });

  test('a witness that does not answer is given up, and keeps nothing else waiting', async () => {
    const log = await openLog(await temporaryFolder());
    await fill(log, 1);
    const silent = { did: other.did, addCheckpoint: () => new Promise<never>(() => {}) };
    const waiting = log.cosign(silent, { timeoutMs: 200 });
    await fill(log, 1, 1);
    expect((await log.checkpoint()).split('\n')[1]).toBe('2');
    await expect(waiting).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE', field: 'witness' });
  });

  test('two witnesses at once: the checkpoint has both', async () => {
    const log = await openLog(await temporaryFolder());
    await fill(log, 1);
    const witnesses = [other, organization].map(
      (identity) => new AuditWitness({ identity, services: [service.did], clock: () => NOVEMBER }),
    );
    await Promise.all(witnesses.map((witness) => log.cosign(witness)));
    const kept = await log.checkpoint();
    for (const { did } of witnesses) expect(kept).toContain(`— ${did} `);
  });

  test('the holder of the key rewrites history: the chain fits, and the witness finds it', async () => {
    const witness = new AuditWitness({ identity: other, services: [service.did], clock: () => NOVEMBER });
    const honest = await openLog(await temporaryFolder());
    await fill(honest, 5);
    const kept = await honest.cosign(witness);
    await fill(honest, 5, 5);
    expect(await honest.cosign(witness)).toContain(`— ${other.did} `);
    expect((await honest.checkpoint()).split(`— ${other.did} `)).toHaveLength(2);
    const rewritten = await openLog(await temporaryFolder());
    await fill(rewritten, 12, 100);
    expect(await rewritten.verify()).toMatchObject({ ok: true });
    await expect(rewritten.cosign(witness)).rejects.toMatchObject({
      id: 'AUDIT_INVALID:CHECKPOINT',
      field: 'witness',
    });
    expect(await rewritten.verify({ checkpoint: kept })).toMatchObject({ ok: false, fault: 'rewritten' });
  });
});
