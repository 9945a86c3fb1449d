// Challenges and answers: what is good once, and what bad input gets.
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import {
  configureXlock,
  type ProgressUpdate,
  readChallenge,
  recoveryLink,
  requestXlockAuth,
  respondXlockChallenge,
  XlockVerifier,
} from '../src/index.js';
import { clockAt, deviceOf, identityOf, idOf, moodies, ORIGIN, registered, vaultOn } from './support.js';

test('a login: registered, asked, approved, redeemed once', async () => {
  const { verifier, device, did } = await registered();
  const challenge = await verifier.createAuthChallenge({
    did,
    action: 'Sign in to Acme Dashboard',
    metadata: { ip: '203.0.113.42', location: 'San Francisco' },
  });
  expect(challenge.match).toMatch(/^[1-9]\d$/);
  const shown = await device.view(challenge.links.app);
  expect(shown).toMatchObject({ origin: ORIGIN, action: 'Sign in to Acme Dashboard', matching: true });
  expect(JSON.stringify(shown)).not.toContain(`"match"`);
  const answer = await device.approve(challenge.text, { digits: challenge.match });
  expect(await verifier.respond(answer)).toEqual({ challengeId: challenge.id, state: 'approved' });
  const verified = await verifier.verifyAuth(challenge.id);
  expect(verified).toMatchObject({
    ok: true,
    value: { approved: true, did, userId: 'ada', deviceId: device.id },
  });
  expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('CHALLENGE_ALREADY_USED');
  expect(await idOf(verifier.respond(answer))).toBe('CHALLENGE_ALREADY_USED');
});

test('who waits is told at once', async () => {
  const { verifier, device, did } = await registered({ pollMs: 60_000 });
  const challenge = await verifier.createAuthChallenge({ did });
  const waiting = verifier.verifyAuth(challenge.id);
  await verifier.respond(await device.approve(challenge.text, { digits: challenge.match }));
  expect(await waiting).toMatchObject({ ok: true });
});

test('challenge and response have times of their own', async () => {
  const { verifier, device, did, clock } = await registered();
  const late = await verifier.createAuthChallenge({ did });
  const answer = await device.approve(late.text, { digits: late.match });
  clock.pass(120_000);
  expect(await idOf(device.approve(late.text, { digits: late.match }))).toBe('CHALLENGE_EXPIRED');
  expect(await idOf(verifier.respond(answer))).toBe('RESPONSE_TIMEOUT');
  expect(await idOf(verifier.verifyAuth(late.id))).toBe('RESPONSE_TIMEOUT');
  expect(await idOf(verifier.respond(answer))).toBe('RESPONSE_TIMEOUT');

  const older = await verifier.createAuthChallenge({ did });
  const good = await device.approve(older.text, { digits: older.match });
  clock.pass(300_000);
  expect(await idOf(verifier.respond(good))).toBe('CHALLENGE_EXPIRED');

  const approved = await verifier.createAuthChallenge({ did });
  await verifier.respond(await device.approve(approved.text, { digits: approved.match }));
  clock.pass(300_000);
  expect(await idOf(verifier.verifyAuth(approved.id))).toBe('CHALLENGE_EXPIRED');

  const short = await verifier.createAuthChallenge({ did, timeout: 5000 });
  expect(short.respondBy - short.issuedAt).toBe(5000);
});

test('nobody answers: the wait ends with the time of the user', async () => {
  const { verifier, did } = await registered({ clock: Date.now, pollMs: 10 }, { clock: Date.now });
  const { id } = await verifier.createAuthChallenge({ did, timeout: 1000 });
  const early = await verifier.verifyAuth(id, { waitMs: 20 });
  expect(early.error).toMatchObject({ id: 'RESPONSE_TIMEOUT', details: { pending: true } });
  expect(await idOf(verifier.verifyAuth(id))).toBe('RESPONSE_TIMEOUT');
});

