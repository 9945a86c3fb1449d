import { describe, expect, test } from '@jest/globals';
import { type Agent, requestBinding } from '@private.me/xlink';
import { KEY_PATH } from '../../../src/http/own-routes.js';
import { HOUR, MINUTE } from '../../support/clock.js';
import { ACME, ACME_TOO, BOLT, problemOf } from '../../support/http.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, headerForm, sealed, signed, withKey } from '../requests.js';

const SCOPE = { scope: 'orders:read' };
/** The scope of the route itself, which needs no grant. */
const OF_KEY = { scope: 'xlink:key' };
const DELETE = { method: 'DELETE', path: KEY_PATH };
const PUT = { method: 'PUT', path: KEY_PATH };

/** Two instances of an API on the same stores, and a device of acme that has enrolled. */
async function made(setup: object = {}) {
  const world = new World();
  const store = breakable(world.clients);
  const api = await world.agent('api');
  const options = { agent: api, clock: world.clock, clients: store, keySwitchGraceMs: HOUR, ...setup };
  const [service, other] = [await world.serve(options), await world.serve(options)];
  const device = await world.stranger('device');
  expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  const toggle = async (sent: object, from: Agent = device) => signed(from, api, sent, OF_KEY);
  return { world, clock: world.clock, api, device, service, other, store, toggle };
}

describe('a client switches its own key off', () => {
  test('all its keys are off on every instance; its envelopes and the keys of others are not', async () => {
    const { world, api, device, service, other, toggle } = await made();
    const answer = await service.send(toggle(DELETE));
    expect([answer.status, problemOf(answer)]).toEqual([
      200,
      { client: 'acme', key: 'off', canBeSwitchedOnUntil: '2025-01-01T13:00:00.000Z' },
    ]);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    for (const instance of [service, other]) {
      await instance.refused(withKey(ACME), '401 API_KEY_SWITCHED_OFF');
      await instance.refused(withKey(ACME_TOO), '401 API_KEY_SWITCHED_OFF');
      await instance.accepted(withKey(BOLT));
      expect((await instance.accepted(sealed(device, api, {}, SCOPE))).auth).toMatchObject({
        client: 'acme',
      });
    }
    expect(world.clients.get('acme')?.keyOffSince).toBe(world.clock());
    expect(service.calls.some(({ url }) => url === KEY_PATH)).toBe(false);
  });

  test('and on again within the grace time', async () => {
    const { service, other, clock, toggle } = await made();
    await service.send(toggle(DELETE));
    clock.advance(HOUR);
    const answer = await other.send(toggle(PUT));
    expect([answer.status, problemOf(answer)]).toEqual([200, { client: 'acme', key: 'on' }]);
    for (const instance of [service, other]) await instance.accepted(withKey(ACME));
  });

  test('after the grace time it stays off', async () => {
    const { service, other, clock, toggle } = await made();
    await service.send(toggle(DELETE));
    clock.advance(HOUR + 1);
    await other.refused(toggle(PUT), '403 KEY_SWITCH_REFUSED');
    for (const instance of [service, other])
      await instance.refused(withKey(ACME), '401 API_KEY_SWITCHED_OFF');
  });

  test('doing it again changes nothing: the grace time does not start anew', async () => {
    const { service, other, clock, toggle } = await made();
    const first = problemOf(await service.send(toggle(DELETE)));
    clock.advance(HOUR - MINUTE);
    expect(problemOf(await other.send(toggle(DELETE)))).toEqual(first);
    clock.advance(2 * MINUTE);
    await service.refused(toggle(PUT), '403 KEY_SWITCH_REFUSED');
    expect(problemOf(await service.send(toggle(DELETE)))).toEqual(first);
  });

  test('on that is on stays on', async () => {
    const { service, world, toggle } = await made();
    for (let i = 0; i < 2; i++)
      expect(problemOf(await service.send(toggle(PUT)))).toEqual({ client: 'acme', key: 'on' });
    expect(world.clients.get('acme')).not.toHaveProperty('keyOffSince');
    await service.accepted(withKey(ACME));
  });

  test('a grace time of zero is over with the next millisecond', async () => {
    const { service, clock, toggle } = await made({ keySwitchGraceMs: 0 });
    await service.send(toggle(DELETE));
    expect((await service.send(toggle(PUT))).status).toBe(200);
    await service.send(toggle(DELETE));
    clock.advance(1);
    await service.refused(toggle(PUT), '403 KEY_SWITCH_REFUSED');
  });

  test('the envelope may also be a sealed body', async () => {
    const { service, api, device } = await made();
    expect((await service.send(sealed(device, api, PUT, OF_KEY))).status).toBe(200);
    expect((await service.send(sealed(device, api, DELETE, OF_KEY))).status).toBe(200);
    await service.refused(withKey(ACME), '401 API_KEY_SWITCHED_OFF');
  });

  test.each(['observe', 'deprecation', 'xlink-only'] as const)('it may in %s mode, too', async (mode) => {
    const { service, toggle } = await made();
    service.adapter.setMode(mode);
    expect((await service.send(toggle(DELETE))).status).toBe(200);
    expect((await service.send(toggle(PUT))).status).toBe(200);
  });

  test('the switched-off key enrolls nothing', async () => {
    const { service, api, world, toggle } = await made();
    await service.send(toggle(DELETE));
    const thief = await world.stranger('thief');
    await service.refused(enrollment(thief, api, ACME), '401 API_KEY_SWITCHED_OFF');
    expect(world.clients.clientOf(thief.did)).toBeUndefined();
  });
});

