import { describe, expect, test } from '@jest/globals';
import { generateIdentity, type Identity } from '@private.me/xlink';
import {
  Attester,
  FusionManager,
  fromRecoveryCode,
  recoveryCode,
  signProofing,
  totp,
  verifySession,
} from '../src/index.js';
import { CHEAP, device, enrolled, fingerprint, keyOf, PASSWORD } from './fusion-support.js';
import { idOfFailure } from './support.js';

const identity = async (): Promise<Identity> => {
  const made = await generateIdentity();
  if (!made.ok) throw made.error;
  return made.value;
};

describe('any two of three signals', () => {
  test('give a session of its own, certified by a DID that stays', async () => {
    const { fusion, password, biometric, device } = await enrolled('ada');
    const pairs = [
      [password, biometric],
      [password, device],
      [device, biometric],
    ];
    const sessions = [];
    for (const pair of pairs) sessions.push(await fusion.converge(pair));
    expect(new Set(sessions.map(({ did }) => did)).size).toBe(3);
    expect(new Set(sessions.map(({ fusedDid }) => fusedDid)).size).toBe(1);
    expect(sessions.map(({ aal, factors }) => [aal, [...factors].sort()])).toEqual([
      ['AAL2', ['has', 'knows', 'verified']],
      ['AAL2', ['has', 'knows']],
      ['AAL2', ['has', 'verified']],
    ]);
    const all = await fusion.converge([biometric, device, password]);
    expect(all.fusedDid).toBe(sessions[0]!.fusedDid);
  });

  test('give the same session for the same audience and nonce, and another one for another', async () => {
    const { fusion, password, device } = await enrolled('ada');
    const at = async (audience: string, nonce: string) =>
      (await fusion.converge([password, device], { audience, nonce })).did;
    const first = await at('https://a.example', 'n1');
    expect(await at('https://a.example', 'n1')).toBe(first);
    expect(await at('https://a.example', 'n2')).not.toBe(first);
    expect(await at('https://b.example', 'n1')).not.toBe(first);
  });
});

test('any k of n devices are enough, for every k and n', async () => {
  for (let n = 2; n <= 8; n++)
    for (let k = 2; k <= n; k++) {
      const fusion = new FusionManager({ threshold: k, totalSignals: n });
      const all = Array.from({ length: n }, (_, at) => ({ type: 'device', value: device(`${at}`) }) as const);
      for (const signal of all) await fusion.enrollSignal(signal);
      const { fusedDid } = await fusion.converge(all.slice(-k));
      expect([n, k, await fusion.fusedDid()]).toEqual([n, k, fusedDid]);
      expect(await idOfFailure(() => fusion.converge(all.slice(0, k - 1)))).toBe('SIGNALS_TOO_FEW');
    }
});

test('as the system describes it: with a verified user in the place of a template, and a level that somebody vouches for', async () => {
  const registrar = await identity();
  const hashedPassword = 'sha256-of-the-password';
  const fusion = new FusionManager({
    threshold: 2,
    totalSignals: 3,
    ial: 'IAL2',
    proofingIssuers: [registrar.did],
    argon2: CHEAP,
  });
  await fusion.enrollSignal({ type: 'password', value: hashedPassword });
  const template = { type: 'biometric', value: keyOf('template') } as never;
  expect(await idOfFailure(() => fusion.enrollSignal(template))).toBe('BIOMETRIC_TEMPLATE_REFUSED');
  await fusion.enrollSignal({ type: 'biometric', value: fingerprint('finger') });
  await fusion.enrollSignal({ type: 'device', value: device('tpm') });

  const signals = [
    { type: 'password', value: hashedPassword },
    { type: 'biometric', value: fingerprint('finger') },
  ] as const;
  expect(await idOfFailure(() => fusion.converge(signals))).toBe('PROOFING_MISSING');
  const subject = await fusion.fusedDid();
  await fusion.addProofing(await signProofing(registrar, { subject, ial: 'IAL2' }));
  const result = await fusion.converge(signals);
  expect(result.did).toMatch(/^did:key:z6Mk/);
  expect(result.assuranceLevel).toBe('IAL2');
  expect(result.aal).toBe('AAL2');
});