test('a challenge of another service is foreign, on the device and at the verifier', async () => {
  const { verifier, device, did } = await registered();
  const other = await registered({ identity: await identityOf('other service') });
  const foreign = await other.verifier.createAuthChallenge({ did: other.did });
  expect(await idOf(device.approve(foreign.text, { digits: foreign.match }))).toBe('PASSKEY_NOT_FOUND');
  const answer = await other.device.approve(foreign.text, { digits: foreign.match });
  expect(await idOf(verifier.respond(answer))).toBe('CHALLENGE_INVALID:UNKNOWN');
  expect(await idOf(verifier.verifyAuth(foreign.id))).toBe('CHALLENGE_INVALID:UNKNOWN');
  // Somebody who knows the DID makes a challenge with a key of his own, of the same origin.
  const thief = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('thief'), clock: clockAt() });
  const forged = await thief.createDecoyChallenge();
  expect(await idOf(device.view(forged.text))).toBe('PASSKEY_NOT_FOUND');
  const mine = await verifier.createAuthChallenge({ did });
  const changed = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(mine.text, 'base64url').toString()), action: 'Nothing much' }),
  ).toString('base64url');
  expect(await idOf(device.view(changed))).toBe('CHALLENGE_INVALID');
  expect(await idOf(device.view('xlock://auth?challenge=!!'))).toBe('CHALLENGE_INVALID');
});

test('links say what the challenge says', async () => {
  const { verifier, did } = await registered();
  const { links, text, id } = await verifier.createAuthChallenge({ did });
  expect(links.app).toMatch(/^xlock:\/\/auth\?service=acme\.com&challenge=/);
  expect(links.https).toMatch(/^https:\/\/acme\.com\/\.well-known\/xlock\/auth\?/);
  for (const link of [links.app, links.https, text]) expect(readChallenge(link).id).toBe(id);
  expect(() => readChallenge(links.app.replace('auth', 'register'))).toThrow('challenge is not in form');
  expect(() => readChallenge(links.app.replace('acme.com', 'evil.com'))).toThrow('challenge is not in form');
  expect(await idOf(() => readChallenge(links.https.replace('acme.com/', 'evil.com/')))).toBe(
    'CHALLENGE_INVALID:ORIGIN',
  );
  expect(recoveryLink('acme.com', did)).toBe(
    `xlock://recover?service=acme.com&did=${encodeURIComponent(did)}`,
  );
});

test('two devices race: one answer counts', async () => {
  const stores = moodies();
  const { verifier, device, did, clock } = await registered({}, { stores });
  const tablet = await deviceOf('tablet', { vault: vaultOn(stores), clock });
  const adding = await verifier.createRegistrationChallenge({ did });
  expect(await verifier.verifyRegistration(await tablet.register(adding.text))).toMatchObject({
    ok: true,
    value: { did, userId: 'ada', deviceName: 'tablet' },
  });
  expect((await verifier.account(did)).devices.map(({ name }) => name)).toEqual(['phone', 'tablet']);
  const challenge = await verifier.createAuthChallenge({ did });
  const answers = await Promise.all([
    device.approve(challenge.text, { digits: challenge.match }),
    tablet.deny(challenge.text),
  ]);
  const ids = await Promise.all(answers.map((answer) => idOf(verifier.respond(answer))));
  expect(ids.sort()).toEqual(['CHALLENGE_ALREADY_USED', undefined]);
});

test('an approval after a denial does not count, nor the other way round', async () => {
  const { verifier, device, did } = await registered();
  const challenge = await verifier.createAuthChallenge({ did });
  const approval = await device.approve(challenge.text, { digits: challenge.match });
  await verifier.respond(await device.deny(challenge.text));
  expect(await idOf(verifier.respond(approval))).toBe('CHALLENGE_ALREADY_USED');
  expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('RESPONSE_USER_REJECTED');
});

