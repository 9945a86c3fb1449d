// A device that forgot its passkeys finds them in its shares; what it cannot find it says in true words. Clocks that are wrong are called that.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  FileKnownPasskeys,
  type Passkey,
  passkeyName,
  type XlockAnswer,
  XlockVerifier,
} from '../src/index.js';
import { deviceOf, identityOf, idOf, moodies, ORIGIN, registered, temporaryFolder } from './support.js';

test('a device that starts anew with the same stores approves, without known', async () => {
  const stores = moodies();
  const { verifier, clock, did } = await registered({}, { stores });
  const again = await deviceOf('phone', { clock, stores });
  expect(await again.passkeys()).toEqual([]);
  const challenge = await verifier.createAuthChallenge({ userId: 'ada' });
  await verifier.respond(await again.approve(challenge.text, { digits: challenge.match }));
  expect(await verifier.verifyAuth(challenge.id)).toMatchObject({ ok: true });
  expect(await again.passkeys()).toMatchObject([{ did, service: ORIGIN, userId: 'ada' }]);
});

test('FileKnownPasskeys keeps them, and no store is asked', async () => {
  const stores = moodies();
  const path = join(await temporaryFolder(), 'passkeys.json');
  const known = () => new FileKnownPasskeys(path);
  const { verifier, clock } = await registered({}, { stores, known: known() });
  for (const store of stores) store.mood = 'down';
  const again = await deviceOf('phone', { clock, stores, known: known() });
  const challenge = await verifier.createAuthChallenge({ userId: 'ada' });
  expect(await again.view(challenge.text)).toMatchObject({ userId: 'ada' });
});

test('another service under the same origin is not taken from the shares either', async () => {
  const stores = moodies();
  const { clock, did } = await registered({}, { stores });
  const fake = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('fake'), clock });
  const again = await deviceOf('phone', { clock, stores });
  const registration = await fake.createRegistrationChallenge({ userId: 'ada' });
  expect(await idOf(again.view(registration.text))).toBe('CHALLENGE_INVALID');
  expect(await idOf(again.register(registration.text))).toBe('CHALLENGE_INVALID');
  expect(did).toMatch(/^did:key:/);
});

test('why a passkey is not known: stores that do not answer, or another one of the account', async () => {
  const stores = moodies();
  const { verifier, clock } = await registered({}, { stores });
  const again = await deviceOf('phone', { clock, stores });
  const challenge = await verifier.createAuthChallenge({ userId: 'ada' });
  stores[0].mood = stores[1].mood = 'down';
  const failed = await again.view(challenge.text).catch((error) => error);
  expect([failed.id, failed.resolution]).toEqual([
    'PASSKEY_NOT_FOUND',
    expect.stringContaining('its stores do not give enough shares'),
  ]);
  expect(failed.details.problems.map(({ id }: { id: string }) => id)).toEqual(['store-0', 'store-1']);
  expect(stores[2].get(passkeyName({ service: ORIGIN, userId: 'ada' }))).toBeDefined();
  stores[0].mood = stores[1].mood = 'good';

  // The account gets a second passkey, on another device: logins go to the newest one.
  const other = await deviceOf('tablet', { clock });
  const second = await verifier.createRegistrationChallenge({ userId: 'ada', replace: true });
  expect(await verifier.verifyRegistration(await other.register(second.text))).toMatchObject({ ok: true });
  clock.pass(1);
  const login = await verifier.createAuthChallenge({ did: (await other.passkeys())[0]!.did });
  await expect(again.view(login.text)).rejects.toMatchObject({
    id: 'PASSKEY_NOT_FOUND',
    resolution: expect.stringContaining('another passkey of this account'),
  });
});

test('a clock that is behind is called that; one that is ahead is named in what is over', async () => {
  const stores = moodies();
  const { verifier, clock } = await registered({}, { stores });
  const challenge = await verifier.createAuthChallenge({ userId: 'ada' });
  const at = (ms: number) => deviceOf('phone', { clock: () => clock() + ms, stores });
  await expect((await at(-600_000)).view(challenge.text)).rejects.toMatchObject({
    id: 'CHALLENGE_INVALID:CLOCK',
    message: expect.stringContaining('The clock of this device is 10 minutes behind that of the service'),
  });
  await expect((await at(600_000)).view(challenge.text)).rejects.toMatchObject({
    id: 'CHALLENGE_EXPIRED',
    message: expect.stringContaining('the clock of this device is ahead'),
  });
  expect(await idOf((await at(-29_000)).view(challenge.text))).toBeUndefined();
});

test('a registration that replaces a passkey says where its shares are', async () => {
  const stores = moodies();
  const { verifier, device, did } = await registered({}, { stores });
  const challenge = await verifier.createRegistrationChallenge({ userId: 'ada', replace: true });
  expect(await idOf(device.register(challenge.text))).toBe('PASSKEY_GENERATION_FAILED:EXISTS');
  stores[2].mood = 'full';
  const told: unknown[] = [];
  const answer = await device.register(challenge.text, {
    replace: true,
    onStored: (passkey) => void told.push(passkey),
  });
  expect(answer.did).not.toBe(did);
  expect(told).toMatchObject([
    { stored: ['store-0', 'store-1'], problems: [{ id: 'store-2', reason: 'no room' }] },
  ]);
});

test('an answer to a registration that was lost is given again, with the same passkey', async () => {
  const stores = moodies();
  const verifier = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('service') });
  const device = await deviceOf('phone', { stores });
  const { text } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  const lost = () => Promise.reject(new Error('the line is down'));
  const made: Passkey[] = [];
  const onStored = (passkey: Passkey) => void made.push(passkey);
  await expect(device.register(text, { send: lost, onStored })).rejects.toThrow('the line is down');
  const answer = await device.register(text);
  expect(made.map(({ did }) => did)).toEqual([answer.did]);
  expect(await verifier.verifyRegistration(answer)).toMatchObject({ ok: true });
});

test('a link that somebody else signed in the name of a service is in the way of nothing', async () => {
  const stores = moodies();
  const service = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('service') });
  const mallory = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('mallory') });
  const known = new FileKnownPasskeys(join(await temporaryFolder(), 'passkeys.json'));
  const device = await deviceOf('phone', { stores, known });
  const send = (answer: XlockAnswer) => service.respond(answer);
  const forged = await mallory.createRegistrationChallenge({ userId: 'ada' });
  expect(await idOf(device.register(forged.text, { send }))).toBe('CHALLENGE_INVALID:UNKNOWN');
  expect(await device.passkeys()).toEqual([]);
  const { text } = await service.createRegistrationChallenge({ userId: 'ada' });
  // It is taken, but the word of that is lost: asking again takes nothing away.
  const lost = async (answer: XlockAnswer) => {
    await send(answer);
    throw new Error('the line is down');
  };
  await expect(device.register(text, { send: lost })).rejects.toThrow('the line is down');
  expect(await idOf(device.register(text, { send }))).toBe('CHALLENGE_ALREADY_USED');
  const login = await service.createAuthChallenge({ userId: 'ada' });
  await device.approve(login.text, { digits: login.match, send });
  expect(await service.verifyAuth(login.id)).toMatchObject({ ok: true });
});

test('a tolerance of clocks is a number of ms', async () => {
  await expect(deviceOf('phone', { clockToleranceMs: '30s' as never })).rejects.toMatchObject({
    id: 'INVALID_OPTION',
    field: 'clockToleranceMs',
  });
});
