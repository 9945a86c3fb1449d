import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import {
  deviceKeyFile,
  FusionManager,
  fromRecoveryCode,
  passkey,
  recoveryCode,
  Xfuse,
} from '../src/index.js';
import { keyOf } from './fusion-support.js';
import { afterTest, idOfFailure } from './support.js';

const folder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'xfuse-'));
  afterTest(() => rm(path, { recursive: true }));
  return path;
};

test('a key file is made once, for its owner only, and stays the same', async () => {
  const path = join(await folder(), 'keys', 'device.key');
  const first = await deviceKeyFile(path);
  expect((await deviceKeyFile(path)).key).toEqual(first.key);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await chmod(path, 0o640);
  expect(await idOfFailure(() => deviceKeyFile(path))).toBe('KEY_FILE_EXPOSED');
  await chmod(path, 0o600);
  await writeFile(path, 'short');
  expect(await idOfFailure(() => deviceKeyFile(path))).toBe('KEY_FILE_UNREADABLE');
  const link = join(await folder(), 'link');
  await symlink(path, link);
  expect(await idOfFailure(() => deviceKeyFile(link))).toBe('KEY_FILE_UNREADABLE');
});

test('the system can seal it', async () => {
  const path = join(await folder(), 'device.key');
  const mask = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x5a);
  const sealing = { seal: mask, unseal: mask };
  const { key } = await deviceKeyFile(path, sealing);
  expect(new Uint8Array(await readFile(path))).toEqual(mask(key));
  expect((await deviceKeyFile(path, sealing)).key).toEqual(key);
});

test('what holds a key shows none', async () => {
  const device = passkey({ prf: keyOf('a'), credentialId: 'AAAA' });
  expect(inspect(device)).toBe('DeviceSecret(passkey)');
  expect(JSON.stringify(device)).toBe('{"kind":"passkey"}');
});

test('a recovery code comes back from paper; a wrong one is no code', async () => {
  const key = keyOf('paper');
  expect(fromRecoveryCode(recoveryCode(key)).key).toEqual(key);
  const code = recoveryCode(key);
  for (const wrong of ['', code.slice(0, -1), `${code}A`, code.replace(/.$/, 'B'), code.replace(/^./, '!')])
    expect(await idOfFailure(() => fromRecoveryCode(wrong))).toBe('SIGNAL_INVALID');
});

test('options are checked, and a near name is suggested', async () => {
  const legacy = { endpoint: 'http://127.0.0.1:1' };
  const wrong: [unknown, string][] = [
    [{ legacy, modern: {}, legasy: 1 }, 'did you mean legacy?'],
    [{ modern: {} }, 'legacy is missing'],
    [{ legacy: { endpoint: 'ftp://x' }, modern: {} }, 'endpoint must be an http(s) URL'],
    [{ legacy, modern: { timeout: 1 } }, 'did you mean timeoutMs?'],
    [{ legacy, modern: {}, aci: 2 }, 'aci must be a number from 0 to 1'],
    [{ legacy, modern: {}, steps: [0.5, 0.1] }, 'rising numbers'],
    [{ legacy, modern: {}, compare: { ignore: ['a'] } }, 'JSON Pointers'],
    [{ legacy, modern: {}, budget: { errorRatio: '1' } }, 'errorRatio'],
  ];
  for (const [options, text] of wrong) {
    const error = await Xfuse.create(options as never).catch((one) => one);
    expect(error).toMatchObject({ id: 'INVALID_OPTION', message: expect.stringContaining(text) });
  }
  const bridge = await Xfuse.create({ legacy, modern: {} });
  for (const ratio of [{ aci: 0.5, api: 0.4 }, { aci: -1 }, { aci: Number.NaN }, { acy: 1 }])
    expect(await idOfFailure(() => bridge.setTrafficRatio(ratio as never))).toBe('INVALID_OPTION');
  for (const xfuse of [{ mode: 'mirorr' }, { callr: 'a' }, { caller: 7 }])
    expect(await idOfFailure(() => bridge.fetch('/', { xfuse } as never))).toBe('INVALID_OPTION');
  for (const options of [
    { threshold: 3, totalSignals: 2 },
    { threshold: 2, totalSignals: 9 },
    { threshold: 2, totalSignals: 2, ial: 'IAL9' },
  ])
    expect(await idOfFailure(() => new FusionManager(options as never))).toBe('INVALID_OPTION');
});