test('wrong digits deny: there is one try, and without digits none', async () => {
  const { verifier, device, did } = await registered();
  const challenge = await verifier.createAuthChallenge({ did });
  expect(await idOf(device.approve(challenge.text))).toBe('RESPONSE_USER_REJECTED:NUMBER');
  const wrong = challenge.match === '42' ? '43' : '42';
  const answer = await device.approve(challenge.text, { digits: wrong });
  expect(await idOf(verifier.respond(answer))).toBe('RESPONSE_USER_REJECTED:NUMBER');
  const right = await device.approve(challenge.text, { digits: challenge.match });
  expect(await idOf(verifier.respond(right))).toBe('CHALLENGE_ALREADY_USED');
  expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('RESPONSE_USER_REJECTED:NUMBER');
});

test('an answer that is changed, or of another device, changes nothing', async () => {
  const stores = moodies();
  const { verifier, device, did, clock } = await registered({}, { stores });
  const challenge = await verifier.createAuthChallenge({ did });
  const digits = challenge.match;
  const answer = await device.approve(challenge.text, { digits });
  const refused = {
    ...{ decision: 'denied', match: digits === '10' ? '11' : '10', answeredAt: answer.answeredAt + 1 },
    ...{ deviceName: 'x', signature: answer.deviceSignature, deviceSignature: answer.signature },
  };
  for (const [name, value] of Object.entries(refused))
    expect([name, await idOf(verifier.respond({ ...answer, [name]: value }))]).toEqual([
      name,
      'RESPONSE_SIGNATURE_INVALID',
    ]);
  for (const value of [undefined, null, [], {}, { ...answer, did: 1 }, { ...answer, match: '123' }])
    expect(await idOf(verifier.respond(value))).toBe('RESPONSE_SIGNATURE_INVALID:FORM');
  // Two stores and all they hold are not enough: the thief has no key of a registered device.
  const thief = await deviceOf('thief', { vault: vaultOn(stores.slice(0, 2)), clock });
  await thief.recover({ service: ORIGIN, userId: 'ada' });
  const stolen = await thief.approve(challenge.text, { digits });
  expect(await idOf(verifier.respond(stolen))).toBe('RESPONSE_DEVICE_MISMATCH');
  expect(await verifier.respond(answer)).toMatchObject({ state: 'approved' });
});

test('a challenge for one device is for that one', async () => {
  const stores = moodies();
  const { verifier, device, did, clock } = await registered({}, { stores });
  const tablet = await deviceOf('tablet', { vault: vaultOn(stores), clock });
  await verifier.verifyRegistration(
    await tablet.register((await verifier.createRegistrationChallenge({ did })).text),
  );
  const challenge = await verifier.createAuthChallenge({ did, deviceId: device.id });
  expect(await idOf(tablet.approve(challenge.text, { digits: challenge.match }))).toBe(
    'RESPONSE_DEVICE_MISMATCH',
  );
  await verifier.respond(await device.approve(challenge.text, { digits: challenge.match }));
});

test('a stolen device is revoked: its answers, its approvals and its sessions end', async () => {
  const { verifier, device, did } = await registered();
  const before = await verifier.createAuthChallenge({ did });
  const open = await verifier.createAuthChallenge({ did });
  await verifier.respond(await device.approve(before.text, { digits: before.match }));
  const { token } = await verifier.beginSession({ did, userId: 'ada', deviceId: device.id });
  expect(await verifier.verifySession(token)).toMatchObject({ ok: true, value: { did } });
  const answer = await device.approve(open.text, { digits: open.match });
  await verifier.revokeDevice(did, device.id);
  expect(await idOf(verifier.respond(answer))).toBe('RESPONSE_DEVICE_MISMATCH:REVOKED');
  expect(await idOf(verifier.verifyAuth(before.id))).toBe('RESPONSE_DEVICE_MISMATCH:REVOKED');
  expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
  expect(await idOf(verifier.createAuthChallenge({ did }))).toBe('PASSKEY_NOT_FOUND');
});

test('a passkey that is revoked is over for all devices', async () => {
  const { verifier, device, did } = await registered();
  const { token } = await verifier.beginSession({ did, userId: 'ada', deviceId: device.id });
  await verifier.revokePasskey(did);
  expect(await idOf(verifier.createAuthChallenge({ did }))).toBe('PASSKEY_NOT_FOUND');
  expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
});

