import { describe, expect, test } from '@jest/globals';
import { Agent, MemoryClientStore, requestBinding } from '@private.me/xlink';
import { ENROLL_PATH, ENROLL_SCOPE } from '../../../src/http/enrollment.js';
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

async function apiIn(world: World, setup: object) {
  const api = await world.agent('api');
  return { api, service: await world.serve({ agent: api, clock: world.clock, ...setup }) };
}

/** An API, and a device of acme that has enrolled and whose identity another one follows. */
async function made(setup: object = {}) {
  const world = new World();
  const clients = new MemoryClientStore();
  const { api, service } = await apiIn(world, { clients, ...setup });
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

  test('is revoked as a unit with those that took the place of its DIDs, also before they are seen', async () => {
    const { world, clients, service, api, device, old, next } = await made();
    unwrap(await device.succeedBy(next));
    const done = await service.adapter.revokeClient('acme', { reason: 'contract ended' });
    expect(done.dids).toEqual([old.did, next.did]);
    expect(world.registry.lookup(next.did)).toMatchObject({
      status: 'revoked',
      revocationReason: 'contract ended',
    });
    await service.refused(signed(device, api), '403 VERIFICATION_FAILED:DID_REVOKED');
    expect((await service.adapter.revokeClient('acme')).dids).toEqual([]);
    expect(await service.adapter.restoreClient('acme', { reactivate: [next.did] })).toEqual({
      client: 'acme',
      wasRevoked: true,
      reactivated: [next.did],
      unlinked: [old.did],
    });
    expect((await service.accepted(signed(device, api))).auth).toMatchObject({ client: 'acme' });
    expect(clients.get('acme')?.dids).toEqual([next.did]);
  });

  test('is refused at once where the registry cannot revoke, whichever of its DIDs it uses', async () => {
    const { world, service, api, device, next } = await made();
    unwrap(await device.succeedBy(next));
    world.registry.revoke = async () => {
      throw new Error('connection refused');
    };
    await expect(service.adapter.revokeClient('acme')).rejects.toMatchObject({ id: 'REVOCATION_INCOMPLETE' });
    await service.refused(signed(device, api), '403 CLIENT_REVOKED');
  });

  test('ends with the successor of a DID that was revoked before', async () => {
    const { world, service, device, old, next } = await made();
    unwrap(await device.succeedBy(next));
    unwrap(await world.registry.revoke(old.did, { reason: 'file was stolen' }));
    expect((await service.adapter.revokeClient('acme', { reason: 'contract ended' })).dids).toEqual([
      next.did,
    ]);
    expect([old, next].map(({ did }) => world.registry.lookup(did)?.revocationReason)).toEqual([
      'file was stolen',
      'contract ended',
    ]);
  });

  test('is enrolled as long as its old identity was, and renews that as before', async () => {
    const { world, clients, service, api, device, old, next } = await made({ enrollmentValidMs: HOUR });
    const end = world.clock() + HOUR;
    unwrap(await device.succeedBy(next));
    world.clock.advance(HOUR - 1);
    await service.accepted(signed(device, api));
    expect(clients.get('acme')?.validUntil).toEqual({ [old.did]: end, [next.did]: end });
    world.clock.advance(1);
    await service.refused(signed(device, api), '403 ENROLLMENT_EXPIRED');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.accepted(signed(device, api));
  });

  test('that is seen for the first time after its enrollment has ended is refused', async () => {
    const { world, service, api, device, next } = await made({ enrollmentValidMs: HOUR });
    unwrap(await device.succeedBy(next));
    world.clock.advance(HOUR);
    await service.refused(signed(device, api), '403 ENROLLMENT_EXPIRED');
    await service.refused(
      signed(device, api, { method: 'DELETE', path: KEY_PATH }, KEY_SCOPE),
      '403 ENROLLMENT_EXPIRED',
    );
  });

  test.each([
    ['with the store of clients', { clients: new MemoryClientStore() }],
    ['without', { clients: undefined }],
  ])('has no more nonces than before, %s', async (_, setup) => {
    const world = new World();
    const caller = await world.agent('caller');
    const { service, api } = await apiIn(world, { maxNoncesPerClient: 2, ...setup });
    await service.accepted(signed(caller, api));
    unwrap(await caller.succeedBy(await identityOf('caller, next')));
    await service.accepted(signed(caller, api));
    await service.refused(signed(caller, api), '429 NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA');
  });

  test('keeps its client when the old identity is unlinked', async () => {
    const { clients, world, service, api, device, old, next } = await made();
    unwrap(await device.succeedBy(next));
    expect(await service.adapter.unlink(old.did)).toBe('acme');
    expect([old, next].map(({ did }) => world.registry.lookup(did)?.status)).toEqual(['revoked', 'active']);
    expect(clients.get('acme')?.dids).toEqual([next.did]);
    expect((await service.accepted(signed(device, api))).auth).toMatchObject({ client: 'acme' });
  });

  test('is a client of its own once its present identity is unlinked and kept', async () => {
    const { clients, service, api, device, old, next } = await made();
    unwrap(await device.succeedBy(next));
    await service.accepted(signed(device, api));
    await service.adapter.unlink(next.did, { keep: true });
    expect((await service.accepted(signed(device, api))).auth).toMatchObject({ client: old.did });
    expect(clients.get('acme')?.dids).toEqual([]);
  });

  test('is nobody known while the store of clients is down, and itself again afterwards', async () => {
    const store = breakable(new MemoryClientStore());
    const parts = await made({ clients: store });
    const { service, api, device, next } = parts;
    unwrap(await device.succeedBy(next));
    for (const name of ['standingOf', 'link'] as const) store.down.add(name);
    expect((await service.accepted(signed(device, api))).auth).not.toHaveProperty('client');
    store.down.clear();
    expect((await service.accepted(signed(device, api))).auth).toMatchObject({ client: 'acme' });
  });
});

