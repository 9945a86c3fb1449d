import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FileClientStore, FileOperationsStore } from '@private.me/xlink/file';
import { commands, run } from '../src/index.js';

async function call(...args: string[]) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return {
    code: await run(['transfer', ...args], commands, { out: write, err: write }),
    text: lines.join('\n'),
  };
}

describe('xlink transfer', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-transfer-'));
    const clients = await FileClientStore.open(join(folder, 'clients'));
    await clients.add([{ client: 'acme', keyRequests: 3, xlinkRequests: 1, failures: {} }]);
    await clients.setRevoked('bolt', 1);
    await clients.close();
    const operations = new FileOperationsStore(join(folder, 'operations'));
    await operations.save('invitation/abc', '{"client":"acme"}', 0);
    await operations.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const place = (name: string) => `file:${join(folder, name)}`;

  test('copies, says how much, and copies nothing twice', async () => {
    const first = await call('clients', '--from', place('clients'), '--to', place('new-clients'));
    expect([first.code, first.text]).toEqual([
      0,
      expect.stringMatching(/^clients: 2 read, 2 written, 0 were there\ndigest of both [\w-]{43}$/),
    ]);
    const again = await call('clients', '--from', place('clients'), '--to', place('new-clients'));
    expect([again.code, again.text]).toEqual([0, first.text.replace('2 written, 0', '0 written, 2')]);
    const told = await call('clients', '--from', place('clients'), '--to', place('new-clients'), '--json');
    expect(JSON.parse(told.text)).toMatchObject({ part: 'clients', read: 2, written: 0 });
    const operations = await call(
      'operations',
      '--from',
      place('operations'),
      '--to',
      place('new-operations'),
    );
    expect(operations.text).toContain('operations: 1 read, 1 written');
  });

  test('a source that holds nothing is said to', async () => {
    await (await FileClientStore.open(join(folder, 'empty'))).close();
    const { code, text } = await call('clients', '--from', place('empty'), '--to', place('new-empty'));
    expect([code, text]).toEqual([0, expect.stringContaining('there is nothing at --from')]);
  });

  test('overwrites nothing', async () => {
    const other = await FileClientStore.open(join(folder, 'other'));
    await other.setRevoked('bolt', 2);
    await other.close();
    const { code, text } = await call('clients', '--from', place('clients'), '--to', place('other'));
    expect([code, text]).toEqual([1, expect.stringMatching(/holds something else.*\(field: clients\)/)]);
  });

  test.each([
    ['nothing', 'nowhere', /file:.*nowhere cannot be read\n {2}because: ENOENT/],
    ['a folder', '.', /is no file; openFileState\('state'\) has state\/registry\.jsonl/],
  ])('reads no file where there is %s, and makes none', async (_, name, said) => {
    for (const part of ['registry', 'clients', 'mode', 'operations']) {
      const { code, text } = await call(part, '--from', place(name), '--to', place(`${part}-copy`));
      expect([code, text]).toEqual([1, expect.stringMatching(said)]);
    }
    expect((await readdir(folder)).filter((file) => /nowhere|copy/.test(file))).toEqual([]);
  });

  test.each([
    [[], 'name one part: registry, clients, mode, operations'],
    [['nonces', '--from', 'file:a', '--to', 'file:b'], 'name one part'],
    [['clients', '--from', 'file:a'], '--from and --to are required'],
    [['clients', '--from', './a', '--to', 'file:b'], 'a store is file:PATH, postgres://… or redis://…'],
  ])('%j is a wrong call', async (args, said) => {
    const { code, text } = await call(...args);
    expect([code, text]).toEqual([2, expect.stringContaining(said)]);
  });
});
