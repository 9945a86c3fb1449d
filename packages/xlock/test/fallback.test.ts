// What is there when no push arrives: codes by message, codes on paper, and the pushes of the platforms.
import { expect, test } from '@jest/globals';
import { MemoryShareBackend } from '@private.me/xid';
import { MessageCodes, makeOfflineCodes, OfflineCodes, PlatformPush } from '../src/index.js';
import { ephemeralFor } from '../src/xid.js';
import {
  afterTest,
  clockAt,
  deviceOf,
  identityOf,
  idOf,
  moodies,
  ORIGIN,
  registered,
  vaultOn,
} from './support.js';

async function withMessages() {
  const all = await registered();
  const sent: { to: string; code: string; origin: string }[] = [];
  const sender = {
    send: (to: string, code: string, { origin }: { origin: string }) => void sent.push({ to, code, origin }),
  };
  return { ...all, sent, codes: new MessageCodes({ verifier: all.verifier, sender }) };
}

test('a code by message is off unless it was asked for, and good once', async () => {
  const { verifier, did, codes, sent } = await withMessages();
  expect(await codes.begin({ userId: 'ada' })).toMatchObject({ id: expect.any(String) });
  expect(await codes.begin({ userId: 'nobody' })).toMatchObject({ id: expect.any(String) });
  expect(sent).toEqual([]); // neither was told from the other
  const deviceId = await codes.enable({ did, to: '+1 555 0100' });
  const { id, expiresAt } = await codes.begin({ userId: 'ada' });
  expect(sent).toMatchObject([
    { to: '+1 555 0100', origin: ORIGIN, code: expect.stringMatching(/^[A-Z0-9]{4}-[A-Z0-9]{4}$/) },
  ]);
  expect(expiresAt).toBeGreaterThan(0);
  const typed = sent[0]!.code.toLowerCase().replace('-', ' ');
  const both = await Promise.all([codes.verify(id, typed), codes.verify(id, typed)]);
  expect(both.map(({ ok }) => ok).sort()).toEqual([false, true]);
  const verified = both.find(({ ok }) => ok)!.value!;
  expect(verified).toMatchObject({ approved: true, did, userId: 'ada', deviceId });
  const { token } = await verifier.beginSession(verified);
  expect((await verifier.verifySession(token)).ok).toBe(true);
  await verifier.revokeDevice(did, deviceId); // turned off: its sessions are over
  expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
  await codes.begin({ userId: 'ada' });
  expect(sent).toHaveLength(1);
});

test('five tries, ten minutes, one browser', async () => {
  const { did, codes, sent, clock } = await withMessages();
  await codes.enable({ did, to: 'ada@acme.com' });
  const first = await codes.begin({ did });
  for (let at = 0; at < 5; at++)
    expect(await idOf(codes.verify(first.id, 'AAAA-AAAA'))).toBe('RESPONSE_SIGNATURE_INVALID:CODE');
  expect(await idOf(codes.verify(first.id, sent[0]!.code))).toBe('CHALLENGE_ALREADY_USED');
  const second = await codes.begin({ did, binding: 'secret of the browser' });
  expect(await idOf(codes.verify(second.id, sent[1]!.code))).toBe('CHALLENGE_INVALID:UNKNOWN');
  clock.pass(600_000);
  const late = codes.verify(second.id, sent[1]!.code, { binding: 'secret of the browser' });
  expect(await idOf(late)).toBe('CHALLENGE_EXPIRED');
  expect(await idOf(codes.verify('no such', 'AAAA-AAAA'))).toBe('RESPONSE_SIGNATURE_INVALID:CODE');
});

test('the page is told the same where nothing is sent, or the sender is slow or fails', async () => {
  const { verifier, did } = await registered({ maxPushes: 2 });
  const told: string[] = [];
  let asked = 0;
  const sender = {
    send: () => (++asked === 1 ? new Promise(() => {}) : Promise.reject(new Error('no network'))),
  };
  const codes = new MessageCodes({ verifier, sender, onError: ({ id }) => void told.push(id) });
  await codes.enable({ did, to: 'ada@acme.com' });
  const answers = [];
  for (const userId of ['ada', 'ada', 'ada', 'nobody']) answers.push(await codes.begin({ userId }));
  expect(new Set(answers.map((one) => Object.keys(one).join()))).toEqual(new Set(['id,expiresAt']));
  expect([asked, told]).toEqual([2, ['CHALLENGE_GENERATION_FAILED']]); // the third was one too many
  // Codes of nobody are as wrong as wrong ones, and end after as many tries.
  for (const { id } of [answers[2]!, answers[3]!]) {
    for (let n = 0; n < 5; n++)
      expect(await idOf(codes.verify(id, 'AAAA-AAAA'))).toBe('RESPONSE_SIGNATURE_INVALID:CODE');
    expect(await idOf(codes.verify(id, 'AAAA-AAAA'))).toBe('CHALLENGE_ALREADY_USED');
  }
  expect(() => new MessageCodes({ verifier, sender: {} as never })).toThrow('send()');
});

async function withPaper() {
  const clock = clockAt();
  const vault = vaultOn(moodies());
  const all = await registered({ clock }, { vault, clock });
  const identity = await identityOf('phone');
  const backends = [1, 2, 3].map((at) => new MemoryShareBackend(`share-${at}`));
  const sourceAgain = async () => {
    const source = await ephemeralFor(identity.did, { backends, clock });
    afterTest(() => source.close());
    return source;
  };
  const request = {
    identity,
    vault,
    source: await sourceAgain(),
    did: all.did,
    service: ORIGIN,
    userId: 'ada',
    clock,
  };
  return { ...all, clock, request, sourceAgain, offline: new OfflineCodes({ verifier: all.verifier }) };
}

