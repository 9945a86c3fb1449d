import { describe, expect, test } from '@jest/globals';
import express, { type RequestHandler } from 'express';
import { ENROLL_PATH } from '../../../src/http/enrollment.js';
import {
  Agent,
  type ClientStore,
  createKeyRecord,
  enrollmentProof,
  err,
  Identity,
  type KeyRecord,
  type TrustRegistry,
  type Version,
  xlinkError,
} from '../../../src/index.js';
import {
  ACME,
  ACME_TOO,
  BOLT,
  bodyForm,
  breakable,
  CASK,
  enrollment,
  enrollmentEnvelope,
  expectNoSecrets,
  jsonOf,
  MINUTE,
  NAMELESS,
  NOON,
  optionRefusedBy,
  type Refusal,
  SECOND,
  type Sent,
  sealed,
  serve,
  signed,
  World,
  WRONG,
  withKey,
} from '../support.js';

const SCOPE = { scope: 'orders:read' };
const SCOPES = ['orders:read', 'orders:write'];

async function made(setup: object = {}, forApi: object = {}) {
  const world = new World();
  const api = await world.agent('api', { postQuantumSig: true, ...forApi });
  const service = await serve({ agent: api, clock: world.clock, clients: world.clients, ...setup });
  /** Enrolls and expects it to be refused, with nothing left behind. */
  const refused = async (sent: Sent | Promise<Sent>, refusal: Refusal, { did }: Agent) => {
    const answer = await service.refused(sent, refusal);
    expect([world.registry.lookup(did), world.clients.clientOf(did)]).toEqual([undefined, undefined]);
    return answer;
  };
  return { world, clock: world.clock, api, service, refused };
}

