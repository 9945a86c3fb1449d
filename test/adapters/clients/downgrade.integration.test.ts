import { describe, expect, test } from '@jest/globals';
import type { ClientStore } from '@private.me/xlink';
import { ACME, ACME_TOO, BOLT, NAMELESS, type RefusalText } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, sealed, withKey } from '../requests.js';

const SCOPE = { scope: 'orders:read' };

/** An API, and a device of the client acme that has enrolled and, unless told otherwise, worked on xLink. */
async function made(setup: object = {}, { used = true } = {}) {
  const world = new World();
  const api = await world.agent('api');
  const device = await world.stranger('device');
  const store = breakable(world.clients);
  const service = await world.serve({ agent: api, clock: world.clock, clients: store, ...setup });
  expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  const byEnvelope = () => service.accepted(sealed(device, api, {}, SCOPE));
  if (used) await byEnvelope();
  await service.quiet();
  await service.adapter.close();
  return { world, api, device, store, service, byEnvelope };
}

describe('a client that works on xLink and uses its key again', () => {
  test('by default it is let in and reported', async () => {
    const { service } = await made();
    await service.accepted(withKey(ACME));
    expect(service.of('downgrade')).toEqual([{ type: 'downgrade', client: 'acme', refused: false }]);
  });

  test('report: so is every use of every key of the client', async () => {
    const { service } = await made({ onDowngrade: 'report' });
    await service.accepted(withKey(ACME));
    await service.accepted(withKey(ACME_TOO));
    await service.accepted(withKey(BOLT));
    expect(service.of('downgrade')).toHaveLength(2);
  });

  test('accept: it is let in, and nobody is told', async () => {
    const { service } = await made({ onDowngrade: 'accept' });
    await service.accepted(withKey(ACME));
    expect(service.of('downgrade')).toEqual([]);
  });

  test('refuse: none of its keys is taken any more, those of others are', async () => {
    const migrationUrl = 'https://api.example.com/migrate';
    const { service, byEnvelope } = await made({ onDowngrade: 'refuse', deprecation: { migrationUrl } });
    for (const key of [ACME, ACME_TOO]) {
      const { headers } = await service.refused(withKey(key), '401 API_KEY_LATCHED');
      expect(headers['x-migration-url']).toBe(migrationUrl);
      expect(headers['www-authenticate']).toContain('Xlink realm="api", error="API_KEY_LATCHED"');
    }
    expect(service.of('downgrade')).toEqual(
      Array(2).fill({ type: 'downgrade', client: 'acme', refused: true }),
    );
    await service.accepted(withKey(BOLT));
    await service.accepted(withKey(NAMELESS));
    expect((await byEnvelope()).auth).toMatchObject({ client: 'acme' });
  });

  test('refuse: a stolen key enrolls nothing either', async () => {
    const { service, api, world } = await made({ onDowngrade: 'refuse' });
    const thief = await world.stranger('thief');
    await service.refused(enrollment(thief, api, ACME), '401 API_KEY_LATCHED');
    expect(world.registry.lookup(thief.did)).toBeUndefined();
  });

  test('refuse: it holds for another instance on the same store, and after a restart', async () => {
    const { world, api } = await made({ onDowngrade: 'refuse' });
    const other = await world.serve({
      agent: api,
      clock: world.clock,
      clients: world.clients,
      onDowngrade: 'refuse',
    });
    await other.refused(withKey(ACME), '401 API_KEY_LATCHED');
  });

  test('enrolled but not yet seen on xLink is no downgrade', async () => {
    const { service } = await made({ onDowngrade: 'refuse' }, { used: false });
    await service.accepted(withKey(ACME));
    expect(service.of('downgrade')).toEqual([]);
  });

  test('back in observe mode keys are all there is: nobody is locked out, nothing is reported', async () => {
    const { service, device, api } = await made({ onDowngrade: 'refuse' });
    await service.refused(withKey(ACME), '401 API_KEY_LATCHED');
    service.adapter.setMode('observe', 'something is wrong');
    await service.accepted(withKey(ACME));
    await service.refused(sealed(device, api, {}, SCOPE), '415 XLINK_NOT_SUPPORTED');
    expect(service.of('downgrade')).toHaveLength(1);
    service.adapter.setMode('hybrid');
    await service.refused(withKey(ACME), '401 API_KEY_LATCHED');
  });

  test('a failed envelope does not latch', async () => {
    const { service, device, api } = await made({ onDowngrade: 'refuse' }, { used: false });
    await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    await service.quiet();
    await service.adapter.close();
    await service.accepted(withKey(ACME));
  });

  test.each([null, 'latch', true])('onDowngrade: %j is refused', async (onDowngrade) => {
    expect(await optionRefusedBy(() => made({ onDowngrade }))).toBe('onDowngrade');
  });
});

