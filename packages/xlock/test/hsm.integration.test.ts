// Shares in a token of PKCS#11: SoftHSM, by the program of OpenSC.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { HsmBackend, Pkcs11Tool, passkeyName } from '../src/index.js';
import { findProgram } from './servers.js';
import {
  afterTest,
  describeWhere,
  idOf,
  moodies,
  ORIGIN,
  temporaryFolder,
  until,
  vaultOn,
} from './support.js';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '48151623';
const isThere = ['softhsm2-util', 'pkcs11-tool'].every((name) => findProgram(name) !== undefined);

/** A new token of SoftHSM, which finds it by the environment. */
async function newToken(): Promise<{ token: string; module: string }> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'tokens'));
  const file = join(folder, 'softhsm2.conf');
  await writeFile(
    file,
    `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  const before = process.env['SOFTHSM2_CONF'];
  process.env['SOFTHSM2_CONF'] = file;
  afterTest(() => {
    if (before === undefined) delete process.env['SOFTHSM2_CONF'];
    else process.env['SOFTHSM2_CONF'] = before;
  });
  const made = ['--init-token', '--free', '--label', 'xlock', '--pin', PIN, '--so-pin', '31415926'];
  execFileSync(findProgram('softhsm2-util')!, made, { stdio: 'ignore', env: process.env });
  return { token: 'xlock', module: MODULE };
}

describeWhere(isThere, 'softhsm2 or opensc', 'a hardware security module', () => {
  test('a passkey is split over it, signs, rotates, and says nothing without the PIN', async () => {
    const place = await newToken();
    const tool = new Pkcs11Tool({ ...place, pin: PIN });
    const [near, far] = moodies(2);
    const vault = vaultOn([new HsmBackend({ token: tool }), near, far]);
    const owner = { service: ORIGIN, userId: 'ada' };
    expect(await vault.generatePasskey(owner)).toMatchObject({
      stored: ['hsm', 'store-0', 'store-1'],
      missing: [],
    });
    far.mood = 'down'; // now it takes the share of the module
    expect((await vault.signChallenge({ ...owner, message: new Uint8Array(1) })).signature).toHaveLength(64);
    far.mood = 'good';
    await vault.rotate(owner);
    expect(await tool.labels()).toHaveLength(1); // the old share is gone
    expect(await vault.audit(owner)).toMatchObject({ isWhole: true, good: 3 });
    const label = (await tool.labels())[0]!;
    const args = [
      '--module',
      MODULE,
      '--token-label',
      'xlock',
      '--read-object',
      '--type',
      'data',
      '--label',
      label,
    ];
    expect(() => execFileSync('pkcs11-tool', args, { stdio: 'pipe', env: process.env })).toThrow(
      'object not found',
    ); // private
    await vault.remove(owner);
    expect(await tool.labels()).toEqual([]);
    expect(await tool.read(label)).toBeUndefined();
  });

  test('a crash between the new share and the removal of the old one leaves the new one', async () => {
    const tool = new Pkcs11Tool({ ...(await newToken()), pin: PIN });
    const backend = new HsmBackend({ token: tool });
    const name = passkeyName({ service: ORIGIN });
    await backend.put(name, Buffer.from('old'));
    const crashing = new HsmBackend({
      token: {
        labels: () => tool.labels(),
        read: (label) => tool.read(label),
        write: (label, bytes) => tool.write(label, bytes),
        remove: () => Promise.reject(new Error('power is gone')),
      },
    });
    await expect(crashing.put(name, Buffer.from('new'))).rejects.toThrow('power');
    expect(Buffer.from((await backend.get(name))!).toString()).toBe('new');
    await backend.put(name, Buffer.from('newer'));
    expect(await tool.labels()).toHaveLength(1);
  });

  test('a token that hangs is given up, and its program is ended', async () => {
    const folder = await temporaryFolder();
    const program = join(folder, 'hangs');
    await writeFile(program, `#!/bin/sh\necho $$ > ${folder}/pid\nexec sleep 60\n`, { mode: 0o700 });
    const tool = new Pkcs11Tool({ module: MODULE, token: 'xlock', pin: PIN, program, timeoutMs: 500 });
    await expect(tool.labels()).rejects.toThrow('The token did not do it');
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    // Gone, or dead and not yet asked for by its new parent.
    const stateOf = () => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
    await until('the program has ended', async () => (await stateOf()).split(') ').at(-1)!.startsWith('Z'));
  });

  test('a wrong PIN is tried once, since tokens lock themselves', async () => {
    const tool = new Pkcs11Tool({ ...(await newToken()), pin: '0000' });
    expect(await idOf(tool.labels())).toBe('SHARE_UNREADABLE');
    const gone = process.env['PATH'];
    process.env['PATH'] = '/nowhere'; // nothing is started for the second one
    try {
      expect(await idOf(tool.labels())).toBe('SHARE_UNREADABLE');
    } finally {
      process.env['PATH'] = gone;
    }
    const other = new Pkcs11Tool({ module: MODULE, token: 'none', pin: PIN });
    await expect(other.labels()).rejects.toThrow('The token did not do it');
  });
});

test('options are checked', () => {
  expect(() => new Pkcs11Tool({ module: MODULE, token: 'x' } as never)).toThrow('pin');
  expect(() => new HsmBackend({ token: {} } as never)).toThrow('token');
});