test('codes for a device without a network: derived, registered while it has one, each good once', async () => {
  const { verifier, did, device, request, sourceAgain, offline } = await withPaper();
  const { codes, statement } = await makeOfflineCodes({ ...request, count: 3 });
  expect(codes).toHaveLength(3);
  expect(codes[0]).toMatch(/^([A-Z0-9]{4}-){3}[A-Z0-9]{4}$/);
  await offline.accept(JSON.parse(JSON.stringify(statement)));
  expect(JSON.stringify(statement)).not.toContain(codes[0]);
  const both = await Promise.all(
    [1, 2].map(() => offline.redeem({ userId: 'ada', code: codes[1]!.toLowerCase() })),
  );
  expect(both.map(({ ok }) => ok).sort()).toEqual([false, true]);
  const verified = both.find(({ ok }) => ok)!.value!;
  expect(verified).toMatchObject({ did, userId: 'ada', deviceId: device.id });
  expect(await offline.left(did)).toBe(2);
  // The sheet is lost: the shares of the seed give the same codes again.
  const again = await makeOfflineCodes({ ...request, source: await sourceAgain(), count: 3 });
  expect(again.codes).toEqual(codes);
  expect((await offline.redeem({ did, code: again.codes[0]! })).ok).toBe(true);
  const { token } = await verifier.beginSession(verified);
  await verifier.revokeDevice(did, device.id);
  expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
  expect(await idOf(offline.redeem({ did, code: codes[2]! }))).toBe('RESPONSE_SIGNATURE_INVALID:CODE');
});

test('a statement is taken from the device itself, once, and ends the codes before it', async () => {
  const { did, request, offline, clock } = await withPaper();
  const first = await makeOfflineCodes(request);
  await offline.accept(first.statement);
  expect(await idOf(offline.accept(first.statement))).toBe('CHALLENGE_ALREADY_USED');
  const hashes = [...first.statement.hashes].reverse();
  expect(await idOf(offline.accept({ ...first.statement, hashes }))).toBe('RESPONSE_SIGNATURE_INVALID');
  expect(await idOf(offline.accept({ ...first.statement, hashes: [] }))).toBe(
    'RESPONSE_SIGNATURE_INVALID:FORM',
  );
  const stolen = await makeOfflineCodes({ ...request, identity: await identityOf('thief') });
  expect(await idOf(offline.accept(stolen.statement))).toBe('RESPONSE_DEVICE_MISMATCH');
  clock.pass(1000);
  const second = await makeOfflineCodes({ ...request, epoch: request.source.epoch + 1 });
  await offline.accept(second.statement);
  expect(await idOf(offline.redeem({ did, code: first.codes[0]! }))).toBe('RESPONSE_SIGNATURE_INVALID:CODE');
  clock.pass(300_001);
  expect(
    await idOf(
      offline.accept((await makeOfflineCodes({ ...request, clock: () => clock() - 300_001 })).statement),
    ),
  ).toBe('CHALLENGE_EXPIRED');
  clock.pass(90 * 86_400_000);
  expect(await idOf(offline.redeem({ did, code: second.codes[0]! }))).toBe('RESPONSE_SIGNATURE_INVALID:CODE');
  expect(await idOf(makeOfflineCodes({ ...request, count: 0 }))).toBe('INVALID_OPTION');
});

test('wrong codes of strangers do not lock the owner out, nor tell who has an account', async () => {
  const { did, request, offline, verifier } = await withPaper();
  const { codes, statement } = await makeOfflineCodes({ ...request, count: 1 });
  await offline.accept(statement);
  for (const userId of ['ada', 'nobody'])
    for (let n = 0; n < 12; n++)
      expect(await idOf(offline.redeem({ userId, code: 'AAAA-AAAA-AAAA-AAAA' }))).toBe(
        'RESPONSE_SIGNATURE_INVALID:CODE',
      );
  expect((await offline.redeem({ did, code: codes[0]! })).ok).toBe(true);
  // Nor once the device that made the codes was revoked.
  await verifier.revokeDevice(did, statement.deviceId);
  expect(await idOf(offline.redeem({ userId: 'ada', code: 'AAAA-AAAA-AAAA-AAAA' }))).toBe(
    'RESPONSE_SIGNATURE_INVALID:CODE',
  );
});

test('APNs and FCM get the signed challenge alone, by the sender of the service', async () => {
  const sent: string[] = [];
  const push = new PlatformPush({
    find: (deviceId) =>
      deviceId.startsWith('did:key:') ? { platform: 'apns', token: 'of the app' } : undefined,
    sender: {
      send: async ({ platform, token }, payload) => {
        sent.push(payload);
        expect([platform, token]).toEqual(['apns', 'of the app']);
      },
    },
  });
  const { verifier, device, did } = await registered({ push });
  const challenge = await verifier.createAuthChallenge({ did });
  expect(challenge.pushed).toEqual([device.id]);
  expect(Object.keys(JSON.parse(sent[0]!))).toEqual(['xlock']);
  expect((await device.view(JSON.parse(sent[0]!).xlock)).id).toBe(challenge.id);
  expect(await idOf(push.send('message:x', challenge.text))).toBe('PUSH_NOTIFICATION_DISABLED');
  expect(await idOf(push.send(device.id, 'x'.repeat(4096)))).toBe('PUSH_NOTIFICATION_DISABLED');
  expect((await deviceOf('other')).id).not.toBe(device.id);
});
