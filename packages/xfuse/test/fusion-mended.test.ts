import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Did, Identity } from '@private.me/xlink';
import {
  Attester,
  DeviceSecret,
  deviceKeyFile,
  FileFusionStore,
  FusionManager,
  fromRecoveryCode,
  MemorySessionLedger,
  OprfServer,
  passkey,
  recoveryCode,
  signProofing,
  totp,
  userVerified,
  verifySession,
} from '../src/index.js';
import { CHEAP, device, keyOf, OpenStore, PASSWORD } from './fusion-support.js';
import { afterTest, idOfFailure } from './support.js';

const own = (name: string) => ({ type: 'device', value: device(name) }) as const;
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const AUDIENCE = 'https://api.example';

/** Three devices, any two of which are enough: no password, so it is quick. */
async function three(options: object = {}, gate?: string) {
  const store = new OpenStore();
  const settings = { threshold: 2, totalSignals: 3, account: 'ada', store, audience: AUDIENCE, ...options };
  const fusion = new FusionManager(settings);
  if (gate) await fusion.enrollSignal({ type: 'totp', value: gate });
  const devices = [
    own('a'),
    own('b'),
    { type: 'device', value: fromRecoveryCode(recoveryCode(keyOf('c'))) } as const,
  ];
  for (const one of devices) await fusion.enrollSignal(one);
  const [a, b, c] = devices as [(typeof devices)[0], (typeof devices)[0], (typeof devices)[0]];
  return { fusion, store, settings, a, b, c };
}

describe('a session', () => {
  test('that was being opened with a signal that is removed meanwhile does not survive', async () => {
    const sessions = new MemorySessionLedger();
    const opened: Did[] = [];
    let atOpen = async (): Promise<void> => undefined;
    const ledger = {
      open: async (session: Parameters<MemorySessionLedger['open']>[0]) => {
        await atOpen();
        opened.push(session.session);
        sessions.open(session);
      },
      isOpen: (session: Did, fused: Did) => sessions.isOpen(session, fused),
      end: (session: Did) => sessions.end(session),
      endAll: (fused: Did) => sessions.endAll(fused),
    };
    const { fusion, settings, a, b, c } = await three({ sessions: ledger });
    const thief = new FusionManager(settings);
    const { id } = (await fusion.signals())[0]!;
    atOpen = () => fusion.removeSignal([b, c], id);
    expect(await idOfFailure(() => thief.converge([a, b]))).toBe('RECORD_CHANGED');
    expect(sessions.isOpen(opened[0]!, await fusion.fusedDid())).toBe(false);
  });

  test('of a lower generation than asked for is over', async () => {
    const { fusion, a, b } = await three();
    const session = await fusion.converge([a, b]);
    const minimumGeneration = (await fusion.generation()) + 1;
    const check = { did: session.did, audience: AUDIENCE, isKnown: () => true };
    await verifySession(session.certificate, check);
    expect(await idOfFailure(() => verifySession(session.certificate, { ...check, minimumGeneration }))).toBe(
      'SESSION_ENDED',
    );
  });

  test('that was ended stays so, also where its nonce comes again', async () => {
    const sessions = new MemorySessionLedger();
    const { fusion, a, b } = await three({ sessions });
    const { did, fusedDid } = await fusion.converge([a, b], { nonce: 'n' });
    await fusion.endSession(did);
    expect(await idOfFailure(() => fusion.converge([a, b], { nonce: 'n' }))).toBe('SESSION_ENDED');
    expect(sessions.isOpen(did, fusedDid)).toBe(false);
  });
});

test('a proofing that is not good any more gives no level, and a lower one does not take its place', async () => {
  let now = Date.now();
  const clock = () => now;
  const issuer = await Identity.fromSeed(keyOf('issuer'));
  const { fusion, store, settings, a, b } = await three({ clock, proofingIssuers: [issuer.did] });
  const subject = await fusion.fusedDid();
  const proof = (ial: 'IAL1' | 'IAL2') => signProofing(issuer, { subject, ial, ttlMs: 60_000, clock });
  await fusion.addProofing(await proof('IAL2'));
  expect((await fusion.converge([a, b])).ial).toBe('IAL2');
  expect(await idOfFailure(async () => fusion.addProofing(await proof('IAL1')))).toBe('PROOFING_LOWER');
  now += 120_000;
  expect((await fusion.converge([a, b])).ial).toBeUndefined();
  const strict = new FusionManager({ ...settings, ial: 'IAL1' });
  expect(await idOfFailure(() => strict.converge([a, b]))).toBe('ATTESTATION_INVALID:EXPIRED');
  store.change('ada', (record) => void (record.proofing = 'x.y'));
  expect((await fusion.converge([a, b])).ial).toBeUndefined();
  await fusion.addProofing(await proof('IAL1'));
});

