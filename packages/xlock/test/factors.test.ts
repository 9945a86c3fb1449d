// K of N with place and time: signals of Xfuse unlock the device.
import { expect, test } from '@jest/globals';
import { Attester, DeviceSecret, FusionManager, type PresentedSignal } from '@private.me/xfuse';
import { unlockWithSignals } from '../src/index.js';
import { clockAt, identityOf, idOf, registered, seedOf } from './support.js';

test('a login is approved with two of three signals, one of them where the device is, at allowed times', async () => {
  const clock = clockAt(new Date(2026, 10, 30, 12).getTime());
  const fusion = new FusionManager({ threshold: 2, totalSignals: 3, account: 'ada', clock });
  const [finger, keyFile] = ['finger', 'key file'].map((name) => new DeviceSecret('other', seedOf(name)));
  const door = new Attester(await identityOf('door of the office'), clock);
  await fusion.enrollSignal({ type: 'device', value: finger! });
  await fusion.enrollSignal({ type: 'device', value: keyFile! });
  await fusion.enrollSignal({ type: 'attestation', value: await door.enroll('ada') });
  let signals: PresentedSignal[] = [];
  const unlock = unlockWithSignals({
    fusion,
    gather: () => signals,
    hours: { from: '08:00', to: '18:00' },
    clock,
  });
  const { verifier, device, did } = await registered(
    { clock },
    { clock, unlock: (challenge) => challenge.kind === 'register' || unlock(challenge) },
  );
  const approve = async () => {
    const challenge = await verifier.createAuthChallenge({ did });
    return device.approve(challenge.text, { digits: challenge.match });
  };

  signals = [{ type: 'device', value: finger! }];
  expect(await idOf(approve())).toBe('BIOMETRIC_REQUIRED'); // one is too few
  const here = await door.attest('ada'); // the door saw the device
  signals = [
    { type: 'device', value: finger! },
    { type: 'attestation', value: here },
  ];
  expect((await approve()).decision).toBe('approved');
  const elsewhere = await new Attester(await identityOf('another door'), clock).attest('ada');
  signals = [
    { type: 'device', value: finger! },
    { type: 'attestation', value: elsewhere },
  ];
  expect(await idOf(approve())).toBe('BIOMETRIC_REQUIRED');
  clock.pass(300_001); // it was seen five minutes ago
  signals = [
    { type: 'device', value: finger! },
    { type: 'attestation', value: here },
  ];
  expect(await idOf(approve())).toBe('BIOMETRIC_REQUIRED');
  signals = [
    { type: 'device', value: finger! },
    { type: 'device', value: keyFile! },
  ];
  expect((await approve()).decision).toBe('approved');
  clock.pass(8 * 3_600_000); // in the evening
  expect(await idOf(approve())).toBe('BIOMETRIC_REQUIRED');
});

test('options are checked', () => {
  expect(() => unlockWithSignals({ fusion: {}, gather: () => [] } as never)).toThrow('FusionManager');
});
