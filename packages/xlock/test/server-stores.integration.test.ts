// Where the auth server keeps things: a store is of one service, failures name host, port and reason, and PostgreSQL counts for all instances.
import { spawnSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { openXlockStorage } from '../src/server/index.js';
import { StoredLimits } from '../src/server/stored-limits.js';
import { findProgram, freePort, startPostgres, startRedis } from './servers.js';
import { afterTest, clockAt, describeWhere, idOf, temporaryFolder, until } from './support.js';

const PROGRAM = fileURLToPath(new URL('../dist/xlock.js', import.meta.url));
const ORIGIN = 'https://login.example';

/** What `xlock serve` says that does not start. */
function refusal(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'serve', '--port', '0', ...args], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { started: status === null || /^url /m.test(stdout), said: stderr };
}

async function opened(...args: Parameters<typeof openXlockStorage>) {
  const storage = await openXlockStorage(...args);
  let isOpen = true;
  const close = async () => {
    if (isOpen) await storage.close();
    isOpen = false;
  };
  afterTest(close);
  return { ...storage, close };
}

test('a typo in --identity, and another --origin, are refused by name; no key is made', async () => {
  const data = await temporaryFolder();
  const { identity, close } = await opened({ data, origin: ORIGIN });
  await close();
  const typo = join(data, 'idnetity.der');
  const other = refusal(['--data', data, '--origin', ORIGIN, '--identity', typo]);
  expect(other).toMatchObject({ started: false, said: expect.stringContaining(identity.did) });
  expect(other.said).toContain(typo);
  expect(await readdir(data)).not.toContain('idnetity.der');
  expect(refusal(['--data', data, '--origin', 'https://other.example'])).toMatchObject({
    started: false,
    said: expect.stringContaining(`--origin ${ORIGIN}`),
  });
  expect((await opened({ data, origin: ORIGIN })).identity.did).toBe(identity.did);
});

test('options of the storage are checked', async () => {
  const data = await temporaryFolder();
  for (const options of [
    {},
    { data, store: 'mysql://x' },
    { data, origin: 'x' },
    { data, sotre: 'redis://x' },
  ])
    expect(await idOf(openXlockStorage(options as never))).toBe('INVALID_OPTION');
  expect(await readdir(data)).toEqual([]);
});

test.each([
  ['redis', ''],
  ['postgres', 'ada:geheim@'],
])('a %s that is not there is told with host, port and reason, without the password', async (kind, user) => {
  const port = await freePort();
  const args = ['--data', await temporaryFolder(), '--store', `${kind}://${user}127.0.0.1:${port}`];
  const { started, said } = refusal(args);
  expect([started, said]).toEqual([
    false,
    expect.stringContaining(`Cannot use ${kind}://127.0.0.1:${port} (ECONNREFUSED)`),
  ]);
  expect(said).not.toContain('geheim');
});

test.each([
  ['redis', 'ioredis'],
  ['postgres', 'pg'],
])('for %s without its package it says what to install', async (kind, name) => {
  const hooks = `export async function resolve(id, context, next) {
    if (id === '${name}') throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(id, context);
  }`;
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'hooks.mjs'), hooks);
  const hooking = `import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);`;
  await writeFile(join(folder, 'register.mjs'), hooking);
  const { started, said } = refusal(
    ['--data', await temporaryFolder(), '--store', `${kind}://127.0.0.1:${await freePort()}`],
    { NODE_OPTIONS: `--import ${pathToFileURL(join(folder, 'register.mjs'))}` },
  );
  expect([started, said]).toEqual([false, expect.stringContaining(`npm install ${name}`)]);
});

test('counts in a store go on over instances, begin anew after their window, and also where the clock was set back', async () => {
  const store = new MemoryOperationsStore();
  const clock = clockAt();
  const [one, two] = [new StoredLimits(store, clock), new StoredLimits(store, clock)];
  const counts = [await one.take('a', 1000), await two.take('a', 1000), await two.take('b', 1000)];
  expect(counts.map(({ count }) => count)).toEqual([1, 2, 1]);
  expect(counts[1]!.resetMs).toBe(1000);
  clock.pass(1001);
  expect(await one.take('a', 1000)).toEqual({ count: 1, resetMs: 1000 });
  clock.pass(-5000);
  expect((await two.take('a', 1000)).count).toBe(1);
  const raced = await Promise.all(
    Array.from({ length: 20 }, (_, at) => (at % 2 ? one : two).take('c', 1000)),
  );
  expect(raced.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, at) => at + 1),
  );
  clock.pass(400_000);
  await one.take('d', 1000);
  await until('old counts are removed', () => store.list('xlock-limit').length === 1);
});

describeWhere(findProgram('redis-server') !== undefined, 'redis-server', 'on Redis', () => {
  test('an instance without the identity of the others does not start', async () => {
    const { port } = await startRedis();
    const store = `redis://127.0.0.1:${port}`;
    const { identity } = await opened({ data: await temporaryFolder(), store, origin: ORIGIN });
    const fresh = ['--data', await temporaryFolder(), '--store', store, '--origin', ORIGIN];
    expect(refusal(fresh)).toMatchObject({ started: false, said: expect.stringContaining(identity.did) });
    const foreign = await temporaryFolder();
    await (await opened({ data: foreign })).close();
    expect(refusal(['--data', foreign, ...fresh.slice(2)])).toMatchObject({
      started: false,
      said: expect.stringContaining(identity.did),
    });
  });
});

describeWhere(findProgram('initdb') !== undefined, 'PostgreSQL', 'on PostgreSQL', () => {
  test('pushes are counted for all instances', async () => {
    const { url: store } = await startPostgres();
    const identityFile = join(await temporaryFolder(), 'identity.der');
    const instance = async () => opened({ data: await temporaryFolder(), store, identityFile });
    const [one, two] = [await instance(), await instance()];
    const counts: number[] = [];
    for (const { limits } of [one, two, one, two])
      counts.push((await limits.take('xlock-push x', 60_000)).count);
    expect(counts).toEqual([1, 2, 3, 4]);
  });
});