describe('attempts', () => {
  test('are counted for the store of records, not for each manager', async () => {
    const { settings, a } = await three();
    const ids = [];
    for (let at = 0; at < 12; at++)
      ids.push(await idOfFailure(() => new FusionManager(settings).converge([a, own(`guess ${at}`)])));
    expect(ids.filter((id) => id === 'SIGNALS_REFUSED')).toHaveLength(10);
    expect(ids.at(-1)).toBe('ATTEMPTS_EXCEEDED');
  });

  test('are not spent by what is not in form', async () => {
    const { fusion, a, b } = await three({}, SECRET);
    const junk = { type: 'attestation', value: 'junk' } as const;
    for (let at = 0; at < 12; at++) {
      expect(await idOfFailure(() => fusion.converge([a, b]))).toBe('TOTP_REFUSED');
      const code = { type: 'totp', value: '000000' } as const;
      expect(await idOfFailure(() => fusion.converge([a, junk, code]))).toBe('ATTESTATION_INVALID');
    }
    await fusion.converge([a, b, { type: 'totp', value: totp(SECRET, Date.now()) }]);
    const server = new OprfServer({ seed: keyOf('oprf') });
    for (const blinded of Array.from({ length: 12 }, (_, at) => (at % 2 ? 'AAAA' : 'A'.repeat(43))))
      expect(await idOfFailure(() => server.evaluate('v', blinded))).toBe('SIGNAL_INVALID');
  });
});

describe('a gate', () => {
  test('says the same for a wrong code as for wrong signals, and takes a code once over all managers', async () => {
    const { fusion, settings, a, b } = await three({}, SECRET);
    const code = { type: 'totp', value: totp(SECRET, Date.now()) } as const;
    const wrong = { type: 'totp', value: code.value === '000000' ? '000001' : '000000' } as const;
    expect(await idOfFailure(() => fusion.converge([a, b, wrong]))).toBe('SIGNALS_REFUSED');
    expect(await idOfFailure(() => fusion.converge([a, own('x'), code]))).toBe('SIGNALS_REFUSED');
    await fusion.converge([a, b, code]);
    expect(await idOfFailure(() => new FusionManager(settings).converge([a, b, code]))).toBe(
      'SIGNALS_REFUSED',
    );
  });

  test('that was lost is replaced or removed with a device or recovery code', async () => {
    const { fusion, a, b, c } = await three({}, SECRET);
    expect(await fusion.signals()).toContainEqual({ id: 'totp', type: 'totp' });
    const other = 'KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU';
    expect(await idOfFailure(() => fusion.addSignal([a, b], { type: 'totp', value: other } as never))).toBe(
      'SIGNAL_INVALID',
    );
    await fusion.replaceSignal([a, c], 'totp', { type: 'totp', value: other });
    await fusion.converge([a, b, { type: 'totp', value: totp(other, Date.now()) }]);
    await fusion.recover([b, c], ['totp'], []);
    await fusion.converge([a, b]);
    expect(await idOfFailure(() => fusion.removeSignal([a, b], 'totp'))).toBe('SIGNAL_NOT_ENROLLED');
  });
});

test('a factor that is enrolled twice is one', async () => {
  const oprf = new OprfServer({ seed: keyOf('oprf') });
  const both = new FusionManager({ threshold: 2, totalSignals: 2, account: 'bob', argon2: CHEAP, oprf });
  await both.enrollSignal({ type: 'password', value: PASSWORD });
  expect(await idOfFailure(() => both.enrollSignal({ type: 'password', value: PASSWORD, name: 'b' }))).toBe(
    'SIGNAL_DUPLICATE',
  );
  const { fusion, a, b } = await three();
  const again = passkey({ prf: keyOf('a'), credentialId: 'AAAA' });
  expect(await idOfFailure(() => fusion.addSignal([a, b], { type: 'device', value: again }))).toBe(
    'SIGNAL_DUPLICATE',
  );
});

test('what is of the wrong type is refused by its name', async () => {
  const { fusion, a, b } = await three();
  const wrong = undefined as never;
  for (const run of [
    () => totp(wrong, 0),
    () => totp(new Uint8Array(20), Number.NaN),
    () => recoveryCode(wrong),
    () => fromRecoveryCode(wrong),
    () => passkey(wrong),
    () => userVerified(wrong),
    () => new DeviceSecret('other', wrong),
    () => fusion.converge(wrong),
    () => fusion.recover([a, b], wrong, []),
  ])
    expect(await idOfFailure(run)).toBe('SIGNAL_INVALID');
  const attester = new Attester(await Identity.fromSeed(keyOf('attester')));
  for (const ttlMs of [-5, 999, 86_400_001, Number.NaN])
    expect(await idOfFailure(() => attester.attest('ada', { ttlMs }))).toBe('INVALID_OPTION');
});

test('key files and records that others may change, links and pipes are refused; first uses at once make one key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xfuse-'));
  afterTest(() => rm(folder, { recursive: true }));
  const path = join(folder, 'key');
  const keys = await Promise.all(Array.from({ length: 6 }, () => deviceKeyFile(path)));
  expect(new Set(keys.map(({ key }) => String(key))).size).toBe(1);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  expect(await idOfFailure(() => deviceKeyFile(join(folder, 'pipe')))).toBe('KEY_FILE_UNREADABLE');
  const records = join(folder, 'records');
  const { fusion, a, b } = await three({ store: new FileFusionStore(records) });
  const file = join(records, (await readdir(records))[0]!);
  await chmod(file, 0o666);
  expect(await idOfFailure(() => fusion.converge([a, b]))).toBe('RECORD_UNAVAILABLE');
  await chmod(file, 0o600);
  await fusion.converge([a, b]);
  await rename(file, join(folder, 'outside'));
  await symlink(join(folder, 'outside'), file);
  expect(await idOfFailure(() => fusion.converge([a, b]))).toBe('RECORD_UNAVAILABLE');
});