describe('which signals may be enough', () => {
  test('not two passwords, and not a password that is enough by itself', async () => {
    expect(() => new FusionManager({ threshold: 1, totalSignals: 2 })).toThrow('threshold');
    const fusion = new FusionManager({ threshold: 2, totalSignals: 2, argon2: CHEAP });
    await fusion.enrollSignal({ type: 'password', value: PASSWORD });
    const again = () => fusion.enrollSignal({ type: 'password', value: `${PASSWORD}!` });
    expect(await idOfFailure(again)).toBe('SIGNAL_DUPLICATE');
  });

  test('one device counts once, also as fingerprint and as device', async () => {
    const fusion = new FusionManager({ threshold: 2, totalSignals: 3, argon2: CHEAP });
    await fusion.enrollSignal({ type: 'biometric', value: fingerprint('one') });
    const same = () => fusion.enrollSignal({ type: 'device', value: fingerprint('one') });
    expect(await idOfFailure(same)).toBe('SIGNAL_DUPLICATE');
  });

  test('a device that did not verify its user is no biometric signal', async () => {
    expect(await idOfFailure(() => fingerprint('one', 1))).toBe('SIGNAL_INVALID:USER_NOT_VERIFIED');
    const fusion = new FusionManager({ threshold: 2, totalSignals: 3 });
    const plain = () => fusion.enrollSignal({ type: 'biometric', value: device('one') });
    expect(await idOfFailure(plain)).toBe('SIGNAL_INVALID:USER_NOT_VERIFIED');
    for (const type of ['fingerprint', 'face', 'iris', 'voiceprint'])
      expect(await idOfFailure(() => fusion.enrollSignal({ type, value: 'x' } as never))).toBe(
        'BIOMETRIC_TEMPLATE_REFUSED',
      );
  });

  test('a third party can vouch, and its word is no factor of the person', async () => {
    const attester = new Attester(await identity());
    const fusion = new FusionManager({ threshold: 2, totalSignals: 3, argon2: CHEAP, account: 'ada' });
    await fusion.enrollSignal({ type: 'attestation', value: await attester.enroll('ada') });
    await fusion.enrollSignal({ type: 'password', value: PASSWORD });
    await fusion.enrollSignal({ type: 'device', value: device('ada') });
    const said = { type: 'attestation', value: await attester.attest('ada') } as const;
    const byPassword = await fusion.converge([said, { type: 'password', value: PASSWORD }]);
    expect([byPassword.aal, byPassword.assuranceLevel]).toEqual(['AAL1', 'AAL1']);
    const byDevice = await fusion.converge([{ type: 'device', value: device('ada') }, said]);
    expect(byDevice.fusedDid).toBe(byPassword.fusedDid);
  });
});

describe('signals change', () => {
  test('one is added, and counts', async () => {
    const { fusion, password, device: first } = await enrolled('ada');
    await fusion.addSignal([password, first], { type: 'device', value: device('second') });
    expect(await fusion.signals()).toHaveLength(4);
    const added = { type: 'device', value: device('second') } as const;
    expect((await fusion.converge([added, password])).fusedDid).toBe(await fusion.fusedDid());
  });

  test('one is removed: it counts no more, and all sessions are over', async () => {
    const revoked: string[] = [];
    const registry = { revoke: (did: string) => revoked.push(did) };
    const { fusion, password, biometric, device } = await enrolled('ada', { registry });
    const session = await fusion.converge([password, device]);
    const { id } = (await fusion.signals()).find(({ type }) => type === 'device')!;
    await fusion.removeSignal([password, biometric], id);
    expect(revoked).toEqual([session.did]);
    expect(await idOfFailure(() => fusion.converge([password, device]))).toBe('SIGNALS_REFUSED');
    expect((await fusion.converge([password, biometric])).fusedDid).toBe(session.fusedDid);
    const tooFew = () => fusion.removeSignal([password, biometric], 'password');
    expect(await idOfFailure(tooFew)).toBe('SIGNALS_TOO_FEW');
  });

  test('a password is replaced, with others than itself', async () => {
    const { fusion, password, biometric, device } = await enrolled('ada');
    const value = 'another one, and longer';
    await fusion.replaceSignal([biometric, device], 'password', { type: 'password', value });
    expect(await idOfFailure(() => fusion.converge([password, device]))).toBe('SIGNALS_REFUSED');
    await fusion.converge([{ type: 'password', value }, device]);
  });

  test('what was lost is recovered by a code on paper', async () => {
    const fusion = new FusionManager({ threshold: 2, totalSignals: 3, argon2: CHEAP });
    const code = recoveryCode(keyOf('paper'));
    expect(code).toMatch(/^([A-Z0-9]{4}-){12}[A-Z0-9]{4}$/);
    await fusion.enrollSignal({ type: 'password', value: PASSWORD });
    await fusion.enrollSignal({ type: 'device', value: device('lost') });
    await fusion.enrollSignal({ type: 'device', value: fromRecoveryCode(code) });
    const before = await fusion.fusedDid();
    const lost = (await fusion.signals()).filter(({ type }) => type === 'device').map(({ id }) => id);
    const typed = {
      type: 'device',
      value: fromRecoveryCode(` ${code.toLowerCase().replaceAll('-', ' ')} `),
    } as const;
    await fusion.recover([{ type: 'password', value: PASSWORD }, typed], lost, [
      { type: 'device', value: device('new') },
      { type: 'device', value: fromRecoveryCode(recoveryCode(keyOf('new paper'))) },
    ]);
    expect(await fusion.fusedDid()).toBe(before);
    const used = () => fusion.converge([{ type: 'password', value: PASSWORD }, typed]);
    expect(await idOfFailure(used)).toBe('SIGNALS_REFUSED');
    await fusion.converge([
      { type: 'password', value: PASSWORD },
      { type: 'device', value: device('new') },
    ]);
  });
});