describe('enrollment', () => {
  test.each([1, 2, 3] as Version[])('of a version %i identity, and its first request', async (version) => {
    const { world, api, service } = await made();
    const device = await world.stranger('device', version);
    await service.refused(sealed(device, api, {}, SCOPE), '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');

    const answer = await service.send(enrollment(device, api, ACME));
    expect([answer.status, jsonOf(answer)]).toEqual([
      200,
      { did: device.did, client: 'acme', scopes: SCOPES },
    ]);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(world.registry.lookup(device.did)).toEqual({
      did: device.did,
      name: 'acme',
      keys: await device.keyRecord(),
      sendScopes: SCOPES,
      status: 'active',
    });
    expect(world.clients.get('acme')?.dids).toEqual([device.did]);

    const { auth, body } = await service.accepted(sealed(device, api, {}, SCOPE));
    expect(auth).toMatchObject({
      mode: 'xlink',
      did: device.did,
      client: 'acme',
      version,
      encrypted: true,
      ...SCOPE,
    });
    expect(body).toEqual({ item: 'tea' });
    expect((await service.accepted(signed(device, api, {}, SCOPE))).auth).toMatchObject({ client: 'acme' });
    await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    expectNoSecrets(service, answer);
  });

  test('the API can answer an enrolled caller: it has its keys', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device', 3);
    await service.send(enrollment(device, api, ACME));
    expect((await api.createEnvelope({ to: device.did, payload: 1 })).version).toBe(3);
  });

  test('scopes that the key does not mention are not limited, scopes that are none are none', async () => {
    const { world, api, service } = await made();
    const [free, mute] = [await world.stranger('free'), await world.stranger('mute')];
    expect(jsonOf(await service.send(enrollment(free, api, BOLT)))).toEqual({
      did: free.did,
      client: 'bolt',
    });
    expect(world.registry.lookup(free.did)).not.toHaveProperty('sendScopes');
    await service.accepted(sealed(free, api, {}, { scope: 'whatever' }));

    expect(jsonOf(await service.send(enrollment(mute, api, CASK)))).toEqual({
      did: mute.did,
      client: 'cask',
      scopes: [],
    });
    await service.refused(sealed(mute, api), '403 SCOPE_DENIED');
  });

  test.each([
    ['a text', 'orders:read orders:write'],
    ['null', null],
    ['a list with something that is no scope', ['orders:read', 'users *']],
    ['a list of anything', [1]],
    ['an object', { 0: 'orders:read' }],
  ])('scopes that cannot be understood do not become any scope: %s', async (_, scopes) => {
    const { world, api, service, refused } = await made({ legacyKeyValidator: () => ({ id: 1, scopes }) });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '500 INVALID_OPTION', device);
    expect(service.of('fault').map(({ error }) => error.field)).toEqual(['clientScopes']);
  });

  test('clientId and clientScopes say it in another way', async () => {
    const { world, api, service } = await made({
      legacyKeyValidator: () => ({ tenant: { name: 'acme-eu' }, grants: 'a b' }),
      clientId: ({ tenant }: { tenant: { name: string } }) => tenant.name,
      clientScopes: ({ grants }: { grants: string }) => grants.split(' '),
    });
    const device = await world.stranger('device');
    const answer = await service.send(enrollment(device, api, 'any key'));
    expect(jsonOf(answer)).toEqual({ did: device.did, client: 'acme-eu', scopes: ['a', 'b'] });
    const { auth } = await service.accepted(sealed(device, api, {}, { scope: 'b' }));
    expect(auth).toMatchObject({ client: 'acme-eu' });
  });

  test.each([
    [{ clientId: 'a', customerId: 'b', userId: 'c', id: 'd' }, 'a'],
    [{ customerId: 'b', userId: 'c', id: 'd' }, 'b'],
    [{ clientId: '', userId: 'c', id: 'd' }, 'c'],
    [{ clientId: {}, id: 7 }, '7'],
  ])('by default the client is the first id of the validator: %j', async (found, client) => {
    const { world, api, service } = await made({ legacyKeyValidator: () => found });
    const answer = await service.send(enrollment(await world.stranger('device'), api, 'any key'));
    expect(jsonOf(answer).client).toBe(client);
  });

  test('again is fine, with a new envelope, and changes nothing', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const first = await service.send(enrollment(device, api, ACME));
    const before = world.registry.lookup(device.did);
    for (const key of [ACME, ACME_TOO]) {
      const again = await service.send(enrollment(device, api, key));
      expect([again.status, again.text]).toEqual([200, first.text]);
    }
    expect(world.registry.lookup(device.did)).toBe(before);
    expect(world.clients.get('acme')?.dids).toEqual([device.did]);
  });

  test('again does not widen what the operator narrowed in between', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await world.registry.updateScopes(device.did, { scopes: ['orders:read'] });
    expect(jsonOf(await service.send(enrollment(device, api, ACME))).scopes).toEqual(['orders:read']);
    expect(world.registry.lookup(device.did)?.sendScopes).toEqual(['orders:read']);
  });

  test('again with newer keys replaces them: the identity was upgraded to version 3', async () => {
    const { world, api, service, clock } = await made();
    const [before, after] = [await world.stranger('device', 2), await world.stranger('device', 3)];
    await before.keyRecord();
    expect((await service.send(enrollment(before, api, ACME))).status).toBe(200);
    clock.advance(SECOND);
    expect((await service.send(enrollment(after, api, ACME))).status).toBe(200);
    expect((await service.accepted(sealed(after, api, {}, SCOPE))).auth).toMatchObject({ version: 3 });
    await service.refused(enrollment(before, api, ACME), '401 KEY_RECORD_ROLLED_BACK');
  });

  test('a DID that the operator registered keeps its scopes and gets its keys', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await world.registry.add(device.did, { scopes: ['refunds'], name: 'Till 7' });
    const answer = await service.send(enrollment(device, api, ACME));
    expect(jsonOf(answer)).toEqual({ did: device.did, client: 'acme', scopes: ['refunds'] });
    expect(world.registry.lookup(device.did)).toMatchObject({
      name: 'Till 7',
      sendScopes: ['refunds'],
      keys: { did: device.did },
    });
    await service.refused(sealed(device, api, {}, SCOPE), '403 SCOPE_DENIED');
    expect((await service.accepted(sealed(device, api, {}, { scope: 'refunds' }))).auth).toMatchObject({
      client: 'acme',
    });
  });

  test('several identities for one key, up to the limit', async () => {
    const { world, api, service, refused } = await made({ maxDidsPerClient: 2 });
    const devices = [await world.stranger('one'), await world.stranger('two'), await world.stranger('three')];
    for (const device of devices.slice(0, 2))
      expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await refused(enrollment(devices[2]!, api, ACME_TOO), '409 ENROLLMENT_REFUSED:TOO_MANY', devices[2]!);
    expect((await service.send(enrollment(devices[0]!, api, ACME))).status).toBe(200);
    expect((await service.send(enrollment(devices[2]!, api, BOLT))).status).toBe(200);
    expect(world.clients.get('acme')?.dids).toEqual([devices[0]!.did, devices[1]!.did]);
  });

  test('in observe mode, before any envelope counts', async () => {
    const { world, api, service } = await made({ mode: 'observe' });
    const device = await world.stranger('device');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.refused(sealed(device, api, {}, SCOPE), '415 XLINK_NOT_SUPPORTED');
    service.adapter.setMode('hybrid');
    expect((await service.accepted(sealed(device, api, {}, SCOPE))).auth).toMatchObject({ client: 'acme' });
  });

  test('by an API that takes few scopes: enrollment has one of its own', async () => {
    const { world, api, service } = await made({}, { receiveScopes: ['orders:read'] });
    const device = await world.stranger('device');
    expect((await service.send(enrollment(device, api, BOLT))).status).toBe(200);
    await service.accepted(sealed(device, api, {}, SCOPE));
  });

  test('of an old identity by an API that is ahead: let in, and told at the first request', async () => {
    const { world, api, service } = await made({}, { minVersion: 3 });
    const [old, fresh] = [await world.stranger('old', 1), await world.stranger('fresh', 3)];
    for (const device of [old, fresh])
      expect((await service.send(enrollment(device, api, BOLT))).status).toBe(200);
    await service.accepted(sealed(fresh, api));
    const envelope = await old.createEnvelope({ to: api.did, payload: 1, request: 'POST /orders' });
    await service.refused(bodyForm(envelope), '401 VERSION_TOO_LOW');
  });

  test.each([
    ['x-api-key', (key: string) => ({ 'x-api-key': key })],
    ['Authorization: Bearer', (key: string) => ({ authorization: `Bearer ${key}` })],
    ['Authorization: ApiKey', (key: string) => ({ authorization: `ApiKey ${key}` })],
  ])('the key may come in %s', async (_, headers) => {
    const { world, api, service } = await made();
    const envelope = await enrollmentEnvelope(await world.stranger('device'), api, ACME);
    const sent = bodyForm(envelope, { path: ENROLL_PATH, headers: headers(ACME) });
    expect((await service.send(sent)).status).toBe(200);
  });

  test('a query does not matter to the route, and matters to the envelope', async () => {
    const { world, api, service, refused } = await made();
    const device = await world.stranger('device');
    const path = `${ENROLL_PATH}?from=device`;
    await refused({ ...(await enrollment(device, api, ACME)), path }, '401 REQUEST_BINDING_MISMATCH', device);
    const request = `POST ${path}`;
    expect((await service.send({ ...(await enrollment(device, api, ACME, { request })), path })).status).toBe(
      200,
    );
  });

  test('is neither a request of the migration nor a use of the key', async () => {
    const { world, api, service } = await made();
    await service.send(enrollment(await world.stranger('device'), api, ACME));
    await service.quiet();
    expect(service.of('request')).toEqual([]);
    const [client] = (await service.adapter.report()).clients;
    expect(client).toMatchObject({
      client: 'acme',
      keyRequests: 0,
      reason: 'is enrolled but has never used xLink',
    });
  });
});

