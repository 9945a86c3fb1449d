import { describe, expect, test } from '@jest/globals';
import { type ManagedTrustRegistry, requestBinding, type TrustRegistry } from '@private.me/xlink';
import { ENROLL_PATH } from '../../../src/http/enrollment.js';
import { MINUTE } from '../../support/clock.js';
import { ACME, ACME_TOO, BOLT, bodyForm, problemOf } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, headerForm, sealed, signed, withKey } from '../requests.js';

const SCOPE = { scope: 'orders:read' };

/** Two instances of an API on the same stores; two devices of acme, and one of bolt. */
async function made(setup: object = {}) {
  const world = new World();
  const store = breakable(world.clients);
  const api = await world.agent('api');
  const options = { agent: api, clock: world.clock, clients: store, ...setup };
  const [service, other] = [await world.serve(options), await world.serve(options)];
  const enrolled = async (name: string, key: string) => {
    const device = await world.stranger(name);
    expect((await service.send(enrollment(device, api, key))).status).toBe(200);
    return device;
  };
  const [first, second] = [await enrolled('first', ACME), await enrolled('second', ACME_TOO)];
  const bolt = await enrolled('bolt', BOLT);
  await world.registry.updateScopes(bolt.did, { scopes: ['*'] });
  return { world, store, api, service, other, first, second, bolt };
}