test('a one-time code is a gate: without it nothing opens, it counts for nothing, and it is good once', async () => {
  let now = 1_800_000_000_000;
  const settings = { threshold: 2, totalSignals: 2, argon2: CHEAP, clock: () => now };
  const fusion = new FusionManager(settings);
  const secret = keyOf('totp').subarray(0, 20);
  await fusion.enrollSignal({ type: 'totp', value: secret });
  await fusion.enrollSignal({ type: 'password', value: PASSWORD });
  await fusion.enrollSignal({ type: 'device', value: device('ada') });
  const signals = [
    { type: 'password', value: PASSWORD },
    { type: 'device', value: device('ada') },
  ] as const;
  const code = () => ({ type: 'totp', value: totp(secret, now) }) as const;
  expect(await idOfFailure(() => fusion.converge(signals))).toBe('TOTP_REFUSED');
  expect(await idOfFailure(() => fusion.converge([signals[0], code()]))).toBe('SIGNALS_TOO_FEW');
  const good = code();
  const both = await Promise.allSettled([1, 2].map(() => fusion.converge([...signals, good])));
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  now += 30_000;
  await fusion.converge([...signals, code()]);
  const stale = { type: 'totp', value: totp(secret, now - 120_000) } as const;
  expect(await idOfFailure(() => fusion.converge([...signals, stale]))).toBe('SIGNALS_REFUSED');
});

describe('a session', () => {
  const check = { audience: 'https://api.example', isKnown: () => true };

  test('is good for who holds its keys, at its audience, until it ends', async () => {
    let now = Date.now();
    const { fusion, password, device } = await enrolled('ada', { clock: () => now, sessionMs: 60_000 });
    const { did, certificate, fusedDid } = await fusion.converge([password, device], {
      audience: check.audience,
    });
    const verify = (options = {}) =>
      verifySession(certificate, { did, ...check, clock: () => now, ...options });
    expect(await verify()).toMatchObject({ fused: fusedDid, session: did, aal: 'AAL2' });
    const refusals: [object, string][] = [
      [{ did: fusedDid }, 'SESSION_INVALID'],
      [{ audience: 'https://other.example' }, 'SESSION_INVALID:AUDIENCE'],
      [{ isKnown: (fused: string) => fused !== fusedDid }, 'SESSION_INVALID:STRANGER'],
      [{ minimumAal: 'AAL3' }, 'ASSURANCE_TOO_LOW'],
      [{ minimumIal: 'IAL1' }, 'PROOFING_MISSING'],
      [{ clock: () => now - 120_000 }, 'SESSION_INVALID:FUTURE'],
      [{ clock: () => now + 60_000 }, 'SESSION_INVALID:EXPIRED'],
    ];
    for (const [options, id] of refusals) expect(await idOfFailure(() => verify(options))).toBe(id);
    for (const at of [0, 40, certificate.length - 2]) {
      const changed =
        certificate.slice(0, at) + (certificate[at] === 'A' ? 'B' : 'A') + certificate.slice(at + 1);
      const refused = () => verifySession(changed, { did, ...check, clock: () => now });
      expect(await idOfFailure(refused)).toBe('SESSION_INVALID');
    }
    now += 1;
  });

  test('ends by hand, one or all of them', async () => {
    const { MemorySessionLedger } = await import('../src/index.js');
    const sessions = new MemorySessionLedger();
    const { fusion, password, device } = await enrolled('ada', { sessions });
    const open = async () => fusion.converge([password, device], { audience: check.audience });
    const [one, two, three] = [await open(), await open(), await open()];
    const state = async ({ did, certificate }: Awaited<ReturnType<typeof open>>) =>
      verifySession(certificate, { did, ...check, sessions }).then(
        () => 'open',
        (error) => error.id,
      );
    expect(await Promise.all([one, two, three].map(state))).toEqual(['open', 'open', 'open']);
    await fusion.endSession(two.did);
    expect(await Promise.all([one, two, three].map(state))).toEqual(['open', 'SESSION_ENDED', 'open']);
    await fusion.endAllSessions();
    expect(await Promise.all([one, two, three].map(state))).toEqual(Array(3).fill('SESSION_ENDED'));
    const down = { ...sessions, isOpen: () => Promise.reject(new Error('down')) } as never;
    const refused = () => verifySession(one.certificate, { did: one.did, ...check, sessions: down });
    expect(await idOfFailure(refused)).toBe('SESSION_ENDED');
  });
});