describe('an API whose identity is being rotated', () => {
  /** An instance that holds both identities; nothing is succeeded yet. */
  async function rotating() {
    const world = new World();
    await world.agent('api');
    const [identity, successor] = [await identityOf('api'), await identityOf('api, next')];
    const { registry, clock, clients } = world;
    const api = new Agent({ identity, successor, registry, clock });
    const service = await world.serve({ agent: api, clock, clients });
    /** What a caller seals to that knows the old DID, or has followed. */
    const addressed = (did: string) => ({ did }) as Agent;
    return { world, api, service, successor, old: addressed(identity.did), next: addressed(successor.did) };
  }

  test('enrolls new callers at every step, whichever of its DIDs they know', async () => {
    const { world, api, service, successor, old, next } = await rotating();
    let count = 0;
    const enrolls = async (to: Agent) => {
      const device = await world.stranger(`device ${count++}`);
      await service.refused(enrollment(device, to, 'wrong-key'), '401 API_KEY_INVALID');
      const answer = await service.send(enrollment(device, to, ACME));
      expect([answer.status, problemOf(answer)]).toEqual([200, expect.objectContaining({ client: 'acme' })]);
      return device;
    };
    for (const to of [old, next]) await enrolls(to);
    unwrap(await api.succeedBy(successor, { overlapMs: HOUR }));
    for (const to of [old, next]) {
      const device = await enrolls(to);
      expect((await service.send(enrollment(device, to, ACME))).status).toBe(200); // once more
      expect((await service.accepted(signed(device, api))).auth).toMatchObject({ client: 'acme' });
    }
  });

  test('an introduction to it is good once, and for no other DID', async () => {
    const { world, service, old, next } = await rotating();
    const device = await world.stranger('device');
    for (const to of [old, next]) {
      const sent = await enrollment(device, to, ACME);
      expect((await service.send(sent)).status).toBe(200);
      await service.refused(sent, '409 REPLAY_DETECTED');
    }
    await service.refused(enrollment(device, device, ACME), '401 RECIPIENT_MISMATCH');
  });

  test('lets callers end themselves and switch their keys, whichever of its DIDs they know', async () => {
    const { world, api, service, successor, old, next } = await rotating();
    for (const name of ['before', 'after']) {
      for (const to of name === 'before' ? [old] : [old, next]) {
        const device = await world.stranger(`${name} ${to.did}`);
        expect((await service.send(enrollment(device, to, ACME))).status).toBe(200);
        for (const method of ['DELETE', 'PUT']) {
          const key = signed(device, to, { method, path: KEY_PATH }, KEY_SCOPE);
          expect((await service.send(key)).status).toBe(200);
        }
        const end = signed(device, to, { method: 'DELETE', path: ENROLL_PATH }, ENROLL_SCOPE);
        expect((await service.send(end)).status).toBe(200);
        expect(world.registry.lookup(device.did)?.status).toBe('revoked');
      }
      if (name === 'before') unwrap(await api.succeedBy(successor, { overlapMs: HOUR }));
    }
  });
});
