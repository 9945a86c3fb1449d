import { describe, expect, test } from '@jest/globals';
import { generateIdentity, type Identity, MemoryLimitStore } from '@private.me/xlink';
import { changed } from '../../../test/support/changed.js';
import {
  Attester,
  FusionManager,
  type FusionOptions,
  OprfServer,
  type PresentedSignal,
  signProofing,
} from '../src/index.js';
import { CHEAP, device, enrolled, fingerprint, keyOf, OpenStore, PASSWORD } from './fusion-support.js';
import { idOfFailure } from './support.js';

const MANY = { attempts: 1000, perDay: 10_000 };

const identity = async (): Promise<Identity> => {
  const made = await generateIdentity();
  if (!made.ok) throw made.error;
  return made.value;
};

describe('signals that are not enough', () => {
  test('one fewer, twice the same, one that is wrong; which one is not said', async () => {
    const { fusion, password, device: own } = await enrolled('ada', { limits: MANY });
    const wrong = { type: 'password', value: 'something else' } as const;
    const stranger = { type: 'device', value: device('stranger') } as const;
    const cases: [readonly PresentedSignal[], string][] = [
      [[], 'SIGNALS_TOO_FEW'],
      [[password], 'SIGNALS_TOO_FEW'],
      [[own, own], 'SIGNAL_DUPLICATE'],
      [[password, password, own], 'SIGNAL_DUPLICATE'],
      [[wrong, own], 'SIGNALS_REFUSED'],
      [[password, stranger], 'SIGNALS_REFUSED'],
      [[wrong, stranger], 'SIGNALS_REFUSED'],
      [[password, { type: 'biometric', value: fingerprint('stranger') }], 'SIGNALS_REFUSED'],
    ];
    for (const [signals, id] of cases) expect(await idOfFailure(() => fusion.converge(signals))).toBe(id);
    const errors = await Promise.all(
      [
        [wrong, own],
        [password, stranger],
      ].map((signals) => fusion.converge(signals as PresentedSignal[]).catch((error) => error.message)),
    );
    expect(errors[0]).toBe(errors[1]);
    expect(errors[0]).not.toContain('something');
  });

  test('enrolled at the same time, no more than there are places', async () => {
    const store = new OpenStore();
    const fusion = new FusionManager({ threshold: 2, totalSignals: 3, store, account: 'ada' });
    const names = ['a', 'b', 'c', 'd', 'e'];
    const ends = await Promise.allSettled(
      names.map((name) => fusion.enrollSignal({ type: 'device', value: device(name) })),
    );
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(store.load('ada')!.signals).toHaveLength(3);
  });

  test('before enrollment is complete nothing is stored, and afterwards nothing can be enrolled over it', async () => {
    const store = new OpenStore();
    const fusion = new FusionManager({ threshold: 2, totalSignals: 2, store, account: 'ada' });
    await fusion.enrollSignal({ type: 'device', value: device('a') });
    expect(store.records.size).toBe(0);
    expect(await idOfFailure(() => fusion.converge([]))).toBe('SIGNALS_INCOMPLETE');
    await fusion.enrollSignal({ type: 'device', value: device('b') });
    const more = () => fusion.enrollSignal({ type: 'device', value: device('c') });
    expect(await idOfFailure(more)).toBe('SIGNALS_COMPLETE');
  });

  test('two passwords that would be enough are refused with the last signal, and when one is added', async () => {
    const settings = { threshold: 2, totalSignals: 3, argon2: CHEAP, account: 'ada' };
    const fill = async (options: Partial<FusionOptions>) => {
      const fusion = new FusionManager({ ...settings, ...options });
      await fusion.enrollSignal({ type: 'password', value: PASSWORD });
      await fusion.enrollSignal({ type: 'device', value: device('ada') });
      await fusion.enrollSignal({ type: 'password', name: 'pin', value: 'another password' });
      return fusion;
    };
    expect(await idOfFailure(() => fill({}))).toBe('SIGNALS_GUESSABLE');
    const hardened = await fill({ oprf: new OprfServer({ seed: keyOf('oprf') }) });
    await hardened.converge([
      { type: 'password', name: 'pin', value: 'another password' },
      { type: 'password', value: PASSWORD },
    ]);
    const { fusion, password, device: own } = await enrolled('ada');
    const second = { type: 'password', name: 'pin', value: 'another password' } as const;
    expect(await idOfFailure(() => fusion.addSignal([password, own], second))).toBe('SIGNALS_GUESSABLE');
    const retry = new FusionManager(settings);
    await retry.enrollSignal({ type: 'password', value: PASSWORD });
    await retry.enrollSignal({ type: 'device', value: device('ada') });
    expect(await idOfFailure(() => retry.enrollSignal(second))).toBe('SIGNALS_GUESSABLE');
    await retry.enrollSignal({ type: 'device', value: device('in its place') });
    expect(await retry.signals()).toHaveLength(3);
  });

  test('signals that are not in form', async () => {
    const { fusion, password, device: own } = await enrolled('ada', { limits: MANY });
    const short = () =>
      fusion.replaceSignal([password, own], 'password', { type: 'password', value: 'short' });
    expect(await idOfFailure(short)).toBe('SIGNAL_INVALID');
    expect(await idOfFailure(() => fusion.removeSignal([password, own], 'nothing'))).toBe(
      'SIGNAL_NOT_ENROLLED',
    );
    for (const value of [undefined, 7, 'x'.repeat(2000)]) {
      const signal = { type: 'password', value } as never;
      expect(await idOfFailure(() => fusion.converge([signal, own]))).toBe('SIGNAL_INVALID');
    }
    const gesture = { type: 'gesture', value: 'x' } as never;
    expect(await idOfFailure(() => fusion.converge([gesture]))).toBe('SIGNAL_UNKNOWN_TYPE');
  });
});

