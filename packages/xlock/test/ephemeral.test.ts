// xLock+: a DID for each device, resource and epoch; resources see no other, and revocation reaches it all the same.
import { expect, test } from '@jest/globals';
import { EphemeralIdentity, MemoryShareBackend } from '@private.me/xid';
import type { XlockDevice, XlockVerifier } from '../src/index.js';
import { ephemeralFor } from '../src/xid.js';
import { afterTest, clockAt, deviceOf, identityOf, idOf, moodies, registered, vaultOn } from './support.js';

const A = 'https://a.example.com';
const B = 'https://b.example.com';
const DAY_MS = 86_400_000;

async function world() {
  const clock = clockAt();
  const backends = [1, 2, 3].map((at) => new MemoryShareBackend(`share-${at}`));
  const sourceOf = async (name: string) => {
    const source = await ephemeralFor((await identityOf(name)).did, { backends, clock });
    afterTest(() => source.close());
    return source;
  };
  const stores = moodies();
  const vault = vaultOn(stores);
  const shared = await registered(
    { clock, sessionTtlMs: 10 * DAY_MS },
    { clock, vault, ephemeral: await sourceOf('phone') },
  );
  const tablet = await deviceOf('tablet', { clock, vault, ephemeral: await sourceOf('tablet') });
  const adding = await shared.verifier.createRegistrationChallenge({ did: shared.did });
  await shared.verifier.verifyRegistration(await tablet.register(adding.text));
  return { ...shared, clock, tablet, vault };
}

async function login(verifier: XlockVerifier, device: XlockDevice, did: string, resource?: string) {
  const request = { did, ephemeral: true, ...(resource === undefined ? {} : { resource }) };
  const challenge = await verifier.createAuthChallenge(request);
  const answer = await device.approve(challenge.text, { digits: challenge.match });
  await verifier.respond(answer);
  const verified = await verifier.verifyAuth(challenge.id);
  if (!verified.ok) throw verified.error;
  const { token, session } = await verifier.beginSession(verified.value);
  return { token, session, answer, verified: verified.value };
}

test('two resources, two devices and two epochs see DIDs that have nothing in common', async () => {
  const { verifier, device, tablet, did, clock } = await world();
  const a = await login(verifier, device, did, `${A}/dashboard`);
  const again = await login(verifier, device, did, A);
  const b = await login(verifier, device, did, B);
  const other = await login(verifier, tablet, did, A);
  expect(again.session.did).toBe(a.session.did); // the same place and epoch
  clock.pass(DAY_MS);
  const later = await login(verifier, device, did, A);
  const dids = [a, b, other, later].map(({ session }) => session.did);
  expect(new Set([...dids, did]).size).toBe(5);
  // What a resource sees names neither account nor device.
  const seen = (await verifier.verifySession(b.token, { resource: B })).value!;
  expect(seen).toEqual({
    ...b.session,
    did: b.session.did,
    userId: '',
    deviceId: b.session.did,
    resource: B,
  });
  for (const lasting of [did, device.id, 'ada', a.session.did])
    expect(JSON.stringify(seen)).not.toContain(lasting);
  expect(a.answer.ephemeral?.did).toBe(a.session.did);
});

test('a session is good at its resource only', async () => {
  const { verifier, device, did } = await world();
  const { token } = await login(verifier, device, did, A);
  expect((await verifier.verifySession(token, { resource: A })).ok).toBe(true);
  expect(await idOf(verifier.verifySession(token, { resource: B }))).toBe('SESSION_INVALID');
  expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
  const own = await login(verifier, device, did);
  expect((await verifier.verifySession(own.token)).ok).toBe(true);
  expect(await idOf(verifier.verifySession(own.token, { resource: A }))).toBe('SESSION_INVALID');
});

test('revocation reaches sessions of DIDs that name nobody', async () => {
  const { verifier, device, tablet, did } = await world();
  const phone = await login(verifier, device, did, A);
  const other = await login(verifier, tablet, did, A);
  expect(await verifier.holderOf(phone.session.did)).toEqual({ did, deviceId: device.id });
  await verifier.revokeDevice(did, device.id);
  expect(await idOf(verifier.verifySession(phone.token, { resource: A }))).toBe('SESSION_INVALID');
  expect((await verifier.verifySession(other.token, { resource: A })).ok).toBe(true);
  await verifier.endSessions(did);
  expect(await idOf(verifier.verifySession(other.token, { resource: A }))).toBe('SESSION_INVALID');
});

