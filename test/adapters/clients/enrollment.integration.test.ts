import { describe, expect, test } from '@jest/globals';
import { ANSWER_TYPE, type Version } from '@private.me/xlink';
import { ENROLL_PATH } from '../../../src/http/enrollment.js';
import { headOf, openedAnswer } from '../../support/answers.js';
import { SECOND } from '../../support/clock.js';
import { ACME, ACME_TOO, BOLT, bodyForm, CASK, expectNoSecrets, problemOf } from '../../support/http.js';
import { enrollment, enrollmentEnvelope, sealed, signed } from '../requests.js';
import { made } from './enrollment-support.js';

const SCOPE = { scope: 'orders:read' };
const SCOPES = ['orders:read', 'orders:write'];

describe('enrollment', () => {
  test.each([1, 2, 3] as Version[])('of a version %i identity, and its first request', async (version) => {
    const { world, api, service } = await made();
    const device = await world.stranger('device', version);
    await service.refused(sealed(device, api, {}, SCOPE), '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');

    const answer = await service.send(enrollment(device, api, ACME));
    expect([answer.status, problemOf(answer)]).toEqual([
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
      revision: 1,
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
    expectNoSecrets(service, JSON.stringify(answer));
  });

  test('the API can answer an enrolled caller: it has its keys', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device', 3);
    await service.send(enrollment(device, api, ACME));
    const request = 'POST /orders';
    const envelope = await device.createRequest({ to: api.did, payload: { item: 'tea' }, request });
    const { bytes } = await service.send(bodyForm(envelope, { headers: { accept: ANSWER_TYPE } }));
    const inReplyTo = envelope.nonce;
    expect(headOf(bytes)).toMatchObject({
      kind: 'answer',
      version: 3,
      to: device.did,
      request,
      inReplyTo,
    });
    const opened = await openedAnswer(device, bytes, { inReplyTo, request });
    expect(opened).toMatchObject({ status: 200, text: '{"ok":true}' });
  });

  test.each([
    ['does not mention any', BOLT, 'bolt'],
    ['has an empty list', CASK, 'cask'],
  ])('a key that %s gives no scope', async (_, key, client) => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const answer = await service.send(enrollment(device, api, key));
    expect(problemOf(answer)).toEqual({ did: device.did, client, scopes: [] });
    expect(world.registry.lookup(device.did)?.sendScopes).toEqual([]);
    await service.refused(sealed(device, api, {}, SCOPE), '403 SCOPE_DENIED');
    expect((await service.accepted(sealed(device, api))).auth).toMatchObject({ client, scopes: [] });
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
    expect(problemOf(answer)).toEqual({ did: device.did, client: 'acme-eu', scopes: ['a', 'b'] });
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
    expect(problemOf(answer).client).toBe(client);
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
    expect(problemOf(await service.send(enrollment(device, api, ACME))).scopes).toEqual(['orders:read']);
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
    expect(problemOf(answer)).toEqual({ did: device.did, client: 'acme', scopes: ['refunds'] });
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
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.accepted(sealed(device, api, {}, SCOPE));
    expect((await service.accepted(sealed(device, api))).auth).toMatchObject({ scopes: ['orders:read'] });
    await service.refused(sealed(device, api, {}, { scope: 'orders:write' }), '403 SCOPE_NOT_ALLOWED');
  });

  test('of an old identity by an API that is ahead: let in, and told at the first request', async () => {
    const { world, api, service } = await made({}, { minVersion: 3 });
    const [old, fresh] = [await world.stranger('old', 1), await world.stranger('fresh', 3)];
    for (const device of [old, fresh])
      expect((await service.send(enrollment(device, api, BOLT))).status).toBe(200);
    await service.accepted(sealed(fresh, api));
    const envelope = await old.createRequest({ to: api.did, payload: 1, request: 'POST /orders' });
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
