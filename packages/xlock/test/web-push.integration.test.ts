import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { allPushes, vapidKeys, webPush, type XlockDevice } from '../src/index.js';
import { encryptPush, MAX_PLAINTEXT_BYTES } from '../src/push/web/encrypt.js';
import { isPushEndpoint, postPush } from '../src/push/web/post.js';
import { subscriptionText } from '../src/push/web/subscription.js';
import { browserKeys, fakePushService, opened } from './fake-push-service.js';
import { identityOf, idOf, listen, ORIGIN, registered } from './support.js';

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
const vapid = { ...vapidKeys(), subject: 'mailto:ops@acme.com' };

describe('RFC 8291', () => {
  test('appendix A', () => {
    const sealed = encryptPush(
      Buffer.from('When I grow up, I want to be a watermelon'),
      bytes('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
      bytes('BTBZMqHH6r4Tts7J_aSIgg'),
      {
        privateKey: bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'),
        salt: bytes('DGv6ra1nlYgDCS1FRnbzlw'),
      },
    );
    expect(Buffer.from(sealed).toString('base64url')).toBe(
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
    );
  });

  test('a browser opens what is sealed for it, and no other does; the longest text is one record', async () => {
    const keys = await browserKeys();
    const text = 'x'.repeat(MAX_PLAINTEXT_BYTES);
    const sealed = encryptPush(Buffer.from(text), bytes(keys.p256dh), bytes(keys.auth));
    expect(sealed.length).toBe(4096);
    expect(await opened(sealed, keys)).toBe(text);
    await expect(opened(sealed, { ...keys, auth: (await browserKeys()).auth })).rejects.toThrow();
    expect(() => encryptPush(Buffer.from(`${text}x`), bytes(keys.p256dh), bytes(keys.auth))).toThrow(
      'too long',
    );
    const noPoint = Uint8Array.from(bytes(keys.p256dh));
    noPoint[64]! ^= 1;
    expect(() => encryptPush(Buffer.from('x'), noPoint, bytes(keys.auth))).toThrow();
  });
});

test('options that would not work are refused at once', () => {
  const make = (more: object) => () => webPush({ vapid, ...more } as never);
  expect(make({ vapid: { ...vapid, subject: 'ops' } })).toThrow('mailto:');
  expect(make({ vapid: { ...vapid, privateKey: vapidKeys().privateKey } })).toThrow('vapidKeys()');
  expect(make({ urgency: 'low' })).toThrow('urgency');
  expect(make({ urgencie: 'high' })).toThrow('urgency');
  expect(make({ store: {} })).toThrow('store');
});

describe('endpoints', () => {
  test.each([
    'http://push.example/1',
    'https://localhost/1',
    'https://127.0.0.1/1',
    'https://[::1]/1',
    'https://169.254.169.254/latest',
    'https://10.1.2.3/1',
    'https://2130706433/1',
    'https://192.0.2.1/1',
    'https://192.88.99.1/1',
    'https://198.51.100.7/1',
    'https://203.0.113.9/1',
    'https://[2001:db8::1]/1',
    'https://[2001:2::1]/1',
    'https://[3fff::1]/1',
    'https://user@push.example/1',
    'https://push.example:8443/1',
    'file:///etc/passwd',
    'push.example',
  ])('%s is not asked', (endpoint) => {
    expect(isPushEndpoint(endpoint, false)).toBe(false);
  });

  test('nor is a name that leads to a private address', async () => {
    expect(isPushEndpoint('https://push.example/1', false)).toBe(true);
    let asked = 0;
    const { url } = await listen((_, response) => {
      asked += 1;
      response.end();
    });
    const endpoint = url.replace('127.0.0.1', 'localhost');
    const post = (allowsPrivate: boolean) =>
      postPush(endpoint, {}, new Uint8Array(1), { timeoutMs: 5000, allowsPrivate });
    await expect(post(false)).rejects.toThrow('private address');
    expect(asked).toBe(0);
    expect((await post(true)).status).toBe(200);
    expect(asked).toBe(1);
  });
});

async function subscription(device: XlockDevice, name: string, endpoint: string, more: object = {}) {
  const keys = await browserKeys();
  const [passkey] = await device.passkeys();
  const unsigned = {
    deviceId: device.id,
    did: passkey!.did,
    origin: ORIGIN,
    endpoint,
    p256dh: keys.p256dh,
    auth: keys.auth,
    at: Date.now(),
    ...more,
  };
  const made = await (await identityOf(name)).ed25519.sign(subscriptionText(unsigned));
  return { keys, request: { ...unsigned, signature: Buffer.from(made).toString('base64url') } };
}

async function service(options: object = {}) {
  const pushes = await fakePushService();
  const push = webPush({ vapid, dangerouslyAllowPrivateEndpoints: true, ...options });
  return { pushes, push, ...(await registered({ push, clock: Date.now }, { clock: Date.now })) };
}

test('a login is sealed for the browser of the device, and kept no longer than the user has time', async () => {
  const { pushes, push, verifier, device, did } = await service();
  expect((await verifier.createAuthChallenge({ did })).pushed).toEqual([]);
  const { keys, request } = await subscription(device, 'phone', `${pushes.url}/one`);
  await push.subscribe(request, verifier);
  const issued = await verifier.createAuthChallenge({ did, timeout: 60_000 });
  expect(issued.pushed).toEqual([device.id]);
  const [one] = pushes.arrived;
  expect(one).toMatchObject({ path: '/one', headers: { urgency: 'high', 'content-encoding': 'aes128gcm' } });
  expect(Number(one!.headers['ttl'])).toBeGreaterThan(55);
  expect(Number(one!.headers['ttl'])).toBeLessThanOrEqual(60);
  const text = await opened(one!.body, keys);
  expect(text).toBe(issued.text);
  expect(Buffer.from(text, 'base64url').toString()).not.toContain('"match"');
  await verifier.respond(await device.approve(text, { digits: issued.match }));
  expect((await verifier.verifyAuth(issued.id)).ok).toBe(true);
});

test.each([404, 410])(
  'a subscription that ended (%i) is forgotten; other failures keep it',
  async (status) => {
    const { pushes, push, verifier, device, did } = await service();
    await push.subscribe((await subscription(device, 'phone', pushes.url)).request, verifier);
    pushes.status = 500;
    expect((await verifier.createAuthChallenge({ did })).pushed).toEqual([]);
    expect(await push.has(device.id)).toBe(true);
    pushes.status = status;
    expect(await idOf(push.send(device.id, (await verifier.createAuthChallenge({ did })).text))).toBe(
      'PUSH_NOTIFICATION_DISABLED',
    );
    expect(await push.has(device.id)).toBe(false);
  },
);

test('who may subscribe: a registered device, for itself, now, at a public endpoint', async () => {
  const { pushes, push, verifier, device, did } = await service();
  const made = (more: object, by = 'phone') => subscription(device, by, pushes.url, more);
  const outcome = async (more: object, by?: string) =>
    idOf(push.subscribe((await made(more, by)).request, verifier));
  expect(await outcome({}, 'thief')).toBe('RESPONSE_SIGNATURE_INVALID');
  expect(await outcome({ at: Date.now() - 600_000 })).toBe('REQUEST_INVALID');
  expect(await outcome({ origin: 'https://other.example' })).toBe('REQUEST_INVALID');
  expect(await outcome({ auth: 'AA' })).toBe('REQUEST_INVALID');
  const thief = (await identityOf('thief')).did;
  expect(await outcome({ deviceId: thief }, 'thief')).toBe('RESPONSE_DEVICE_MISMATCH');
  expect(await outcome({ did: thief })).toBe('PASSKEY_NOT_FOUND');
  const strict = webPush({ vapid });
  expect(await idOf(strict.subscribe((await made({})).request, verifier))).toBe('REQUEST_INVALID');
  expect(await push.has(device.id)).toBe(false);
  // A key that has the form, and is no point of the curve; and an older one over a newer one.
  const noPoint = Buffer.alloc(65, 1);
  noPoint[0] = 4;
  expect(
    await idOf(push.subscribe((await made({ p256dh: noPoint.toString('base64url') })).request, verifier)),
  ).toBe('REQUEST_INVALID');
  const older = (await made({ at: Date.now() - 1000 })).request;
  await push.subscribe((await made({})).request, verifier);
  expect(await idOf(push.subscribe(older, verifier))).toBe('REQUEST_INVALID');
  await verifier.revokeDevice(did, device.id);
  expect(await outcome({})).toBe('RESPONSE_DEVICE_MISMATCH:REVOKED');
});

test('over HTTP, from a page of another origin, and kept in a store', async () => {
  const store = new MemoryOperationsStore();
  const { pushes, push, verifier, device } = await service({ store });
  const { url } = await listen(push.handler(verifier));
  const { request } = await subscription(device, 'phone', pushes.url);
  const asked = await fetch(`${url}/xlock/push`, { method: 'OPTIONS' });
  expect(asked.status).toBe(204);
  expect(asked.headers.get('access-control-allow-headers')).toBe('content-type');
  const post = (path: string, body: string) => fetch(url + path, { method: 'POST', body });
  const taken = await post('/xlock/push', JSON.stringify(request));
  expect([taken.status, taken.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  expect((await post('/xlock/push', '{}')).status).toBe(400);
  expect((await post('/xlock/other', '{}')).status).toBe(404);
  expect((await fetch(`${url}/xlock/push`)).status).toBe(404);
  expect(await webPush({ vapid, store }).has(device.id)).toBe(true);
});

test('several ways: one is enough, none is an error', async () => {
  const sent: string[] = [];
  const good = { send: async (id: string) => void sent.push(id) };
  const bad = { send: () => Promise.reject(new Error('down')) };
  await allPushes(bad, good).send('did', 'text', undefined);
  expect(sent).toEqual(['did']);
  expect(await idOf(allPushes(bad, bad).send('did', 'text', undefined))).toBe('PUSH_NOTIFICATION_DISABLED');
  expect(() => allPushes()).toThrow('one or more');
});

test('a push service that does not answer is not waited for', async () => {
  const { url } = await listen(() => {});
  const { push, verifier, device, did } = await service({ timeoutMs: 50 });
  const { request } = await subscription(device, 'phone', url);
  await push.subscribe(request, verifier);
  expect((await verifier.createAuthChallenge({ did })).pushed).toEqual([]);
});

test('a challenge that is not this service’s own text is not sent', async () => {
  const { pushes, push, verifier, device } = await service();
  await push.subscribe((await subscription(device, 'phone', pushes.url)).request, verifier);
  expect(await idOf(push.send(device.id, 'x'))).toBe('PUSH_NOTIFICATION_DISABLED');
  expect(pushes.arrived).toEqual([]);
});

test('an older subscription is not taken over a newer one, nor a key that is no point; the same one may come twice', async () => {
  const { push, verifier, device, pushes } = await service();
  const at = Date.now();
  const older = await subscription(device, 'phone', `${pushes.url}/older`, { at: at - 1000 });
  const newer = await subscription(device, 'phone', `${pushes.url}/newer`, { at });
  await push.subscribe(older.request, verifier);
  await push.subscribe(newer.request, verifier);
  await push.subscribe(newer.request, verifier);
  await expect(push.subscribe(older.request, verifier)).rejects.toMatchObject({
    id: 'REQUEST_INVALID',
    field: 'at',
  });
  const noPoint = Uint8Array.from(bytes(newer.keys.p256dh));
  noPoint[64]! ^= 1;
  const p256dh = Buffer.from(noPoint).toString('base64url');
  const bad = await subscription(device, 'phone', `${pushes.url}/bad`, { at: at + 1, p256dh });
  await expect(push.subscribe(bad.request, verifier)).rejects.toMatchObject({
    id: 'REQUEST_INVALID',
    field: 'p256dh',
  });
});

test('a push service that says nothing does not hold the login up', async () => {
  const { verifier, did } = await registered({ push: { send: () => new Promise(() => {}) } });
  const began = performance.now();
  const { pushed, id } = await verifier.createAuthChallenge({ did });
  expect([pushed, id.length]).toEqual([[], 22]);
  expect(performance.now() - began).toBeLessThan(8000); // a second, on a busy machine
});