test('it ends with its epoch and the next one, whatever the session could last', async () => {
  const { verifier, device, did, clock } = await world();
  const { token, session } = await login(verifier, device, did, A);
  expect(session.until).toBe((Math.floor(clock() / DAY_MS) + 2) * DAY_MS);
  clock.pass(session.until - clock());
  expect(await idOf(verifier.verifySession(token, { resource: A }))).toBe('SESSION_INVALID');
  expect(await verifier.holderOf(session.did)).toBeUndefined();
});

test('a claim that is missing, foreign or exchanged is refused, and so is a device without it', async () => {
  const { verifier, device, tablet, did } = await world();
  const challenge = await verifier.createAuthChallenge({ did, ephemeral: true, resource: A });
  const digits = challenge.match;
  const answer = await device.approve(challenge.text, { digits });
  const { ephemeral, ...without } = answer;
  expect(await idOf(verifier.respond(without))).toBe('RESPONSE_SIGNATURE_INVALID:FORM');
  expect(await idOf(verifier.respond({ ...answer, ephemeral: {} }))).toBe('RESPONSE_SIGNATURE_INVALID:FORM');
  const foreign = (await tablet.approve(challenge.text, { digits })).ephemeral!;
  expect(await idOf(verifier.respond({ ...answer, ephemeral: foreign }))).toBe('RESPONSE_SIGNATURE_INVALID');
  const renamed = { ...ephemeral!, did };
  expect(await idOf(verifier.respond({ ...answer, ephemeral: renamed }))).toBe('RESPONSE_SIGNATURE_INVALID');
  const lasting = await verifier.createAuthChallenge({ did });
  const plain = await device.approve(lasting.text, { digits: lasting.match });
  expect(plain.ephemeral).toBeUndefined();
  expect(await idOf(verifier.respond({ ...plain, ephemeral }))).toBe('RESPONSE_SIGNATURE_INVALID:FORM');

  const bare = await registered();
  const asked = await bare.verifier.createAuthChallenge({ did: bare.did, ephemeral: true });
  expect(await idOf(bare.device.approve(asked.text, { digits: asked.match }))).toBe('INVALID_OPTION');
});

test('two devices that derive the same DID are told so', async () => {
  const clock = clockAt();
  const source = await EphemeralIdentity.create({ maxVersion: 1, clock }); // no name of the device in it
  afterTest(() => source.close());
  const vault = vaultOn(moodies());
  const { verifier, device, did } = await registered({ clock }, { clock, vault, ephemeral: source });
  const twin = await deviceOf('twin', { clock, vault, ephemeral: source });
  const adding = await verifier.createRegistrationChallenge({ did });
  await verifier.verifyRegistration(await twin.register(adding.text));
  await login(verifier, device, did, A);
  expect(await idOf(login(verifier, twin, did, A))).toBe('RESPONSE_DEVICE_MISMATCH');
});

test('what the request says is checked', async () => {
  const { verifier, device, did } = await world();
  for (const bad of [
    { ephemeral: true, resource: 'dashboard' },
    { ephemeral: true, resource: 'http://app.example.com' },
    { resource: A },
    { ephemeral: 'yes' as never },
    { metadata: { 'xlock-epoch': '1' } },
  ])
    expect(await idOf(verifier.createAuthChallenge({ did, ...bad }))).toBe('INVALID_OPTION');
  const own = await verifier.createAuthChallenge({ did, ephemeral: true });
  expect((await device.view(own.text)).metadata).toMatchObject({ 'xlock-resource': 'https://acme.com' });
  const slow = await registered(
    { epochMs: 1000 },
    { ephemeral: { epoch: 5, identityFor: () => identityOf('x') } },
  );
  const challenge = await slow.verifier.createAuthChallenge({ did: slow.did, ephemeral: true });
  // The device counts epochs otherwise: it does not sign as somebody of another time.
  expect(await idOf(slow.device.approve(challenge.text, { digits: challenge.match }))).toBe(
    'CHALLENGE_INVALID',
  );
});
