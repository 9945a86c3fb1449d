import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, createKeyRecord, Identity, LoopbackTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { AuditWitness, verifyAuditExport } from '@private.me/xlink/audit';
import { PostgresAuditLog, type PostgresAuditLogOptions } from '@private.me/xlink/postgres';
import { build } from 'esbuild';
import type pg from 'pg';
import { poolsOf } from '../stores/postgres/support.js';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { unwrap } from '../support/results.js';
import { until } from '../support/until.js';

const identity = await Identity.fromSeed(new Uint8Array(32).fill(1));
const organization = await Identity.fromSeed(new Uint8Array(32).fill(2));
const suite = mkdtempSync(join(tmpdir(), 'xlink-audit-postgres-'));
const writer = join(suite, 'writer.cjs');
let server: PostgresServer;
let names = 0;

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL('postgres-writer.ts', import.meta.url))],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['pg-native'],
    logLevel: 'error',
  }),
);
afterAll(() => rmSync(suite, { recursive: true }));

/** A writer in a process of its own, and the numbers that it says are durable. */
function started(name: string, count: number) {
  const child = spawn(process.execPath, [writer, String(server.port), name, String(count)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seqs: number[] = [];
  let complaints = '';
  child.stderr.on('data', (chunk) => (complaints += chunk));
  createInterface(child.stdout).on('line', (line) => seqs.push(...line.split(' ').map(Number)));
  const ended = once(child, 'close').then(([code, signal]) => {
    if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the writer failed: ${complaints}`);
  });
  return { child: child as ChildProcess, seqs, ended };
}

describeWithPostgres('PostgresAuditLog', () => {
  const pools = poolsOf(() => server);
  const logs: PostgresAuditLog[] = [];
  beforeAll(async () => {
    server = await PostgresServer.start({ fsync: true });
  }, 60_000);
  afterEach(() => Promise.allSettled(logs.splice(0).map((log) => log.close())));

  const open = async (pool: pg.Pool, more: Partial<PostgresAuditLogOptions> = {}) => {
    const log = await PostgresAuditLog.open({ pool, identity, organization, timeoutMs: 60_000, ...more });
    logs.push(log);
    return log;
  };
  const fresh = () => ({ name: `log-${names++}` });
  const NOTE = { type: 'note' };

  test('[E15] four processes append at once: one tree without a gap, every entry once, and it verifies', async () => {
    const writers = ['a', 'b', 'c', 'd'].map((name) => started(name, 400));
    await Promise.all(writers.map(({ ended }) => ended));
    const told = writers.flatMap(({ seqs }) => seqs).sort((a, b) => a - b);
    expect(told).toEqual(Array.from({ length: 1600 }, (_, i) => i));
    const log = await open(pools());
    expect(await log.verify()).toMatchObject({ ok: true, size: 1600 });
    const seen: string[] = [];
    const turns = new Set<string>();
    let before = '';
    for await (const { data } of log.entries()) {
      const { writer: by, n } = data as { writer: string; n: number };
      seen.push(`${by}${n}`);
      if (by !== before) turns.add(`${(before = by)}${n}`);
    }
    expect(new Set(seen).size).toBe(1600);
    expect(turns.size).toBeGreaterThan(8); // they took turns
    const { text, checkpoint } = await log.export();
    const proven = await verifyAuditExport(text, { checkpoint, service: identity.did });
    expect([proven.size, proven.complete]).toEqual([1600, true]);
  }, 120_000);

  test('[E15] writers that are killed leave nothing half-written, keep nobody waiting, and lose nothing they acknowledged', async () => {
    const pool = pools();
    const before = (await open(pool)).status.size;
    const acknowledged: number[] = [];
    for (let round = 0; round < 5; round++) {
      const writers = ['x', 'y', 'z'].map((name) => started(`${name}${round}`, 1_000_000));
      await Promise.all(writers.map(({ seqs }) => until(() => seqs.length > 0, { withinMs: 20_000 })));
      await sleep(Math.random() * 30);
      for (const { child } of writers) child.kill('SIGKILL');
      await Promise.all(writers.map(({ ended }) => ended));
      acknowledged.push(...writers.flatMap(({ seqs }) => seqs));
      const log = await open(pool);
      const seq = (await log.append(NOTE))!;
      const verdict = await log.verify(); // what was on its way when they were killed may be there, too
      expect([verdict.ok, (verdict as { size: number }).size > seq]).toEqual([true, true]);
      expect(seq).toBeGreaterThan(Math.max(...acknowledged));
    }
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    expect(Math.min(...acknowledged)).toBeGreaterThanOrEqual(before);
  }, 120_000);

  test('[E15] what was acknowledged outlives a power cut of the server, and the same log goes on after it', async () => {
    const name = fresh();
    const log = await open(pools(), { ...name, timeoutMs: 5000 });
    for (let i = 0; i < 5; i++) expect(await log.append(NOTE)).toBe(i);
    await server.kill();
    await expect(log.append(NOTE)).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    await server.restart();
    expect(await log.append(NOTE)).toBe(5);
    expect(await (await open(pools(), name)).verify()).toMatchObject({ ok: true, size: 6 });
  }, 60_000);

  test('a connection that breaks after COMMIT was sent: what is there counts as written, once', async () => {
    const real = pools();
    let breaks = false;
    const breaking = Object.assign(Object.create(real), {
      options: real.options,
      on: real.on.bind(real),
      async connect() {
        const client = await real.connect();
        const query = client.query.bind(client);
        client.query = (async (...args: never[]) => {
          const [what] = args as unknown as [string | { text: string }];
          const result = await query(...(args as unknown as Parameters<typeof query>));
          if (breaks && typeof what !== 'string' && what.text === 'COMMIT') {
            breaks = false;
            throw new Error('the connection broke');
          }
          return result;
        }) as never;
        return client;
      },
    });
    const log = await open(breaking, fresh());
    expect(await log.append(NOTE)).toBe(0);
    breaks = true;
    expect(await log.append({ type: 'note', data: 'once' })).toBe(1);
    expect(breaks).toBe(false);
    expect(await log.append(NOTE)).toBe(2);
    expect(await log.verify()).toMatchObject({ ok: true, size: 3 });
  });

  test('two processes have one log: either proves what the other wrote, and their checkpoints are of one tree', async () => {
    const name = fresh();
    const [one, two] = [await open(pools(), name), await open(pools(), name)];
    await one.append({ type: 'note', data: 'from one' });
    await two.append({ type: 'note', data: 'from two' });
    expect(await two.checkpoint()).toBe(await one.checkpoint());
    expect(await one.prove(1)).toContain('index 1\n');
    const found: unknown[] = [];
    for await (const { data } of two.entries()) found.push(data);
    expect(found).toEqual(['from one', 'from two']);
    await expect(one.prove(2)).rejects.toMatchObject({ id: 'AUDIT_INVALID' });
    const witness = new AuditWitness({
      identity: await Identity.fromSeed(new Uint8Array(32).fill(3)),
      services: [identity.did],
    });
    await two.cosign(witness);
    await one.append(NOTE);
    expect(await one.cosign(witness)).toContain(witness.did);
  });

  test('a process that runs has its entries in a checkpoint, without being asked', async () => {
    const pool = pools();
    const { name } = fresh();
    const log = await open(pool, { name, checkpointIntervalMs: 10 });
    await log.append(NOTE);
    const sizeIn = async () => {
      const { rows } = await pool.query('SELECT checkpoint_size FROM xlink_audit_heads WHERE log = $1', [
        log.origin,
      ]);
      return Number(rows[0].checkpoint_size);
    };
    await until(async () => (await sizeIn()) === 1);
  });

  test('receipts prove their entries in it', async () => {
    const registry = new MemoryTrustRegistry();
    const transport = new LoopbackTransport();
    const seed = new Uint8Array(32).fill(1);
    const audit = await open(pools(), fresh());
    const bob = await Agent.fromSeed({ seed, name: 'bob', registry, transport, audit }).then(unwrap);
    const alice = await Agent.quickstart({ name: 'alice', registry, transport });
    bob.onMessage(() => {});
    const sent = unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
    expect(sent.receipt).toMatchObject({ signer: bob.did, logIndex: 1 });
    const auditor = await Agent.quickstart();
    expect((await auditor.verifyReceipt(sent.receipt!, { of: sent.envelope })).ok).toBe(true);
  });

  test('with the key record alone a process writes, and cannot read', async () => {
    const log = await open(pools(), { ...fresh(), organization: await createKeyRecord(organization) });
    await log.append(NOTE);
    await expect(log.entries().next()).rejects.toMatchObject({ id: 'AUDIT_INVALID:KEY' });
    expect(await log.verify()).toMatchObject({ ok: true, size: 1 });
  });

  test('keys whose retention is over are erased; the tree stays whole', async () => {
    let now = Date.UTC(2026, 0, 15);
    const options = { ...fresh(), retention: '2-months', clock: () => now } as const;
    const log = await open(pools(), options);
    await log.append({ type: 'note', data: 'secret' });
    now = Date.UTC(2026, 5, 1);
    expect(await log.eraseExpired()).toHaveLength(1);
    expect(await log.eraseExpired()).toEqual([]);
    const { text, checkpoint } = await log.export();
    const proven = await verifyAuditExport(text, { checkpoint, service: identity.did });
    expect(proven.erased).toEqual([0]);
    expect(proven.entries).toMatchObject([{ type: 'retention' }]);
    expect(await log.verify()).toMatchObject({ ok: true, size: 2 });
  });

  test('a log that is closed takes nothing more, and options are checked', async () => {
    const pool = pools();
    const log = await open(pool, fresh());
    await log.close();
    await expect(log.append(NOTE)).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    for (const wrong of [
      { name: 'a b' },
      { table: 'A' },
      { timeoutMs: 0 },
      { folder: 'x' },
      { identity: {} },
    ])
      await expect(
        PostgresAuditLog.open({ pool, identity, organization, ...wrong } as never),
      ).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  describe('a database administrator is found out who', () => {
    const tampered = async (sql: string) => {
      const pool = pools();
      const { name } = fresh();
      const log = await open(pool, { name });
      for (let i = 0; i < 6; i++) await log.append({ type: 'note', data: i });
      const checkpoint = await log.checkpoint();
      for (const part of sql.split(';'))
        await pool.query(part, part.includes('$1') ? [`${identity.did}/${name}`] : []);
      const verdict = await log.verify({ checkpoint }).catch(({ id }) => id);
      const opening = await open(pool, { name }).then(
        () => 'opened',
        ({ id, hint }) => `${id}: ${hint}`,
      );
      const appending = await log.append(NOTE).then(
        () => 'appended',
        ({ code, cause }) => `${code}: ${cause?.id}`,
      );
      return { verdict, opening, appending };
    };

    test.each([
      ['edits an entry', `UPDATE xlink_audit SET sealed = 'AAAA' WHERE log = $1 AND seq = 3`, 3, 'edited'],
      ['takes one away', `DELETE FROM xlink_audit WHERE log = $1 AND seq = 2`, 2, 'order'],
      [
        'swaps two',
        `UPDATE xlink_audit SET seq = 100 WHERE log = $1 AND seq = 1;UPDATE xlink_audit SET seq = 1 WHERE log = $1 AND seq = 4;UPDATE xlink_audit SET seq = 4 WHERE log = $1 AND seq = 100`,
        1,
        'edited',
      ],
      [
        'puts one behind the last',
        `INSERT INTO xlink_audit SELECT log, 6, key, commitment, sealed, mac FROM xlink_audit WHERE log = $1 AND seq = 0`,
        6,
        'edited',
      ],
      ['cuts the end off', `DELETE FROM xlink_audit WHERE log = $1 AND seq > 3`, 4, 'cut'],
    ])('%s', async (_, sql, seq, fault) => {
      const { verdict, opening } = await tampered(sql);
      expect(verdict).toEqual({ ok: false, seq, fault });
      expect(opening).toBe(`AUDIT_INVALID: Entry ${seq} is bad (${fault}). Nothing was changed.`);
    });

    test('cuts the end off, and has the head and the checkpoint say so: processes that have seen more do not go on', async () => {
      const { verdict, appending, opening } = await tampered(
        `DELETE FROM xlink_audit WHERE log = $1 AND seq > 3;UPDATE xlink_audit_heads SET size = 4, mac = (SELECT mac FROM xlink_audit WHERE log = $1 AND seq = 3), checkpoint = NULL, checkpoint_size = 0 WHERE log = $1`,
      );
      expect(verdict).toEqual({ ok: false, seq: 4, fault: 'cut' });
      expect(appending).toBe('AUDIT_UNAVAILABLE: AUDIT_INVALID');
      expect(opening).toBe('AUDIT_INVALID: Entry 4 is bad (cut). Nothing was changed.');
    });

    test('takes everything away but the data keys: no new log begins in its place', async () => {
      const { opening } = await tampered(
        'DELETE FROM xlink_audit WHERE log = $1;DELETE FROM xlink_audit_heads WHERE log = $1',
      );
      expect(opening).toBe('AUDIT_INVALID: Entry 0 is bad (cut). Nothing was changed.');
    });

    test('has the head name another end', async () => {
      const { appending } = await tampered(`UPDATE xlink_audit_heads SET mac = 'x' WHERE log = $1`);
      expect(appending).toBe('AUDIT_UNAVAILABLE: AUDIT_INVALID');
    });

    test('puts the checkpoint of another service there', async () => {
      const { verdict, opening } = await tampered(
        `UPDATE xlink_audit_heads SET checkpoint = 'did:key:zOther/main' WHERE log = $1`,
      );
      expect(verdict).toBe('AUDIT_INVALID:CHECKPOINT');
      expect(opening).toContain('AUDIT_INVALID:CHECKPOINT');
    });
  });
});