describe('while the store of clients is down', () => {
  const DOWN: RefusalText = '503 CLIENT_STORE_UNAVAILABLE';
  const all: (keyof ClientStore)[] = [
    'get',
    'list',
    'clientOf',
    'standingOf',
    'link',
    'unlink',
    'add',
    'setKeyOff',
    'setRevoked',
  ];

  test('keys are refused, for nobody can tell whether they still count; the log says why', async () => {
    const { service, store } = await made();
    for (const name of all) store.down.add(name);
    const { headers, text } = await service.refused(withKey(ACME), DOWN);
    expect(headers['www-authenticate']).toBeUndefined();
    expect(text).not.toContain('connection refused');
    const [fault] = service.of('fault');
    expect(fault?.error.id).toBe('CLIENT_STORE_UNAVAILABLE');
    expect(fault?.error.cause).toEqual(new Error('get: connection refused'));
  });

  test('a key without a client is refused likewise: an operator may have ended those', async () => {
    const { service, store } = await made();
    await service.accepted(withKey(NAMELESS));
    for (const name of all) store.down.add(name);
    await service.refused(withKey(NAMELESS), DOWN);
  });

  test('envelopes go on, for an unknown client rather than for another one', async () => {
    const { service, store, byEnvelope, device } = await made();
    for (const name of all) store.down.add(name);
    const { auth } = await byEnvelope();
    expect(auth).toMatchObject({ mode: 'xlink', did: device.did });
    expect(auth).not.toHaveProperty('client');
    expect(service.of('fault').map(({ error }) => error.id)).toEqual(['CLIENT_STORE_UNAVAILABLE']);
  });

  test('no client that is a DID stays behind when it is back', async () => {
    const { service, store, byEnvelope } = await made();
    store.down.add('standingOf');
    await byEnvelope();
    await service.quiet();
    store.down.clear();
    expect((await service.adapter.report()).clients.map(({ client }) => client)).toEqual(['acme']);
  });

  test('all is as before when it is back', async () => {
    const { service, store, byEnvelope } = await made({ onDowngrade: 'refuse' });
    for (const name of all) store.down.add(name);
    await service.refused(withKey(BOLT), DOWN);
    store.down.clear();
    await service.accepted(withKey(BOLT));
    await service.refused(withKey(ACME), '401 API_KEY_LATCHED');
    expect((await byEnvelope()).auth).toMatchObject({ client: 'acme' });
  });

  test('a store that only counts no more refuses nothing', async () => {
    const { service, store, byEnvelope } = await made();
    store.down.add('add');
    await service.accepted(withKey(BOLT));
    await byEnvelope();
    await service.quiet();
    await service.adapter.close();
    expect(service.of('fault')).toHaveLength(1);
    store.down.clear();
    const { clients } = await service.adapter.report();
    expect(
      clients.map(({ client, keyRequests, xlinkRequests }) => [client, keyRequests, xlinkRequests]),
    ).toEqual([
      ['acme', 0, 2],
      ['bolt', 1, 0],
    ]);
  });

  test('the report says so instead of showing an empty list', async () => {
    const { service, store } = await made();
    store.down.add('list');
    await expect(service.adapter.report()).rejects.toMatchObject({ id: 'CLIENT_STORE_UNAVAILABLE' });
  });
});