test('sessions end by time, one by one, and all at once; the store has no token', async () => {
  const store = new MemoryOperationsStore();
  const { verifier, device, did, clock } = await registered({ store });
  const begin = async () => (await verifier.beginSession({ did, userId: 'ada', deviceId: device.id })).token;
  const [one, two, three] = [await begin(), await begin(), await begin()];
  const kept = JSON.stringify(store.list('xlock-session'));
  for (const token of [one, two, three]) expect(kept).not.toContain(token.slice(4));
  await verifier.endSession(one);
  expect(await idOf(verifier.verifySession(one))).toBe('SESSION_INVALID');
  expect(await verifier.verifySession(two)).toMatchObject({ ok: true });
  await verifier.endSessions(did);
  expect(await idOf(verifier.verifySession(two))).toBe('SESSION_INVALID');
  clock.pass(10);
  const later = await begin();
  clock.pass(86_399_999);
  expect(await verifier.verifySession(later)).toMatchObject({ ok: true });
  clock.pass(1);
  expect(await idOf(verifier.verifySession(later))).toBe('SESSION_INVALID');
  for (const bad of [undefined, '', 'xls_', 1, {}])
    expect(await idOf(verifier.verifySession(bad))).toBe('SESSION_INVALID');
});

test('another browser does not redeem the login of this one', async () => {
  const { verifier, device, did } = await registered();
  const challenge = await verifier.createAuthChallenge({ did, binding: 'secret of this browser' });
  await verifier.respond(await device.approve(challenge.text, { digits: challenge.match }));
  expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('CHALLENGE_INVALID:UNKNOWN');
  expect(await idOf(verifier.verifyAuth(challenge.id, { binding: 'another' }))).toBe(
    'CHALLENGE_INVALID:UNKNOWN',
  );
  expect(await verifier.verifyAuth(challenge.id, { binding: 'secret of this browser' })).toMatchObject({
    ok: true,
  });
});

test('a service that restarts between push and answer goes on', async () => {
  const store = new MemoryOperationsStore();
  const { verifier, device, did, clock } = await registered({ store });
  const challenge = await verifier.createAuthChallenge({ did });
  const again = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('service'), store, clock });
  await again.respond(await device.approve(challenge.text, { digits: challenge.match }));
  expect(await again.verifyAuth(challenge.id)).toMatchObject({ ok: true });
  expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('CHALLENGE_ALREADY_USED');
});

test('a page of another address: the device denies, whatever the digits are', async () => {
  const { verifier, device, did } = await registered();
  for (const seenOrigin of ['https://acme.com.evil.net', 'acme.com:8443', 'http://acme.com', 'acrne.com']) {
    const challenge = await verifier.createAuthChallenge({ did });
    const send = (answer: unknown) => verifier.respond(answer);
    const approving = device.approve(challenge.text, { digits: challenge.match, seenOrigin, send });
    expect(await idOf(approving)).toBe('CHALLENGE_INVALID:ORIGIN');
    expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('RESPONSE_USER_REJECTED:ORIGIN');
  }
  for (const seenOrigin of ['acme.com', 'https://acme.com/login', ' ACME.com '])
    expect(
      await device.approve((await verifier.createAuthChallenge({ did })).text, { digits: '11', seenOrigin }),
    ).toMatchObject({ decision: 'approved' });
});

test('what the user reads cannot be dressed up', async () => {
  const { verifier, did } = await registered();
  for (const action of ['', 'a\nb', 'a\u001b[2Jb', '\u202Emoc.emca', 'x'.repeat(201)])
    expect(await idOf(verifier.createAuthChallenge({ did, action }))).toBe('INVALID_OPTION');
  expect(await idOf(verifier.createAuthChallenge({ did, metadata: { ip: 'a\u0007' } }))).toBe(
    'INVALID_OPTION',
  );
});

