import { describe, expect, test } from '@jest/globals';
import { Agent, MemoryClientStore, requestBinding } from '@private.me/xlink';
import { KEY_PATH, KEY_SCOPE } from '../../../src/http/own-routes.js';
import { identityOf } from '../../support/agents.js';
import { HOUR } from '../../support/clock.js';
import { problemOf } from '../../support/http.js';
import { ACME, BOLT } from '../../support/keys.js';
import { headerForm, type Sent } from '../../support/requests.js';
import { unwrap } from '../../support/results.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment } from '../requests.js';

/** A request of an agent, signed only. */
async function signed(from: Agent, api: Agent, sent: Sent = {}, scope = '*'): Promise<Sent> {
  const { method = 'GET', path = '/orders' } = sent;
  const request = requestBinding(method, path);
  return headerForm(await from.createRequest({ to: api.did, signedOnly: true, request, scope }), sent);
}

/** An API, and a device of acme that has enrolled and whose identity another one follows. */
async function made(setup: object = {}) {
  const world = new World();
  const api = await world.agent('api');
  const clients = new MemoryClientStore();
  const service = await world.serve({ agent: api, clock: world.clock, clients, ...setup });
  const device = await world.stranger('device');
  expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  const [old, next] = [await identityOf('device'), await identityOf('device, next')];
  const known = new Agent({
    identity: old,
    registry: world.registry,
    clock: world.clock,
  });
  return { world, api, clients, service, old, next, device: known };
}

const rowsOf = async ({ service }: Awaited<ReturnType<typeof made>>) =>
  (await service.adapter.report()).clients.map(({ client, dids, xlinkRequests }) => [
    client,
    dids,
    xlinkRequests,
  ]);

describe('a client that rotated its identity', () => {
  test('is the same client: its mode, its rights and its row in the report follow', async () => {
    const parts = await made();
    const { service, api, device, old, next } = parts;
    service.adapter.setMode('xlink-only', 'ahead of the others', { client: 'acme' });
    service.adapter.setMode('observe');
    const before = await service.accepted(signed(device, api));
    unwrap(await device.succeedBy(next));
    const after = await service.accepted(signed(device, api));
    const { scopes } = before.auth as { scopes: string[] };
    expect([before.auth, after.auth]).toMatchObject([
      { did: old.did, client: 'acme' },
      { did: next.did, client: 'acme', scopes },
    ]);
    await service.quiet();
    expect(await rowsOf(parts)).toEqual([['acme', [old.did, next.did], 2]]);
  });

  test('that was never enrolled keeps the name it had: its first DID', async () => {
    const parts = await made();
    const { world, service, api } = parts;
    const caller = await world.agent('caller');
    const first = caller.did;
    for (const name of ['caller, second', 'caller, third', undefined]) {
      const { auth } = await service.accepted(signed(caller, api));
      expect(auth).toMatchObject({ client: first, did: caller.did });
      if (name) unwrap(await caller.succeedBy(await identityOf(name)));
    }
    await service.quiet();
    expect(await rowsOf(parts)).toEqual(expect.arrayContaining([[first, [], 3]]));
  });

  test('may switch its key off with the first request of the new identity', async () => {
    const { service, api, device, next } = await made();
    unwrap(await device.succeedBy(next));
    const answer = await service.send(signed(device, api, { method: 'DELETE', path: KEY_PATH }, KEY_SCOPE));
    expect([answer.status, problemOf(answer)]).toEqual([
      200,
      expect.objectContaining({ client: 'acme', key: 'off' }),
    ]);
  });

  test('cannot be enrolled for another client', async () => {
    const { world, service, api, device, next } = await made();
    unwrap(await device.succeedBy(next));
    await service.refused(enrollment(device, api, BOLT), '409 ENROLLMENT_REFUSED:TAKEN');
    const again = await service.send(enrollment(device, api, ACME));
    expect([again.status, problemOf(again)]).toEqual([
      200,
      expect.objectContaining({
        client: 'acme',
        did: next.did,
        scopes: world.registry.lookup(next.did)?.sendScopes,
      }),
    ]);
  });

  test('is refused under the old identity after the overlap, with an error that says so', async () => {
    const { world, service, api, device, old, next } = await made();
    unwrap(await device.succeedBy(next, { overlapMs: HOUR }));
    const { registry, clock } = world;
    const before = new Agent({ identity: old, registry, clock });
    clock.advance(HOUR);
    await service.accepted(signed(before, api));
    clock.advance(1);
    await service.refused(signed(before, api), '403 VERIFICATION_FAILED:DID_SUCCEEDED');
    await service.accepted(signed(device, api));
  });

  test('is nobody known while the store of clients is down, and itself again afterwards', async () => {
    const store = breakable(new MemoryClientStore());
    const parts = await made({ clients: store });
    const { service, api, device, next } = parts;
    unwrap(await device.succeedBy(next));
    for (const name of ['clientOf', 'link'] as const) store.down.add(name);
    expect((await service.accepted(signed(device, api))).auth).not.toHaveProperty('client');
    store.down.clear();
    expect((await service.accepted(signed(device, api))).auth).toMatchObject({ client: 'acme' });
  });
});
