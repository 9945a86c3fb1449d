// `xlock verify` and `xlock export` as programs, over a log of the auth server: whole, changed, cut, rewritten, and for auditors without its key.
import { spawnSync } from 'node:child_process';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { openXlockStorage } from '../src/server/index.js';
import { temporaryFolder } from './support.js';

const PROGRAM = fileURLToPath(new URL('../dist/xlock.js', import.meta.url));

function xlock(...args: string[]) {
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    env,
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
}

async function serverFolder(entries = 3) {
  const data = join(await temporaryFolder(), 'data');
  const storage = await openXlockStorage({ data });
  for (let at = 0; at < entries; at++)
    await storage.audit.append({ type: 'xlock-answer', reason: `login ${at}` });
  const { did } = storage.identity;
  await storage.close();
  return { data, did, log: join(data, 'audit') };
}

/** The file with the entries. */
async function entriesOf(log: string): Promise<string> {
  const files = await readdir(log, { recursive: true });
  return join(log, files.find((file) => file.endsWith('.jsonl'))!);
}

test('a whole log is told with its entries, by the key of the server and by its DID alone', async () => {
  const { data, did, log } = await serverFolder();
  expect(xlock('verify', '--data', data)).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^whole: 3 entries of /),
  });
  expect(xlock('verify', '--audit-log', log, '--did', did)).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^whole: 3 /),
  });
});

test.each([
  [
    'changed',
    (text: string) => text.replace(/("\w+":")(.)/, (_, name, letter) => name + (letter === 'A' ? 'B' : 'A')),
  ],
  ['cut', (text: string) => text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)],
  [
    'in another order',
    (text: string) => {
      const [one, two, ...rest] = text.split('\n');
      return [two, one, ...rest].join('\n');
    },
  ],
])('a log that was %s is refused, with and without the key', async (_, change) => {
  const { data, did, log } = await serverFolder();
  const file = await entriesOf(log);
  const text = await readFile(file, 'utf8');
  const changed = change(text);
  expect(changed).not.toBe(text);
  await writeFile(file, changed);
  expect(xlock('verify', '--audit-log', log, '--did', did)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^xlock: /),
  });
  expect(xlock('verify', '--data', data)).toMatchObject({ code: 1, said: expect.stringMatching(/^xlock: /) });
});

test('who holds the key can write another log, and a checkpoint that was kept elsewhere tells', async () => {
  const { data, did, log } = await serverFolder();
  const checkpoint = join(await temporaryFolder(), 'kept');
  await cp(join(log, 'checkpoint'), checkpoint);
  const forged = join(await temporaryFolder(), 'forged');
  await cp(join(data, 'identity.der'), join(forged, 'identity.der'));
  const storage = await openXlockStorage({ data: forged });
  for (const reason of ['none', 'of', 'it']) await storage.audit.append({ type: 'xlock-answer', reason });
  await storage.close();
  expect(xlock('verify', '--data', forged).code).toBe(0);
  for (const args of [
    ['--data', forged],
    ['--audit-log', join(forged, 'audit'), '--did', did],
  ])
    expect(xlock('verify', ...args, '--checkpoint', checkpoint).code).toBe(1);
  expect(xlock('verify', '--data', data, '--checkpoint', checkpoint).code).toBe(0);
});

test('an export with proofs is verified by its file, its checkpoint and the DID; a changed one is not', async () => {
  const { data, did } = await serverFolder();
  const file = join(await temporaryFolder(), 'log.json');
  expect(xlock('export', '--data', data, '--out', file).code).toBe(0);
  const verify = () => xlock('verify', '--audit-log', file, '--did', did);
  expect(verify()).toMatchObject({ code: 0, said: expect.stringMatching(/^proven: 3 of the 3 /) });
  await writeFile(file, (await readFile(file, 'utf8')).replace('login 1', 'login 7'));
  expect(verify()).toMatchObject({ code: 1, said: expect.stringMatching(/^xlock: /) });
});

test('an export has the days that were asked for', async () => {
  const { data } = await serverFolder();
  const entries = (...args: string[]) =>
    JSON.parse(xlock('export', '--data', data, ...args).said).entries.length;
  const today = new Date().toISOString();
  expect([
    entries(),
    entries('--until', '2026-01-01'),
    entries('--since', '2026-01-01', '--until', today),
  ]).toEqual([3, 0, 3]);
});

test('wrong calls say what is needed, and make no key', async () => {
  const { log, did, data } = await serverFolder(0);
  const [empty, keyOnly] = [await temporaryFolder(), await temporaryFolder()];
  await cp(join(data, 'identity.der'), join(keyOnly, 'identity.der'));
  for (const [args, word] of [
    [['verify', '--audit-log', log], '--did'],
    [['verify', '--did', did], '--audit-log'],
    [['verify', '--audit-log', log, '--did', did, '--data', data], '--data'],
    [['verify', '--data', empty], 'no key'],
    [['export', '--data', empty], 'no key'],
    [['export', '--data', join(empty, 'typo')], 'no key'],
    [['export', '--data', keyOnly], 'no audit log'],
    [['verify', '--data', keyOnly], 'no audit log'],
    [['export', '--data', data, '--since', 'yesterday'], '--since'],
  ] as const)
    expect(xlock(...args)).toMatchObject({ code: 2, said: expect.stringContaining(word) });
  expect([await readdir(empty), await readdir(keyOnly)]).toEqual([[], ['identity.der']]);
}, 180_000); // many programs are started

test('the log of a running server, and a copy with its locks, are exported, and nothing is written there', async () => {
  const { data } = await serverFolder();
  const storage = await openXlockStorage({ data }); // it holds the locks
  try {
    await storage.audit.append({ type: 'xlock-answer', reason: 'login 3' });
    const copy = join(await temporaryFolder(), 'copy');
    await cp(data, copy, { recursive: true });
    const before = await readdir(copy, { recursive: true });
    expect(before.filter((name) => name.includes('.lock-'))).not.toEqual([]);
    for (const folder of [data, copy])
      expect(JSON.parse(xlock('export', '--data', folder).said).entries).toHaveLength(4);
    expect(xlock('verify', '--data', copy)).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^whole: 4 /),
    });
    const file = join(await temporaryFolder(), 'log.json');
    expect(xlock('export', '--data', copy, '--out', file).said).toContain('the last 1 entries');
    expect(await readdir(copy, { recursive: true })).toEqual(before);
  } finally {
    await storage.close();
  }
});
