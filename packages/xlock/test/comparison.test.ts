// The table that compares xLock to others: every cell of ours has a test, and says what that shows.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { describeWhere, registered } from './support.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SEED = at('../../../../shared/seeds/002_724404689f9dbd5b.txt');
const BASE = 'https://github.com/private-me/xlink/blob/main/packages/xlock/test/';

const rowsIn = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('|--'))
    .map((line) => line.slice(1).replace(/\|\s*$/, '').split('|').map((cell) => cell.trim())); // biome-ignore format: one chain

const page = readFileSync(at('../docs/comparison.md'), 'utf8');
const tables = page.slice(0, page.indexOf('## Speed'));
const ours = rowsIn(tables).filter(([, second]) => !['1Password', 'Password Manager'].includes(second!));

test('every cell of ours links to tests that are there, by their names', () => {
  expect(ours).toHaveLength(11);
  for (const row of ours) {
    const cell = row.at(-1)!;
    const links = [...cell.matchAll(/\]\((\S+) "([^"]+)"\)/g)];
    if (!/^As above/.test(cell)) expect([row[0], links.length > 0]).toEqual([row[0], true]);
    for (const [, url, name] of links) {
      expect(url!.startsWith(BASE)).toBe(true);
      const source = readFileSync(at(url!.slice(BASE.length)), 'utf8');
      expect([name, source.includes(`'${name}'`)]).toEqual([name, true]);
    }
  }
});

describeWhere(existsSync(SEED), 'shared/seeds', 'the table that was promised', () => {
  test('has these rows, and says this of others', () => {
    const text = existsSync(SEED) ? readFileSync(SEED, 'utf8') : '';
    const promised = rowsIn(text).filter((row) => row.length >= 5 && ours.some(([name]) => name === row[0]));
    expect(ours.map((row) => row.slice(0, -1))).toEqual(promised.map((row) => row.slice(0, -1)));
  });
});

test('what a service keeps of a user is public', async () => {
  const store = new MemoryOperationsStore();
  const { verifier, device, did } = await registered({ store });
  const account = await verifier.account(did);
  expect(Object.keys(account).sort()).toEqual(['devices', 'did', 'userId']);
  expect(account.devices).toEqual([{ id: device.id, name: 'phone', addedAt: expect.any(Number) }]);
  const kinds = ['xlock-account', 'xlock-user', 'xlock-device', 'xlock-session'];
  const kept = (await Promise.all(kinds.map((kind) => store.list(kind)))).flat();
  expect(kept).toHaveLength(3);
  // A DID is a public key; there is nothing in it that is 32 secret bytes.
  for (const { json } of kept) expect(json.replaceAll(/did:key:z\w+/g, '')).not.toMatch(/[\w-]{43}/);
});

test('the bench runs, and a login without the human takes no time that anybody notices', async () => {
  const env = { ...process.env, ROUNDS: '5' };
  const { stdout } = await promisify(execFile)(process.execPath, [at('../bench/run.mjs'), '--json'], { env });
  const { rows } = JSON.parse(stdout) as { rows: [string, { p50: number }][] };
  expect(rows).toHaveLength(9);
  const [inProcess, overHttp] = rows.map(([, { p50 }]) => p50);
  expect(inProcess).toBeLessThan(200); // machines of tests are slow: the figures in the table are measured alone
  expect(overHttp).toBeLessThan(400);
});