describe('10,000 wrong passwords', () => {
  test('at the same time over four managers: no more are tried than the limit says', async () => {
    const limits = { store: new MemoryLimitStore() };
    const { settings, device: own } = await enrolled('ada', { limits });
    const managers = Array.from({ length: 4 }, () => new FusionManager(settings));
    const tries = Array.from({ length: 10_000 }, (_, at) =>
      managers[at % 4]!.converge([{ type: 'password', value: `guess ${at}` }, own]).catch(({ id }) => id),
    );
    const ids = await Promise.all(tries);
    expect(ids.filter((id) => id === 'SIGNALS_REFUSED')).toHaveLength(10);
    expect(ids.filter((id) => id === 'ATTEMPTS_EXCEEDED')).toHaveLength(9990);
    const error = await managers[0]!
      .converge([{ type: 'password', value: PASSWORD }, own])
      .catch((one) => one);
    expect(error).toMatchObject({ id: 'ATTEMPTS_EXCEEDED', status: 429 });
    expect(error.retryAfterMs).toBeGreaterThan(0);
  });

  test('by day, with patience', async () => {
    let now = 0;
    const server = new OprfServer({
      seed: keyOf('oprf'),
      limits: { store: new MemoryLimitStore(() => now) },
    });
    const { ristretto255_oprf } = await import('@noble/curves/ed25519.js');
    const blinded = Buffer.from(ristretto255_oprf.voprf.blind(keyOf('x')).blinded).toString('base64url');
    let evaluated = 0;
    for (let at = 0; at < 10_000; at++) {
      now += 5_000;
      await server.evaluate('ada', blinded).then(
        () => evaluated++,
        ({ id }) => expect(id).toBe('ATTEMPTS_EXCEEDED'),
      );
    }
    expect(evaluated).toBeLessThanOrEqual(50);
    expect(await idOfFailure(() => server.evaluate('bob', 'AAAA'))).toBe('SIGNAL_INVALID');
  });

  test('where nothing can be counted, nothing is tried', async () => {
    const store = { take: () => Promise.reject(new Error('down')) };
    const { fusion, password, device: own } = await enrolled('ada', { limits: { store } });
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('LIMITS_UNAVAILABLE');
  });
});