test('a device that cannot be unlocked signs nothing', async () => {
  let isUnlocked = true;
  const { verifier, device, did } = await registered({}, { unlock: () => isUnlocked });
  const challenge = await verifier.createAuthChallenge({ did });
  isUnlocked = false;
  expect(await idOf(device.approve(challenge.text, { digits: '11' }))).toBe('BIOMETRIC_REQUIRED');
  expect(await device.deny(challenge.text)).toMatchObject({ decision: 'denied', signature: '' });
});

test('a store or audit log that is down lets nobody in', async () => {
  const store = new MemoryOperationsStore();
  let isUp = true;
  const audit = { append: async () => (isUp ? undefined : Promise.reject(new Error('disk full'))) };
  const { verifier, device, did } = await registered({ store, audit });
  const challenge = await verifier.createAuthChallenge({ did });
  isUp = false;
  const answer = await device.approve(challenge.text, { digits: challenge.match });
  expect(await idOf(verifier.respond(answer))).toBe('AUDIT_UNAVAILABLE');
  expect(await idOf(verifier.beginSession({ did, userId: '', deviceId: device.id }))).toBe(
    'AUDIT_UNAVAILABLE',
  );
  store.load = () => {
    throw new Error('down');
  };
  expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('STORE_UNAVAILABLE');
  expect(await idOf(verifier.verifySession(`xls_${'A'.repeat(43)}`))).toBe('STORE_UNAVAILABLE');
});

test('the functions for programs with one of each, and their steps', async () => {
  const pushed: string[] = [];
  const push = { send: async (_: string, challenge: string) => void pushed.push(challenge) };
  const { verifier, device } = await registered({ push });
  expect(await idOf(requestXlockAuth({ userId: 'ada' }))).toBe('INVALID_OPTION');
  configureXlock({ verifier, device });
  const steps: ProgressUpdate[] = [];
  const onProgress = (update: ProgressUpdate) => void steps.push(update);
  const challenge = await requestXlockAuth({ userId: 'ada', timeout: 120_000, onProgress });
  expect(challenge.pushed).toEqual([device.id]);
  const send = (answer: unknown) => verifier.respond(answer);
  await respondXlockChallenge({ challenge: pushed[0]!, digits: challenge.match, send, onProgress });
  expect(await verifier.verifyAuth(challenge.id)).toMatchObject({ ok: true });
  expect(steps.map(({ progress, message }) => `${progress} ${message}`)).toEqual([
    '0 Generating challenge',
    '50 Sending push notification',
    '100 Awaiting response',
    '0 Reconstructing passkey',
    '25 Signing challenge',
    '50 Purging key material',
    '100 Sending response',
  ]);
  const mute = { send: () => Promise.reject(new Error('no device is connected')) };
  const { verifier: other } = await registered({ push: mute });
  expect(await idOf(requestXlockAuth({ userId: 'ada', verifier: other }))).toBe('PUSH_NOTIFICATION_DISABLED');
  configureXlock({});
});

test('in production nothing is kept in memory by accident', async () => {
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    const [identity, store] = [await identityOf('service'), new MemoryOperationsStore()];
    expect(() => new XlockVerifier({ origin: ORIGIN, identity })).toThrow('pass a store in production');
    expect(() => new XlockVerifier({ origin: ORIGIN, store })).toThrow('pass the identity of the service');
    expect(new XlockVerifier({ origin: ORIGIN, identity, store }).origin).toBe(ORIGIN); // said, so meant
  } finally {
    process.env['NODE_ENV'] = before;
  }
});

test('options are checked', () => {
  expect(() => new XlockVerifier({ origin: 'acme.com' })).toThrow('origin must be one as browsers write it');
  expect(() => new XlockVerifier({ origin: 'http://acme.com' })).toThrow('origin must be');
  expect(() => new XlockVerifier({ origin: ORIGIN, challengeTTLMs: 1 } as never)).toThrow(
    'did you mean challengeTtlMs?',
  );
  expect(() => new XlockVerifier({ origin: ORIGIN, responseTimeoutMs: 400_000 })).toThrow('challengeTtlMs');
});
