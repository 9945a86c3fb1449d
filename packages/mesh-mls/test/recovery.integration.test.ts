import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { FileOperationsStore } from '@private.me/xlink/file';
import { PostgresOperationsStore } from '@private.me/xlink/postgres';
import { RedisOperationsStore, redisClientOptions } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startPostgres, startRedis } from '../../../test/support/servers-of-test.js';
import { testWith } from './needs.js';
import {
  afterTest,
  agentAt,
  bytes,
  clientAt,
  faultsOf,
  groupIn,
  groupOf,
  seedOf,
  startServer,
  stopAfterTest,
  temporaryFolder,
  until,
} from './support.js';

const PROGRAM = fileURLToPath(new URL('./member.mjs', import.meta.url));
const ROUNDS = process.env['SCALE'] === 'full' ? 40 : 2;

/** Ends a process, which may have ended by itself. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('a member that is killed again and again loses no message, and nothing that it was told was sent', async () => {
  const place = await startServer();
  const path = join(await temporaryFolder(), 'bob.jsonl');
  const alice = await clientAt(place, 'alice');
  const bobsAgent = await agentAt(place, 'bob');
  const first = new FileOperationsStore(path);
  const bob = await clientAt(place, 'bob', { agent: bobsAgent, store: first });
  const group = await groupOf(alice, bob);
  await bob.client.close();
  await first.close();

  const acknowledged = new Set<string>();
  const heard = new Set<string>();
  const problems: string[] = [];
  const member = (name: string) => {
    const args = [PROGRAM, place.url, path, Buffer.from(seedOf('bob')).toString('hex'), group.id, name];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    stopAfterTest(child, 'SIGKILL');
    let rest = '';
    child.stdout.on('data', (chunk) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const [word, what = ''] = line.split(' ', 2);
        if (word === 'sent') acknowledged.add(what);
        else if (word === 'heard') heard.add(what);
        else problems.push(line);
      }
    });
    child.stderr.on('data', (chunk) => problems.push(String(chunk)));
    return child;
  };
  let sent = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = member(`${round}`);
    const before = acknowledged.size;
    await until('bob works', () => {
      if (child.exitCode !== null) throw new Error(`bob ended: ${problems.join(' ')}`);
      return acknowledged.size > before + round;
    });
    for (let n = 0; n < 3; n++) await group.send(bytes(`a${sent++}`));
    if (round % 2 === 0) await group.rekey();
    await pause(Math.random() * 200); // wherever it is then
    await kill(child);
  }
  const last = member('last');
  await until('bob has heard all', () => heard.size === sent);
  await kill(last);
  await until('alice has heard all', () => [...acknowledged].every((one) => alice.inbox.includes(one)));
  const known = alice.inbox.filter((one) => one.startsWith('b'));
  expect(new Set(known).size).toBe(known.length); // none twice
  expect(problems).toEqual([]);
  expect(alice.events.filter(({ type }) => type === 'refused')).toEqual([]);
}, 600_000);

test('a state from a backup is found out, and sends nothing', async () => {
  const place = await startServer();
  const folder = await temporaryFolder();
  const [path, backup] = [join(folder, 'bob.jsonl'), join(folder, 'backup.jsonl')];
  const alice = await clientAt(place, 'alice');
  const agent = await agentAt(place, 'bob');
  const open = async () => {
    const store = new FileOperationsStore(path);
    const bob = await clientAt(place, 'bob', { agent, store });
    const close = async () => {
      await bob.client.close();
      await store.close();
    };
    return { ...bob, close };
  };
  const bob = await open();
  const group = await groupOf(alice, bob);
  await bob.close();
  await copyFile(path, backup);
  const later = await open();
  await later.client.group(group.id)!.send(bytes('since the backup'));
  await later.close();
  await copyFile(backup, path);
  await rm(`${path}.head`); // the file says itself that it is old, unless that is removed, too
  const old = await open();
  await until('it is found out', () => faultsOf(old).includes('STATE_ROLLED_BACK'));
  const again = old.client.group(group.id)!;
  await expect(again.send(bytes('x'))).rejects.toMatchObject({ id: 'STATE_ROLLED_BACK' });
  await expect(again.rekey()).rejects.toMatchObject({ id: 'STATE_ROLLED_BACK' });
  await until('alice heard the one', () => alice.inbox.length > 0);
  expect(alice.inbox).toEqual(['since the backup']);
  await group.remove(bob.did);
  await group.add(bob.did); // the way back
  await old.close();
});

/** Two clients of one DID, each with a connection of its own to one store. */
async function twoProcesses(
  open: () => Promise<RedisOperationsStore | PostgresOperationsStore>,
): Promise<void> {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const agent = await agentAt(place, 'bob');
  const one = await clientAt(place, 'bob', { agent, store: await open() });
  const group = await groupOf(alice, one);
  const two = await clientAt(place, 'bob', { agent, store: await open() });
  const [first, second] = [await groupIn(one, group.id), await groupIn(two, group.id)];
  await Promise.all([
    ...Array.from({ length: 5 }, (_, n) => first.send(bytes(`one ${n}`))),
    ...Array.from({ length: 5 }, (_, n) => second.send(bytes(`two ${n}`))),
    ...Array.from({ length: 5 }, (_, n) => group.send(bytes(`alice ${n}`))),
    first.rekey(),
    second.rekey(),
    group.rekey(),
  ]);
  await until('alice hears all', () => alice.inbox.length === 10);
  await until('bob hears all', () => one.inbox.length + two.inbox.length === 5);
  await until('one state', async () => {
    await Promise.all([first.sync(), second.sync(), group.sync()]);
    return new Set([first, second, group].map((each) => each.fingerprint())).size === 1;
  });
  expect(new Set(alice.inbox).size).toBe(10);
  expect([alice, one, two].flatMap(faultsOf)).toEqual([]);
  expect([...alice.events, ...one.events, ...two.events].filter(({ type }) => type === 'refused')).toEqual(
    [],
  );
}

testWith(['redis-server'], 'two processes of one member share a state in Redis', async () => {
  const { url } = await startRedis();
  await twoProcesses(async () => {
    const client = new Redis(url, { ...redisClientOptions.ioredis });
    afterTest(() => client.disconnect());
    return new RedisOperationsStore({ client, timeoutMs: 10_000 });
  });
});

testWith(['initdb', 'postgres'], 'two processes of one member share a state in PostgreSQL', async () => {
  const { url } = await startPostgres();
  await twoProcesses(async () => {
    const pool = new pg.Pool({ connectionString: url });
    pool.on('error', () => {});
    afterTest(() => pool.end());
    return new PostgresOperationsStore({ pool, timeoutMs: 10_000 });
  });
});