describe('records', () => {
  test('of another account, with or without its name changed', async () => {
    const store = new OpenStore();
    const ada = await enrolled('ada', { store });
    const bob = await enrolled('bob', { store });
    const signals = [bob.password, bob.device];
    store.records.set('ada', store.load('bob')!);
    expect(await idOfFailure(() => ada.fusion.converge(signals))).toBe('RECORD_INVALID:OTHER_ACCOUNT');
    store.change('ada', (record) => void (record.account = 'ada'));
    expect(await idOfFailure(() => ada.fusion.converge(signals))).toBe('SIGNALS_REFUSED');
  });

  test('whose shares are of two enrollments, or whose share is damaged', async () => {
    const { fusion, store, password, device: own } = await enrolled('ada');
    const old = store.load('ada')!;
    await fusion.addSignal([password, own], { type: 'device', value: device('another') });
    store.change('ada', (record) => void (record.signals[0]!.share = old.signals[0]!.share));
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('SHARES_MIXED');
    store.change('ada', (record) => void (record.signals[0]!.share = flip(old.signals[0]!.share)));
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('SHARES_DAMAGED');
  });

  const flip = (text: string) => (text[0] === 'A' ? 'B' : 'A') + text.slice(1);

  test('that were changed in any place that the shares do not show', async () => {
    const { fusion, store, password, device: own } = await enrolled('ada', { limits: MANY });
    const original = store.load('ada')!;
    const edits: Parameters<OpenStore['change']>[1][] = [
      (record) => void (record.generation += 1),
      (record) => void (record.fusedDid = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'),
      (record) => void (record.gate = 'AAAA'),
      (record) => void (record.signals[1]!.wrapped = record.signals[0]!.wrapped),
      (record) => void (record.signals[1]!.kind = 'other'),
      (record) => void (record.mac = flip(record.mac)),
    ];
    for (const edit of edits) {
      store.change('ada', edit);
      const code = { type: 'totp', value: '000000' } as const;
      expect(await idOfFailure(() => fusion.converge([password, own, code]))).toBe('RECORD_INVALID:TAMPERED');
      store.records.set('ada', structuredClone(original));
    }
    store.change('ada', (record) => void (record.signals = record.signals.slice(0, 1)));
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('RECORD_INVALID');
    store.records.set('ada', 'nonsense' as never);
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('RECORD_INVALID');
  });

  test('that ask for less stretching than the floor, or for all the memory there is', async () => {
    const { fusion, store, password, device: own } = await enrolled('ada');
    for (const argon2 of [
      { ...CHEAP, memoryKiB: 8 },
      { ...CHEAP, passes: 1 },
      { ...CHEAP, memoryKiB: 2 ** 30 },
    ]) {
      store.change('ada', (record) => void (record.signals[0]!.password = { salt: 'AAAA', argon2 }));
      expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('RECORD_INVALID:WEAK');
    }
    store.records.clear();
    const { settings } = await enrolled('ada', { store });
    const stricter = new FusionManager({ ...settings, threshold: 3 });
    expect(await idOfFailure(() => stricter.converge([password, own]))).toBe('RECORD_INVALID:WEAK');
    expect(() => new FusionManager({ threshold: 2, totalSignals: 2, argon2: { memoryKiB: 1024 } })).toThrow(
      '19456',
    );
  });

  test('that change meanwhile, and a store that is down', async () => {
    const { fusion, store, password, device: own } = await enrolled('ada');
    const save = store.save.bind(store);
    store.save = () => false;
    const add = () => fusion.addSignal([password, own], { type: 'device', value: device('another') });
    expect(await idOfFailure(add)).toBe('RECORD_CHANGED');
    store.save = save;
    store.load = () => {
      throw new Error('down');
    };
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('RECORD_UNAVAILABLE');
  });

  test('hold neither the secret nor a password, key or name of a device', async () => {
    const { store } = await enrolled('ada');
    const text = JSON.stringify(store.load('ada'));
    const secrets = [
      PASSWORD,
      ...[device('ada'), fingerprint('ada')].map(({ key }) => Buffer.from(key).toString('base64url')),
    ];
    for (const secret of [...secrets, Buffer.from('ada').toString('base64url')])
      expect(text).not.toContain(secret);
  });
});

describe('an attestation', () => {
  test('that is expired, early, of another issuer, account or audience, or changed', async () => {
    let now = Date.now();
    const clock = () => now;
    const issuer = await identity();
    const attester = new Attester(issuer, clock);
    const settings = { threshold: 2, totalSignals: 2, account: 'ada', clock, limits: MANY };
    const fusion = new FusionManager(settings);
    await fusion.enrollSignal({ type: 'attestation', value: await attester.enroll('ada') });
    await fusion.enrollSignal({ type: 'device', value: device('ada') });
    const by = (value: string, audience = 'https://a.example') =>
      fusion.converge(
        [
          { type: 'attestation', value },
          { type: 'device', value: device('ada') },
        ],
        { audience },
      );
    const good = await attester.attest('ada', { audience: 'https://a.example' });
    await by(good);
    expect(await idOfFailure(() => by(good, 'https://b.example'))).toBe('ATTESTATION_INVALID:FOREIGN');
    expect(await idOfFailure(async () => by(await attester.attest('bob')))).toBe(
      'ATTESTATION_INVALID:FOREIGN',
    );
    const other = await new Attester(await identity(), clock).attest('ada');
    expect(await idOfFailure(() => by(other))).toBe('ATTESTATION_INVALID:FOREIGN');
    for (const value of [changed(good), '', 'a.b', good.split('.')[0]!, `${good}.AA`, 7 as never])
      expect(await idOfFailure(() => by(value))).toBe('ATTESTATION_INVALID');
    now += 300_000;
    expect(await idOfFailure(() => by(good))).toBe('ATTESTATION_INVALID:EXPIRED');
    now -= 400_000;
    expect(await idOfFailure(() => by(good))).toBe('ATTESTATION_INVALID:FUTURE');
    now += 41_000;
    await by(good);
  });

  test('of a person: expired, of somebody else, or of a lower level', async () => {
    let now = Date.now();
    const registrar = await identity();
    const options = { proofingIssuers: [registrar.did], ial: 'IAL2', clock: () => now } as const;
    const { fusion, password, device: own } = await enrolled('ada', options);
    const subject = await fusion.fusedDid();
    const sign = (ial: 'IAL1' | 'IAL2', about = subject, by = registrar) =>
      signProofing(by, { subject: about, ial, clock: () => now, ttlMs: 1000 });
    const strange = await sign('IAL2', registrar.did);
    expect(await idOfFailure(() => fusion.addProofing(strange))).toBe('ATTESTATION_INVALID:FOREIGN');
    const unknown = await sign('IAL2', subject, await identity());
    expect(await idOfFailure(() => fusion.addProofing(unknown))).toBe('ATTESTATION_INVALID:FOREIGN');
    await fusion.addProofing(await sign('IAL1'));
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('PROOFING_MISSING:LEVEL');
    await fusion.addProofing(await sign('IAL2'));
    expect(await fusion.converge([password, own])).toMatchObject({ ial: 'IAL2' });
    now += 1000;
    expect(await idOfFailure(() => fusion.converge([password, own]))).toBe('ATTESTATION_INVALID:EXPIRED');
  });
});

describe('an OPRF server', () => {
  const server = () => new OprfServer({ seed: keyOf('oprf'), limits: MANY });
  const enroll = async (oprf: OprfServer) => {
    const store = new OpenStore();
    const settings = { threshold: 2, totalSignals: 2, argon2: CHEAP, account: 'ada', store, limits: MANY };
    const fusion = new FusionManager({ ...settings, oprf });
    await fusion.enrollSignal({ type: 'password', value: PASSWORD });
    await fusion.enrollSignal({ type: 'device', value: device('ada') });
    return { settings, fusion, store };
  };
  const signals = [
    { type: 'password', value: PASSWORD },
    { type: 'device', value: device('ada') },
  ] as const;

  test('hardens the password, and another one, or none, does not do', async () => {
    const oprf = server();
    const { fusion, settings } = await enroll(oprf);
    await fusion.converge(signals);
    const wrong = [{ type: 'password', value: 'wrong password' }, signals[1]] as const;
    expect(await idOfFailure(() => fusion.converge(wrong))).toBe('SIGNALS_REFUSED');
    const tryWith = (instead?: OprfServer | object) => () =>
      new FusionManager({ ...settings, ...(instead ? { oprf: instead as OprfServer } : {}) }).converge(
        signals,
      );
    expect(await idOfFailure(tryWith())).toBe('OPRF_MISSING');
    const other = new OprfServer({ seed: keyOf('other') });
    expect(await idOfFailure(tryWith(other))).toBe('OPRF_FAILED:PROOF');
    const down = { publicKey: () => '', evaluate: () => Promise.reject(new Error('down')) };
    expect(await idOfFailure(tryWith(down))).toBe('OPRF_FAILED');
    expect(await idOfFailure(tryWith({ ...down, evaluate: () => ({}) }))).toBe('OPRF_FAILED:PROOF');
  });

  test('limits attempts itself, whatever the program of the caller does', async () => {
    const oprf = new OprfServer({ seed: keyOf('oprf'), limits: { attempts: 3 } });
    const { fusion } = await enroll(oprf);
    for (let at = 0; at < 2; at++) await fusion.converge(signals);
    expect(await idOfFailure(() => fusion.converge(signals))).toBe('ATTEMPTS_EXCEEDED');
  });
});
