import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeWith } from './support/needs.js';
import { runProgram, xlink } from './support/program.js';
import { type Bus, startBus, startKeyring } from './support/secret-service.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-keychain-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const NOTHING = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus', DISPLAY: '' };
const identityFile = () => join(folder, '.xlink/identity.key');

test('without a session bus nothing is made, and what to do is said', async () => {
  const { code, err } = await xlink({ cwd: folder, env: NOTHING }, 'init', '--name', 'a', '--keychain');
  expect([code, err]).toEqual([
    16,
    expect.stringMatching(/No keychain can be reached.*gnome-keyring-daemon/),
  ]);
  expect((await runProgram('ls', ['-A'], { cwd: folder })).out).toBe('');
});

test('with --encrypt as well it is a wrong call', async () => {
  const { code, err } = await xlink(folder, 'init', '--name', 'a', '--keychain', '--encrypt');
  expect([code, err]).toEqual([2, expect.stringContaining('choose one of --encrypt and --keychain')]);
});

describeWith(['dbus-daemon', 'gnome-keyring-daemon'], 'with a Secret Service', () => {
  let bus: Bus;
  beforeEach(async () => {
    bus = await startBus(join(folder, 'home'));
  });
  afterEach(() => bus.close());

  const call = async (...args: string[]) => xlink({ cwd: folder, env: bus.env }, ...args);
  const done = async (...args: string[]) => {
    const { code, out, err } = await call(...args, '--json');
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`);
    return JSON.parse(out);
  };

  test('a key is kept there: its file only names it, and commands open it', async () => {
    startKeyring(bus, '\n');
    const { did } = await done('init', '--name', 'shop', '--keychain');
    const content = await readFile(identityFile(), 'utf8');
    expect(JSON.parse(content)).toEqual({
      kind: 'xlink-keychain/1',
      service: 'xlink',
      account: expect.stringMatching(`^${did}#`),
    });
    expect(await done('keys', 'list')).toMatchObject([{ did, encrypted: false, keychain: true }]);
    expect(await done('keys', 'export', '--record')).toMatchObject({ did });
    expect((await call('identity', 'show', identityFile())).out).toContain(did);
    const elsewhere = await xlink({ cwd: folder, env: NOTHING }, 'keys', 'export', '--record');
    expect(elsewhere.code).toBe(16);

    expect(await done('keys', 'export', '--out', 'copy.pem')).toMatchObject({ did });
    expect(await readFile(join(folder, 'copy.pem'), 'utf8')).toContain('BEGIN PRIVATE KEY');
    await cp(identityFile(), join(folder, 'pointer.json'));
    expect(await done('keys', 'decrypt')).toMatchObject({ status: 'decrypted', did });
    expect(await readFile(identityFile(), 'utf8')).toBe(await readFile(join(folder, 'copy.pem'), 'utf8'));
    const gone = await call('identity', 'show', join(folder, 'pointer.json'));
    expect([gone.code, gone.err]).toEqual([16, expect.stringContaining('has no such key')]);

    expect(await done('keys', 'encrypt', '--keychain')).toMatchObject({ status: 'encrypted', did });
    expect(await readFile(identityFile(), 'utf8')).not.toContain('PRIVATE KEY');
    const twice = await call('keys', 'encrypt', '--keychain');
    expect([twice.code, twice.err]).toEqual([2, expect.stringContaining('in the keychain already')]);
    const rotated = await done('rotate', '--yes');
    expect(rotated.predecessor).toBe(did);
    expect(JSON.parse(await readFile(identityFile(), 'utf8')).account).toContain(rotated.did);
  });

  test('create, generate and import keep theirs there; a file that names another key is refused', async () => {
    startKeyring(bus, '\n');
    await done('init', '--name', 'shop');
    const created = await done('create', '--name', 'agent', '--keychain');
    await done('keys', 'generate', '--out', 'plain.pem');
    const imported = await done('keys', 'import', 'plain.pem', '--name', 'b', '--keychain');
    const generated = await done('keys', 'generate', '--out', 'other.json', '--keychain');
    const listed = await done('keys', 'list');
    expect(
      listed
        .filter((one: { keychain: boolean }) => one.keychain)
        .map((one: { did: string }) => one.did)
        .sort(),
    ).toEqual([created.did, imported.did].sort());
    expect(await done('keys', 'export', '--agent', created.did, '--record')).toMatchObject({
      did: created.did,
    });
    const file = join(folder, 'other.json');
    expect((await call('identity', 'show', file)).out).toContain(generated.did);
    const { account, ...rest } = JSON.parse(await readFile(file, 'utf8'));
    const entry = account.replace(generated.did, imported.did);
    await writeFile(file, JSON.stringify({ ...rest, account: entry }), { mode: 0o600 });
    expect((await call('identity', 'show', file)).code).toBe(16);
  });

  test('one that is locked ends with 16, and nothing is made', async () => {
    startKeyring(bus, undefined);
    const { code, err } = await call('init', '--name', 'a', '--keychain');
    expect([code, err]).toEqual([16, expect.stringContaining('The keychain is locked')]);
    expect((await runProgram('ls', ['-A'], { cwd: folder })).out).toBe('home\n');
  });
});