describe('enrollment is refused', () => {
  test('without a key, and with a wrong or revoked one', async () => {
    const keys = new Set([ACME]);
    const { world, api, refused } = await made({
      legacyKeyValidator: (key: string) => (keys.has(key) ? { id: 'acme' } : null),
    });
    const device = await world.stranger('device');
    const { headers, ...keyless } = await enrollment(device, api, ACME);
    await refused(
      { ...keyless, headers: { 'content-type': headers!['content-type'] as string } },
      '401 CREDENTIALS_MISSING',
      device,
    );
    await refused(enrollment(device, api, WRONG), '401 API_KEY_INVALID', device);
    keys.delete(ACME);
    await refused(enrollment(device, api, ACME), '401 API_KEY_INVALID', device);
  });

  test('if the validator is down', async () => {
    const { world, api, refused } = await made({
      legacyKeyValidator: () => {
        throw new Error('the database is down');
      },
    });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '503 KEY_VALIDATOR_FAILED', device);
  });

  test('if nobody can tell whose key it is', async () => {
    const { world, api, service, refused } = await made();
    const device = await world.stranger('device');
    await refused(enrollment(device, api, NAMELESS), '500 ENROLLMENT_REFUSED:NO_CLIENT', device);
    expect(service.of('fault')).toHaveLength(1);
  });

  test('in xlink-only mode, except to stragglers', async () => {
    const { world, api, service, refused } = await made({
      mode: 'xlink-only',
      clientModes: { bolt: 'hybrid' },
    });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '401 XLINK_REQUIRED', device);
    expect((await service.send(enrollment(device, api, BOLT))).status).toBe(200);
  });

  test('in a brownout', async () => {
    const { world, api, clock, service, refused } = await made({
      mode: 'deprecation',
      brownouts: [{ from: new Date(0), until: new Date(NOON + MINUTE) }],
    });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '401 API_KEY_BROWNOUT', device);
    clock.advance(MINUTE);
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  });

  test('KEY_PROOF: a stolen enrollment envelope with a key of the thief', async () => {
    const { world, api, service, refused } = await made();
    const device = await world.stranger('device');
    const envelope = await enrollmentEnvelope(device, api, ACME);
    const stolen = withKey(BOLT, bodyForm(envelope, { path: ENROLL_PATH }));
    await refused(stolen, '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  });

  test('KEY_PROOF: not even with another key of the same client', async () => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const sent = enrollment(device, api, ACME, { proofKey: ACME_TOO });
    await refused(sent, '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
  });

  test.each([
    [
      'the proof of another DID',
      async () => enrollmentProof((await Identity.fromSeed(new Uint8Array(32))).did, ACME),
    ],
    ['no proof', () => undefined],
    ['an empty one', () => ''],
    ['a number', () => 7],
    ['the key itself', () => ACME],
    ['no base64url', () => '='],
    ['a prefix of the right one', async (did: string) => (await enrollmentProof(did, ACME)).slice(0, 40)],
    ['a list with the right one', async (did: string) => [await enrollmentProof(did, ACME)]],
  ])('KEY_PROOF: %s', async (_, proof) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const payload = { keyRecord: await device.keyRecord(), keyProof: await proof(device.did) };
    await refused(enrollment(device, api, ACME, { payload }), '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
  });

  test('OTHER_DID: the keys of another DID', async () => {
    const { world, api, refused } = await made();
    const [device, other] = [await world.stranger('device'), await world.stranger('other')];
    const sent = enrollment(device, api, ACME, { keyRecord: await other.keyRecord() });
    await refused(sent, '403 ENROLLMENT_REFUSED:OTHER_DID', device);
    expect(world.registry.lookup(other.did)).toBeUndefined();
  });

  test('the keys of another DID under its own name', async () => {
    const { world, api, refused } = await made();
    const [device, other] = [await world.stranger('device'), await world.stranger('other')];
    const keyRecord = { ...(await other.keyRecord()), did: device.did };
    await refused(enrollment(device, api, ACME, { keyRecord }), '401 KEY_RECORD_INVALID', device);
  });

  const broken: [string, (record: KeyRecord) => unknown][] = [
    ['a signature that is not its own', (record) => ({ ...record, epoch: record.epoch + 1 })],
    ['no signature', ({ signature: _, ...record }) => record],
    ['no X25519 key', ({ x25519: _, ...record }) => record],
    ['an X25519 key that is a number', (record) => ({ ...record, x25519: 7 })],
    ['a short ML-KEM key', (record) => ({ ...record, mlKem768: 'AAAA' })],
    ['an ML-KEM key of null', (record) => ({ ...record, mlKem768: null })],
    ['an ML-KEM key that was taken away', ({ mlKem768: _, ...record }) => record],
    ['an epoch that is a text', (record) => ({ ...record, epoch: String(record.epoch) })],
    ['an epoch beyond all numbers', (record) => ({ ...record, epoch: 2 ** 60 })],
  ];
  test.each(broken)('a key record with %s', async (_, change) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const keyRecord = change(await device.keyRecord());
    await refused(enrollment(device, api, ACME, { keyRecord }), '401 KEY_RECORD_INVALID', device);
  });

  test('what a key record has too much is not kept', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const keyRecord = {
      ...(await device.keyRecord()),
      sendScopes: ['*'],
      status: 'active',
      junk: 'x'.repeat(9999),
    };
    expect((await service.send(enrollment(device, api, ACME, { keyRecord }))).status).toBe(200);
    expect(world.registry.lookup(device.did)?.keys).toEqual(await device.keyRecord());
    expect(world.registry.lookup(device.did)?.sendScopes).toEqual(SCOPES);
  });

  test.each([
    ['no key record', {}, '400 ENROLLMENT_REFUSED'],
    ['a key record of null', { keyRecord: null }, '400 ENROLLMENT_REFUSED'],
    ['a key record that is a text', { keyRecord: 'x' }, '400 ENROLLMENT_REFUSED'],
    ['a key record that is a list', { keyRecord: [] }, '403 ENROLLMENT_REFUSED:OTHER_DID'],
    ['a key record that is empty', { keyRecord: {} }, '403 ENROLLMENT_REFUSED:OTHER_DID'],
  ] as [string, object, Refusal][])('%s', async (_, payload, refusal) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const keyProof = await enrollmentProof(device.did, ACME);
    await refused(enrollment(device, api, ACME, { payload: { keyProof, ...payload } }), refusal, device);
  });

  test.each([[null], [7], ['x'], [[]], [{}], [true]])('a payload of %j', async (payload) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME, { payload }), '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
  });

  test.each([
    ['no JSON', 'item=tea', '400 PARSE_FAILED:SYNTAX'],
    ['nothing', '', '400 PARSE_FAILED:SYNTAX'],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), '400 PARSE_FAILED:SYNTAX'],
    ['an enrollment without an envelope', '{"keyRecord":{},"keyProof":"x"}', '400 PARSE_FAILED:SYNTAX'],
  ] as [string, string | Buffer, Refusal][])('a body that is %s', async (_, body, refusal) => {
    const { service } = await made();
    await service.refused(withKey(ACME, { ...bodyForm('', { path: ENROLL_PATH }), body }), refusal);
  });

  test('a body beyond 64 KiB, however it is announced', async () => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const keyRecord = { ...(await device.keyRecord()), junk: 'x'.repeat(64 * 1024) };
    const sent = await enrollment(device, api, ACME, { keyRecord });
    await refused(sent, '413 BODY_TOO_LARGE', device);
    const headers = { ...sent.headers, 'transfer-encoding': 'chunked' };
    await refused({ ...sent, headers }, '413 BODY_TOO_LARGE', device);
  });

  test('a signature that does not match', async () => {
    const { world, api, refused } = await made();
    const [device, other] = [await world.stranger('device'), await world.stranger('other')];
    const [mine, theirs] = [
      await enrollmentEnvelope(device, api, ACME),
      await enrollmentEnvelope(other, api, ACME),
    ];
    for (const changed of [
      { ...mine, signature: theirs.signature },
      { ...mine, from: other.did },
    ]) {
      const sent = withKey(ACME, bodyForm(changed, { path: ENROLL_PATH }));
      await refused(sent, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH', device);
    }
  });

  test('an envelope for another API', async () => {
    const { world, refused } = await made();
    const [device, elsewhere] = [await world.stranger('device'), await world.agent('another api')];
    await refused(enrollment(device, elsewhere, ACME), '401 RECIPIENT_MISMATCH', device);
  });

  test('an envelope for another request, or for none', async () => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    for (const request of ['POST /orders', `GET ${ENROLL_PATH}`, `POST ${ENROLL_PATH}/`])
      await refused(enrollment(device, api, ACME, { request }), '401 REQUEST_BINDING_MISMATCH', device);
    const request = undefined as unknown as string;
    const unbound = await device.createIntroduction({
      to: api.did,
      scope: 'xlink:enroll',
      request,
      payload: { keyRecord: await device.keyRecord(), keyProof: await enrollmentProof(device.did, ACME) },
    });
    const sent = withKey(ACME, bodyForm(unbound, { path: ENROLL_PATH }));
    await refused(sent, '401 REQUEST_BINDING_REQUIRED', device);
  });

  test('an envelope with another scope', async () => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME, { scope: 'orders:read' }), '403 SCOPE_DENIED', device);
  });

  test('an enrollment envelope is good for nothing but enrollment', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, BOLT));
    const envelope = await enrollmentEnvelope(device, api, BOLT);
    await service.refused(bodyForm(envelope), '400 CLEARTEXT_NOT_ALLOWED');
  });

  test('a stale envelope, and one from the future', async () => {
    const { world, api, clock, refused } = await made();
    const device = await world.stranger('device');
    const early = await enrollment(device, api, ACME);
    clock.advance(30 * SECOND + 1);
    await refused(early, '401 TIMESTAMP_EXPIRED', device);
    const late = await enrollment(device, api, ACME);
    clock.advance(-30 * SECOND - 1);
    await refused(late, '401 TIMESTAMP_EXPIRED:FUTURE', device);
  });

  test('a replayed envelope', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const sent = await enrollment(device, api, ACME);
    expect((await service.send(sent)).status).toBe(200);
    await service.refused(sent, '409 REPLAY_DETECTED');
  });

  test('the same envelope twice at once: one of the two', async () => {
    const { world, api, service } = await made();
    const sent = await enrollment(await world.stranger('device'), api, ACME);
    const answers = await Promise.all([service.send(sent), service.send(sent)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('a revoked DID stays revoked, whoever asks', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await world.registry.revoke(device.did);
    for (const key of [ACME, BOLT])
      await service.refused(enrollment(device, api, key), '403 VERIFICATION_FAILED:DID_REVOKED');
    expect(world.registry.lookup(device.did)?.status).toBe('revoked');
    await service.refused(sealed(device, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
  });

  test('TAKEN: a DID of another client', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await service.refused(enrollment(device, api, BOLT), '409 ENROLLMENT_REFUSED:TAKEN');
    expect(world.clients.clientOf(device.did)).toBe('acme');
    expect(world.clients.get('bolt')).toBeUndefined();
  });

  test('TAKEN: two clients at once, at two instances on the same stores', async () => {
    for (let round = 0; round < 5; round++) {
      const { world, api, services } = await twoInstances();
      const device = await world.stranger('device');
      const sent = [await enrollment(device, api, ACME), await enrollment(device, api, BOLT)] as const;
      const answers = await Promise.all([services[0].send(sent[0]), services[1].send(sent[1])]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const winner = jsonOf(answers.find(({ status }) => status === 200)!);
      expect(jsonOf(answers.find(({ status }) => status === 409)!)).toMatchObject({ subCode: 'TAKEN' });
      expect(world.clients.clientOf(device.did)).toBe(winner.client);
      expect(world.registry.lookup(device.did)?.name).toBe(winner.client);
      const dids = world.clients.list().flatMap((client) => client.dids);
      expect(dids).toEqual([device.did]);
    }
  });

  test('the same client at once, at two instances on the same stores: both succeed', async () => {
    const { world, api, services } = await twoInstances();
    const device = await world.stranger('device');
    const sent = [await enrollment(device, api, ACME), await enrollment(device, api, ACME)] as const;
    const answers = await Promise.all([services[0].send(sent[0]), services[1].send(sent[1])]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(world.clients.get('acme')?.dids).toEqual([device.did]);
    expect(world.registry.lookup(device.did)).toMatchObject({ name: 'acme', sendScopes: SCOPES });
  });

  /** Neither of two enrollments learns whose the DID is before both have asked. */
  async function twoInstances() {
    const world = new World();
    const { clients, clock } = world;
    let asked = 0;
    let release = () => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    const store: ClientStore = {
      ...breakable(clients),
      async clientOf(did) {
        const owner = clients.clientOf(did);
        asked += 1;
        if (asked === 2) release();
        await both;
        return owner;
      },
    };
    const api = await world.agent('api');
    const options = { agent: api, clock, clients: store };
    return { world, api, services: [await serve(options), await serve(options)] as const };
  }
});

describe('how often a client may try', () => {
  test('ten times in a minute by default, evenly refilled, whether it succeeds or not', async () => {
    const { world, api, service, clock } = await made();
    const device = await world.stranger('device');
    for (let i = 0; i < 10; i++)
      await service.send(enrollment(device, api, ACME, i % 2 ? { payload: 1 } : {}));
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
    await service.refused(enrollment(device, api, ACME_TOO), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
    expect((await service.send(enrollment(await world.stranger('other'), api, BOLT))).status).toBe(200);

    clock.advance(6 * SECOND - 1);
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
    clock.advance(1);
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test('a long rest gives no more than a minute of tries', async () => {
    const { world, api, service, clock } = await made({ enrollmentsPerMinute: 2 });
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    clock.advance(24 * 60 * MINUTE);
    for (let i = 0; i < 2; i++) expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test('the limit does not touch requests, and wrong keys do not use it up', async () => {
    const { world, api, service } = await made({ enrollmentsPerMinute: 1 });
    const device = await world.stranger('device');
    for (let i = 0; i < 3; i++) await service.refused(enrollment(device, api, WRONG), '401 API_KEY_INVALID');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    for (let i = 0; i < 3; i++) await service.accepted(withKey(ACME));
  });

  test('one that is over the limit is not read at all', async () => {
    const { service } = await made({ enrollmentsPerMinute: 1 });
    const huge = withKey(ACME, bodyForm('{"'.repeat(50_000), { path: ENROLL_PATH }));
    await service.refused(huge, '413 BODY_TOO_LARGE');
    await service.refused(huge, '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test.each([
    ['enrollmentsPerMinute', 0],
    ['enrollmentsPerMinute', 1.5],
    ['maxDidsPerClient', 0],
    ['keySwitchGraceMs', -1],
    ['clients', {}],
    ['clients', null],
    ['clientId', 'userId'],
    ['clientScopes', ['a']],
    ['clientFlushIntervalMs', 0],
  ])('%s: %j is refused', async (name, value) => {
    expect(await optionRefusedBy(() => made({ [name]: value }))).toBe(name);
  });
});

describe('while something is down', () => {
  test('the registry cannot be asked: nothing is linked', async () => {
    const world = new World();
    const registry = failing(world.registry, 'lookup');
    const api = await world.agent('api');
    const broken = new Agent({ identity: await identityOf(api), registry, clock: world.clock });
    const service = await serve({ agent: broken, clock: world.clock, clients: world.clients });
    const device = await world.stranger('device');
    await service.refused(enrollment(device, api, ACME), '503 LOOKUP_FAILED');
    expect(world.clients.clientOf(device.did)).toBeUndefined();
    expect(service.of('fault').map(({ error }) => error.cause)).toEqual([
      new Error('lookup: connection refused'),
    ]);
  });

  test.each(['throws', 'answers with an error'])(
    'the registry %s when it should register: tried again later',
    async (how) => {
      const world = new World();
      const registry = failing(world.registry, 'register', how === 'throws');
      const api = await world.agent('api');
      const broken = new Agent({ identity: await identityOf(api), registry, clock: world.clock });
      const service = await serve({ agent: broken, clock: world.clock, clients: world.clients });
      const device = await world.stranger('device');
      await service.refused(enrollment(device, api, ACME), '500 REGISTRATION_FAILED');
      expect(world.registry.lookup(device.did)).toBeUndefined();
      registry.broken.clear();
      expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
      await service.accepted(sealed(device, api, {}, SCOPE));
    },
  );

  test.each(['get', 'clientOf', 'link'] as const)(
    'the store of clients, at %s: nothing is registered',
    async (name) => {
      const world = new World();
      const store = breakable(world.clients);
      const api = await world.agent('api');
      const service = await serve({ agent: api, clock: world.clock, clients: store });
      const device = await world.stranger('device');
      store.down.add(name);
      await service.refused(enrollment(device, api, ACME), '503 CLIENT_STORE_UNAVAILABLE');
      expect(world.registry.lookup(device.did)).toBeUndefined();
      store.down.clear();
      expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    },
  );

  const identityOf = async (agent: Agent) =>
    Identity.fromSeed((await agent.exportPKCS8()).slice(16), { maxVersion: 2 });

  function failing(registry: TrustRegistry, method: 'lookup' | 'register', throws = true) {
    const broken = new Set<string>([method]);
    const check = (name: string) => {
      if (broken.has(name)) throw new Error(`${name}: connection refused`);
    };
    return {
      broken,
      lookup(did: string) {
        check('lookup');
        return registry.lookup(did);
      },
      register(entry: Parameters<TrustRegistry['register']>[0]) {
        if (!throws && broken.has('register')) return err(xlinkError('REGISTRATION_FAILED'));
        check('register');
        return registry.register(entry);
      },
      updateKeys: (keys: KeyRecord) => registry.updateKeys(keys),
    };
  }
});

describe('beside body parsers', () => {
  const behind =
    (...parsers: RequestHandler[]) =>
    ({ app, adapter, handler }: Parameters<NonNullable<Parameters<typeof serve>[0]['mount']>>[0]) => {
      for (const parser of parsers) app.use(parser);
      app.use(adapter.middleware());
      app.use(handler);
    };

  test.each([
    ['express.json in front, which leaves envelopes alone', express.json()],
    ['express.raw in front, which leaves the bytes', express.raw({ type: () => true })],
    ['express.text in front, which leaves the text', express.text({ type: () => true })],
  ])('%s', async (_, parser) => {
    const { world, api, service } = await made({ mount: behind(parser) });
    const device = await world.stranger('device');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  });

  test('a parser that keeps the bytes to itself: refused at once, with the fix in the log', async () => {
    const { world, api, service, refused } = await made({
      mount: behind(express.json({ type: () => true })),
    });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '500 BODY_CONSUMED', device);
    expect(service.of('fault')[0]?.error.hint).toContain('in front of the body parsers');
  });
});

describe('the discovery document', () => {
  const PATH = '/.well-known/xlink.json';

  test('says who the API is and what it takes, to anybody', async () => {
    const { api, service } = await made({ mode: 'deprecation' });
    const answer = await service.send({ path: PATH });
    expect([answer.status, jsonOf(answer)]).toEqual([
      200,
      {
        did: api.did,
        name: 'api',
        keyRecord: await api.keyRecord(),
        versions: [1, 2, 3],
        mode: 'deprecation',
        endpoints: { enroll: '/.well-known/xlink/enroll', key: '/.well-known/xlink/key' },
      },
    ]);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'max-age=60',
    });
    await service.quiet();
    expect([service.calls, service.validated, service.of('request')]).toEqual([[], [], []]);
  });

  test('HEAD has the headers and no body', async () => {
    const { service } = await made();
    const { status, headers, text } = await service.send({ method: 'HEAD', path: PATH });
    expect([status, text]).toEqual([200, '']);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'max-age=60' });
  });

  test('without clients there is nothing to enroll; without a name there is none', async () => {
    const world = new World();
    const api = new Agent({
      identity: await Identity.fromSeed(new Uint8Array(32).fill(7), { maxVersion: 1 }),
      registry: world.registry,
      clock: world.clock,
    });
    const service = await serve({ agent: api, clock: world.clock });
    expect(jsonOf(await service.send({ path: PATH }))).toEqual({
      did: api.did,
      keyRecord: await api.keyRecord(),
      versions: [1],
      mode: 'hybrid',
      endpoints: {},
    });
  });

  test.each([
    [1, 1, [1]],
    [2, 1, [1, 2]],
    [2, 2, [2]],
    [3, 2, [2, 3]],
    [3, 3, [3]],
  ] as [Version, Version, Version[]][])(
    'versions up to %i from %i on are %j',
    async (maxVersion, minVersion, versions) => {
      const { service } = await made({}, { maxVersion, minVersion, postQuantumSig: maxVersion === 3 });
      expect(jsonOf(await service.send({ path: PATH })).versions).toEqual(versions);
    },
  );

  test('follows the mode at once', async () => {
    const { service } = await made();
    service.adapter.setMode('xlink-only');
    expect(jsonOf(await service.send({ path: `${PATH}?now` })).mode).toBe('xlink-only');
  });

  test('the key record is the one that the DID signed', async () => {
    const { api, service } = await made();
    const { keyRecord } = jsonOf(await service.send({ path: PATH })) as { keyRecord: KeyRecord };
    const identity = await Identity.fromSeed((await api.exportPKCS8()).slice(16), { postQuantumSig: true });
    expect(keyRecord).toEqual(await createKeyRecord(identity, { epoch: keyRecord.epoch }));
  });

  test.each([
    ['POST', PATH],
    ['GET', ENROLL_PATH],
    ['PUT', ENROLL_PATH],
    ['DELETE', ENROLL_PATH],
    ['GET', '/.well-known/xlink'],
    ['GET', '/.well-known/xlink/'],
    ['GET', '/.well-known/xlink.json/'],
    ['GET', '/.well-known/xlink.jsonx'],
    ['POST', '/.well-known/xlink/enroll/'],
    ['POST', '/.well-known/xlink/enroll/x'],
    ['GET', '/.well-known/security.txt'],
    ['GET', '/api/.well-known/xlink.json'],
  ])('%s %s is left to the application', async (method, path) => {
    const { service } = await made();
    await service.refused({ method, path }, '401 CREDENTIALS_MISSING');
    expect((await service.accepted(withKey(ACME, { method, path }))).url).toBe(path);
  });

  test('without clients so is the path of enrollment', async () => {
    const { world, api } = await made();
    const service = await serve({ agent: api, clock: world.clock });
    await service.refused(enrollment(await world.stranger('device'), api, ACME), '400 CLEARTEXT_NOT_ALLOWED');
    expect((await service.accepted(withKey(ACME, { method: 'POST', path: ENROLL_PATH }))).url).toBe(
      ENROLL_PATH,
    );
  });
});

describe('a DID that is enrolled already', () => {
  const withoutKey = async (from: Agent, to: Agent) =>
    bodyForm(
      await enrollmentEnvelope(from, to, 'no key', { payload: { keyRecord: await from.keyRecord() } }),
      {
        path: ENROLL_PATH,
      },
    );

  test('is told what it was granted, without a key and with one that no longer counts', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const first = jsonOf(await service.send(enrollment(device, api, ACME)));
    expect(jsonOf(await service.send(withoutKey(device, api)))).toEqual(first);
    service.adapter.setMode('xlink-only');
    expect(jsonOf(await service.send(withoutKey(device, api)))).toEqual(first);
    expect(jsonOf(await service.send(enrollment(device, api, ACME)))).toEqual(first);
    expect(world.clients.get('acme')?.dids).toEqual([device.did]);
  });

  test('gets nothing more by asking, nothing once it is revoked, and nothing without its own signature', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await world.registry.updateScopes(device.did, { scopes: ['orders:read'] });
    expect(jsonOf(await service.send(withoutKey(device, api)))).toMatchObject({ scopes: ['orders:read'] });

    const forged = JSON.parse((await withoutKey(await world.stranger('thief'), api)).body as string);
    const stolen = bodyForm({ ...forged, from: device.did }, { path: ENROLL_PATH });
    await service.refused(stolen, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');

    await world.registry.revoke(device.did);
    await service.refused(withoutKey(device, api), '403 VERIFICATION_FAILED:DID_REVOKED');
  });

  test('cannot be kept from enrolling by forgers who use up its attempts', async () => {
    const { world, api, service } = await made({ enrollmentsPerMinute: 2 });
    const [device, thief] = [await world.stranger('device'), await world.stranger('thief')];
    await service.send(enrollment(device, api, ACME));
    for (let attempt = 0; attempt < 5; attempt++) {
      const forged = JSON.parse((await withoutKey(thief, api)).body as string);
      const stolen = bodyForm({ ...forged, from: device.did }, { path: ENROLL_PATH });
      await service.refused(stolen, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    }
    expect((await service.send(withoutKey(device, api))).status).toBe(200);
    await service.refused(withoutKey(device, api), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test('is the only one: a stranger without a key is refused before its signature is looked at', async () => {
    const { world, api, refused } = await made();
    const stranger = await world.stranger('stranger');
    const sent = await withoutKey(stranger, api);
    await refused(sent, '401 CREDENTIALS_MISSING', stranger);
    await refused(sent, '401 CREDENTIALS_MISSING', stranger); // and its nonce was not claimed
  });
});