describe('[A8] a client is revoked as a unit', () => {
  test('its keys and DIDs end on every instance; those of others go on', async () => {
    const { world, api, service, other, first, second, bolt } = await made();
    await service.accepted(sealed(first, api, {}, SCOPE));
    const done = await service.adapter.revokeClient('acme', { reason: 'contract ended' });
    expect(done).toEqual({
      client: 'acme',
      known: true,
      since: new Date(world.clock()).toISOString(),
      dids: [first.did, second.did],
    });
    for (const instance of [service, other]) {
      await instance.refused(withKey(ACME), '403 CLIENT_REVOKED');
      await instance.refused(withKey(ACME_TOO), '403 CLIENT_REVOKED');
      for (const device of [first, second])
        await instance.refused(sealed(device, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
      await instance.accepted(withKey(BOLT));
      await instance.accepted(sealed(bolt, api, {}, SCOPE));
    }
    expect(world.registry.lookup(first.did)).toMatchObject({
      status: 'revoked',
      revocationReason: 'contract ended',
    });
    expect(service.of('client-revocation')).toEqual([
      { type: 'client-revocation', client: 'acme', revoked: true, dids: 2, reason: 'contract ended' },
    ]);
    await service.quiet();
    const [acme] = (await service.adapter.report()).clients;
    expect(acme).toMatchObject({
      client: 'acme',
      state: 'revoked',
      safeToSwitch: true,
      revokedSince: done.since,
    });
  });

  test.each(['observe', 'hybrid', 'deprecation', 'xlink-only'] as const)(
    'its keys in mode %s',
    async (mode) => {
      const { service } = await made();
      await service.adapter.revokeClient('acme');
      service.adapter.setMode(mode);
      const refusal = mode === 'xlink-only' ? '401 XLINK_REQUIRED' : '403 CLIENT_REVOKED';
      await service.refused(withKey(ACME), refusal);
    },
  );

  test('a brownout does not tell it that its key works again soon', async () => {
    const { service, world } = await made({ mode: 'deprecation' });
    await service.adapter.revokeClient('acme');
    const now = world.clock();
    service.adapter.scheduleBrownout({ from: new Date(now), until: new Date(now + MINUTE) });
    await service.refused(withKey(ACME), '403 CLIENT_REVOKED');
    await service.refused(withKey(BOLT), '401 API_KEY_BROWNOUT');
  });

  test('it enrolls nothing any more, by a key or by an identity that it has', async () => {
    const { world, api, service, other, first } = await made();
    await service.adapter.revokeClient('acme');
    const fresh = await world.stranger('fresh');
    await other.refused(enrollment(fresh, api, ACME), '403 CLIENT_REVOKED');
    expect([world.registry.lookup(fresh.did), world.clients.clientOf(fresh.did)]).toEqual([
      undefined,
      undefined,
    ]);
    const again = await first.createIntroduction({
      to: api.did,
      scope: 'xlink:enroll',
      request: requestBinding('POST', ENROLL_PATH),
      payload: { keyRecord: await first.keyRecord() },
    });
    await other.refused(bodyForm(again, { path: ENROLL_PATH }), '403 CLIENT_REVOKED');
  });

  test('an enrollment that was under way ends with it', async () => {
    const { world, api, service } = await made();
    const { registry } = world;
    const register = registry.register.bind(registry);
    registry.register = async (...entry: unknown[]) => {
      await service.adapter.revokeClient('acme'); // between the link and the entry
      return register(...(entry as Parameters<typeof register>));
    };
    const fresh = await world.stranger('fresh');
    expect(problemOf(await service.send(enrollment(fresh, api, ACME)))).toMatchObject({
      code: 'CLIENT_REVOKED',
    });
    expect(registry.lookup(fresh.did)?.status).toBe('revoked');
  });

  test('while the registry fails the client is ended all the same, and the rest can be done later', async () => {
    const { world, api, service, other, first, second } = await made();
    const revoke = world.registry.revoke.bind(world.registry);
    world.registry.revoke = async (did, options) => {
      if (did === second.did) throw new Error('connection refused');
      return revoke(did, options);
    };
    await expect(service.adapter.revokeClient('acme')).rejects.toMatchObject({ id: 'REVOCATION_INCOMPLETE' });
    expect(world.registry.lookup(first.did)?.status).toBe('revoked');
    expect(world.registry.lookup(second.did)?.status).toBe('active');
    await other.refused(sealed(second, api, {}, SCOPE), '403 CLIENT_REVOKED');
    await other.refused(withKey(ACME), '403 CLIENT_REVOKED');
    world.registry.revoke = revoke;
    expect((await other.adapter.revokeClient('acme')).dids).toEqual([second.did]);
    expect((await other.adapter.revokeClient('acme')).dids).toEqual([]);
  });

  test('with a registry that cannot revoke, the operator is told, and the mark holds', async () => {
    const world = new World();
    const { registry: own } = world;
    const registry: TrustRegistry = {
      lookup: (did) => own.lookup(did),
      register: (entry) => own.register(entry),
      updateKeys: (keys) => own.updateKeys(keys),
    };
    const api = await world.agent('api', { registry });
    const service = await world.serve({ agent: api, clock: world.clock, clients: world.clients });
    const device = await world.stranger('device');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.accepted(sealed(device, api, {}, SCOPE));
    await expect(service.adapter.revokeClient('acme')).rejects.toMatchObject({ id: 'REVOCATION_INCOMPLETE' });
    await service.refused(sealed(device, api, {}, SCOPE), '403 CLIENT_REVOKED');
  });

  test('a client that nobody knows yet can be revoked, too', async () => {
    const { service, other } = await made();
    expect((await service.adapter.revokeClient('cask', { allowUnknown: true })).dids).toEqual([]);
    await other.refused(withKey('key-canary-cask-99e0d1'), '403 CLIENT_REVOKED');
  });

  test('while the store is down nothing is said to be done', async () => {
    const { world, service, store, first } = await made();
    store.down.add('setRevoked');
    await expect(service.adapter.revokeClient('acme')).rejects.toMatchObject({
      id: 'CLIENT_STORE_UNAVAILABLE',
    });
    expect(world.registry.lookup(first.did)?.status).toBe('active');
    store.down.add('get');
    await service.refused(withKey(ACME), '503 CLIENT_STORE_UNAVAILABLE');
  });

  test('what is no client, no reason, or no store is refused', async () => {
    const { world, service, api } = await made();
    const { adapter } = service;
    for (const wrong of [undefined, null, 5, {}])
      expect(await optionRefusedBy(() => adapter.revokeClient(wrong as never))).toBe('client');
    expect(await optionRefusedBy(() => adapter.revokeClient('acme', { reason: '' }))).toBe('reason');
    expect(await optionRefusedBy(() => adapter.revokeClient('acme', { why: 'x' } as never))).toBe('why');
    expect(await optionRefusedBy(() => adapter.restoreClient('acme', { reactivate: 'x' as never }))).toBe(
      'reactivate',
    );
    const bare = await world.serve({ agent: api, clock: world.clock });
    expect(await optionRefusedBy(() => bare.adapter.revokeClient('acme'))).toBe('clients');
    expect(await optionRefusedBy(() => bare.adapter.restoreClient('acme'))).toBe('clients');
    expect(await optionRefusedBy(() => bare.adapter.unlink('did:key:a'))).toBe('clients');
    expect(await optionRefusedBy(() => adapter.unlink('did:key:a', { keep: 1 as never }))).toBe('keep');
  });
});

describe('the way back', () => {
  test('keys count again; DIDs stay revoked and make room for new ones', async () => {
    const { world, api, service, other, first, second } = await made({ maxDidsPerClient: 2 });
    await service.adapter.revokeClient('acme');
    expect(await service.adapter.restoreClient('acme', { reactivate: [] })).toEqual({
      client: 'acme',
      wasRevoked: true,
      reactivated: [],
      unlinked: [first.did, second.did],
    });
    await other.accepted(withKey(ACME));
    await other.refused(sealed(first, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
    await other.refused(enrollment(first, api, ACME), '403 VERIFICATION_FAILED:DID_REVOKED');
    for (const name of ['third', 'fourth']) {
      const device = await world.stranger(name);
      expect((await other.send(enrollment(device, api, ACME))).status).toBe(200);
      await service.accepted(sealed(device, api, {}, SCOPE));
    }
  });

  test('DIDs that are named are active again, with the scopes that they had', async () => {
    const { api, service, other, first, second } = await made();
    const { dids } = await service.adapter.revokeClient('acme');
    expect(await other.adapter.restoreClient('acme', { reactivate: [dids[0]!] })).toEqual({
      client: 'acme',
      wasRevoked: true,
      reactivated: [first.did],
      unlinked: [second.did],
    });
    expect((await service.accepted(sealed(first, api, {}, SCOPE))).auth).toMatchObject({ client: 'acme' });
    const beyond = await service.send(sealed(first, api, {}, { scope: 'refunds' }));
    expect(problemOf(beyond)).toMatchObject({ status: 403, code: 'SCOPE_DENIED' });
    await service.refused(sealed(second, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
    expect(other.of('client-revocation')).toEqual([
      { type: 'client-revocation', client: 'acme', revoked: false, dids: 1 },
    ]);
  });

  test('if the registry fails on the way, the client stays revoked', async () => {
    const { world, service, first } = await made();
    await service.adapter.revokeClient('acme');
    const registry: ManagedTrustRegistry = world.registry;
    registry.add = async () => {
      throw new Error('connection refused');
    };
    await expect(service.adapter.restoreClient('acme', { reactivate: [first.did] })).rejects.toMatchObject({
      id: 'REGISTRATION_FAILED',
    });
    await service.refused(withKey(ACME), '403 CLIENT_REVOKED');
  });
});

describe('a DID is unlinked from its client', () => {
  const DELETE = { method: 'DELETE', path: ENROLL_PATH };

  test('by the operator: it is revoked, and there is room for another one', async () => {
    const { world, api, service, other, first, second } = await made({ maxDidsPerClient: 2 });
    const third = await world.stranger('third');
    await service.refused(enrollment(third, api, ACME), '409 ENROLLMENT_REFUSED:TOO_MANY');
    expect(await other.adapter.unlink(first.did, { reason: 'device lost' })).toBe('acme');
    expect(world.registry.lookup(first.did)).toMatchObject({
      status: 'revoked',
      revocationReason: 'device lost',
    });
    expect((await service.send(enrollment(third, api, ACME))).status).toBe(200);
    await service.accepted(sealed(second, api, {}, SCOPE));
    await service.refused(sealed(first, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
    expect(other.of('unlink')).toEqual([{ type: 'unlink', client: 'acme', did: first.did, by: 'operator' }]);
    await expect(other.adapter.unlink(first.did)).rejects.toMatchObject({
      id: 'ENROLLMENT_REFUSED:NOT_ENROLLED',
    });
  });

  test('and kept: it is a client of its own, and another one may enroll it', async () => {
    const { api, service, first } = await made();
    await service.adapter.unlink(first.did, { keep: true });
    expect((await service.accepted(sealed(first, api, {}, SCOPE))).auth).toMatchObject({ client: first.did });
    expect((await service.send(enrollment(first, api, BOLT))).status).toBe(200);
    expect((await service.accepted(sealed(first, api, {}, SCOPE))).auth).toMatchObject({ client: 'bolt' });
  });

  test('by itself, and by nobody else', async () => {
    const { world, api, service, other, first, second } = await made();
    const answer = await service.send(signed(first, api, DELETE, { scope: 'xlink:enroll' }));
    expect([answer.status, problemOf(answer)]).toEqual([
      200,
      { did: first.did, client: 'acme', linked: false },
    ]);
    expect(world.registry.lookup(first.did)?.status).toBe('revoked');
    expect(world.clients.get('acme')?.dids).toEqual([second.did]);
    await other.refused(sealed(first, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
    await other.accepted(sealed(second, api, {}, SCOPE));
    expect(service.of('unlink')).toEqual([{ type: 'unlink', client: 'acme', did: first.did, by: 'client' }]);
  });

  test('not with a key, nor with an envelope for something else', async () => {
    const { world, api, service, first, bolt } = await made();
    await service.refused(withKey(ACME, DELETE), '401 CREDENTIALS_MISSING');
    await service.refused(signed(first, api, DELETE, SCOPE), '403 SCOPE_NOT_ALLOWED');
    const request = requestBinding('POST', ENROLL_PATH);
    const draft = { to: api.did, signedOnly: true, scope: 'xlink:enroll', request } as const;
    await service.refused(
      headerForm(await first.createRequest(draft), DELETE),
      '401 REQUEST_BINDING_MISMATCH',
    );
    const unknown = await world.agent('unknown');
    await service.refused(
      signed(unknown, api, DELETE, { scope: 'xlink:enroll' }),
      '404 ENROLLMENT_REFUSED:NOT_ENROLLED',
    );
    for (const device of [first, bolt]) await service.accepted(sealed(device, api, {}, SCOPE));
  });

  test('not while the registry cannot revoke it: it would be active and nobody’s', async () => {
    const { world, api, service, first } = await made();
    world.registry.revoke = async () => {
      throw new Error('connection refused');
    };
    await service.refused(signed(first, api, DELETE, { scope: 'xlink:enroll' }), '500 REGISTRATION_FAILED');
    expect(world.clients.clientOf(first.did)).toBe('acme');
  });
});