describe.each([
  ['DELETE', DELETE],
  ['PUT', PUT],
])('refused: %s', (_, sent) => {
  test('with an API key alone, which would let a thief lock the client out', async () => {
    const { service, world } = await made();
    await service.refused(withKey(ACME, sent), '401 CREDENTIALS_MISSING');
    expect(service.validated).toEqual([ACME, ACME]); // before and after the body of the enrollment
    expect(world.clients.get('acme')).not.toHaveProperty('keyOffSince');
  });

  test('with nothing', async () => {
    const { service } = await made();
    await service.refused(sent, '401 CREDENTIALS_MISSING');
  });

  test('from a DID that is known and not enrolled', async () => {
    const { service, world, toggle } = await made();
    await service.refused(toggle(sent, await world.agent('caller')), '404 ENROLLMENT_REFUSED:NOT_ENROLLED');
  });

  test('from a DID nobody knows', async () => {
    const { service, world, toggle } = await made();
    const stranger = toggle(sent, await world.stranger('nobody'));
    await service.refused(stranger, '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
  });

  test('from a DID that was revoked', async () => {
    const { service, world, device, toggle } = await made();
    const made_ = await toggle(sent);
    await world.registry.revoke(device.did);
    await service.refused(made_, '403 VERIFICATION_FAILED:DID_REVOKED');
  });

  test('a second time with the same envelope', async () => {
    const { service, toggle } = await made();
    const once = await toggle(sent);
    expect((await service.send(once)).status).toBe(200);
    await service.refused(once, '409 REPLAY_DETECTED');
  });

  test('with the envelope of another request', async () => {
    const { service, world, api, device } = await made();
    const { headers = {} } = await signed(device, api, {}, OF_KEY);
    await service.refused({ ...sent, headers }, '401 REQUEST_BINDING_MISMATCH');
    const opposite = await signed(device, api, sent.method === 'PUT' ? DELETE : PUT, OF_KEY);
    await service.refused({ ...sent, headers: opposite.headers! }, '401 REQUEST_BINDING_MISMATCH');
    expect(world.clients.get('acme')).not.toHaveProperty('keyOffSince');
  });

  test('with an envelope for no request in particular, even if the API takes such', async () => {
    const { service, api, device } = await made({ requireRequestBinding: false });
    const unbound = await device.createEnvelope({ to: api.did, signedOnly: true, ...SCOPE });
    await service.refused(headerForm(unbound, sent), '400 KIND_NOT_ACCEPTED');
  });

  test('with a message for this very request', async () => {
    const { service, world, api, device } = await made();
    const request = requestBinding(sent.method, KEY_PATH);
    const message = await device.createEnvelope({ to: api.did, signedOnly: true, request, ...SCOPE });
    await service.refused(headerForm(message, sent), '400 KIND_NOT_ACCEPTED');
    expect(world.clients.get('acme')).not.toHaveProperty('keyOffSince');
  });

  test.each(['orders:read', 'refunds', '*', 'xlink:enroll', 'xlink:key2'])(
    'with the scope %s, which is not that of the route, granted or not',
    async (scope) => {
      const { service, world, api, device } = await made();
      await service.refused(signed(device, api, sent, { scope }), '403 SCOPE_NOT_ALLOWED');
      expect(world.clients.get('acme')).not.toHaveProperty('keyOffSince');
    },
  );

  test('elsewhere: the scope of the route is good for nothing else', async () => {
    const { service, api, device } = await made();
    await service.refused(signed(device, api, {}, OF_KEY), '403 SCOPE_NOT_ALLOWED');
    await service.refused(sealed(device, api, {}, OF_KEY), '403 SCOPE_NOT_ALLOWED');
  });

  test('while the store is down', async () => {
    const { service, store, toggle } = await made();
    store.down.add('clientOf');
    await service.refused(toggle(sent), '503 CLIENT_STORE_UNAVAILABLE');
  });
});

test('a switch that could not be written is not confirmed', async () => {
  const { service, store, toggle } = await made();
  store.down.add('setKeyOff');
  await service.refused(toggle(DELETE), '503 CLIENT_STORE_UNAVAILABLE');
  await service.accepted(withKey(ACME));
});

test('other methods, and an adapter without clients, leave the path to the application', async () => {
  const { service, api, device, world } = await made();
  await service.accepted(withKey(ACME, { path: KEY_PATH }));
  await service.refused({ path: KEY_PATH }, '401 CREDENTIALS_MISSING');
  const plain = await world.serve({ agent: api, clock: world.clock });
  const { url } = await plain.accepted(signed(device, api, DELETE, SCOPE));
  expect(url).toBe(KEY_PATH);
});
