// What was true of a caller when the head of its request came may have ended by the time its body is there.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { type Agent, type DualModeAdapter, MemoryNonceStore } from '@private.me/xlink';
import { ACME, json, ORDER, onTheWire, type Sent, signedRequest } from '../../support/http.js';
import { clientOf } from '../../support/keys.js';
import { problemIdOf } from '../../support/responses.js';
import type { Service } from '../../support/service.js';
import { until } from '../../support/until.js';
import { openWire } from '../../support/wire.js';
import { World } from '../../support/world.js';
import { enrollment, signed } from '../requests.js';

/** Sends all of a request but its last byte. Resolves once its head was looked at: its key, or its envelope. */
async function allButTheEnd({ service, heads }: { service: Service; heads: () => number }, sent: Sent) {
  const bytes = onTheWire(sent);
  const before = heads();
  const wire = await openWire(service.port);
  wire.write(bytes.subarray(0, -1));
  await until(() => heads() > before);
  return {
    async finish() {
      wire.write(bytes.subarray(-1));
      const answer = await wire.answer();
      return answer.status === 200 ? '200' : `${answer.status} ${problemIdOf(answer)}`;
    },
  };
}

interface Acts {
  readonly adapter: DualModeAdapter;
  readonly world: World;
  readonly device: Agent;
  readonly keys: Set<string>;
}

async function made() {
  const world = new World();
  let heads = 0;
  const nonceStore = new MemoryNonceStore({ clock: world.clock });
  const claim = nonceStore.claim.bind(nonceStore);
  nonceStore.claim = (...args) => {
    heads += 1;
    return claim(...args);
  };
  const api = await world.agent('api', { nonceStore });
  const keys = new Set([ACME]);
  const service = await world.serve({
    agent: api,
    clock: world.clock,
    clients: world.clients,
    legacyKeyValidator(key) {
      heads += 1;
      return keys.has(key) ? clientOf(key) : null;
    },
  });
  const device = await world.stranger('device');
  return { world, api, service, keys, device, adapter: service.adapter, heads: () => heads };
}

const ENDS: [string, string, (acts: Acts) => unknown][] = [
  ['the key was withdrawn', '401 API_KEY_INVALID', ({ keys }) => keys.delete(ACME)],
  ['keys were switched off for all', '401 XLINK_REQUIRED', ({ adapter }) => adapter.setMode('xlink-only')],
  [
    'the client switched its own key off',
    '401 API_KEY_SWITCHED_OFF',
    ({ world }) => world.clients.setKeyOff('acme', world.clock()),
  ],
  [
    'the client was revoked',
    '403 CLIENT_REVOKED',
    ({ adapter }) => adapter.revokeClient('acme', { allowUnknown: true }),
  ],
];

describe('an enrollment whose body is held back', () => {
  test.each(ENDS)('is refused once %s', async (_, refusal, end) => {
    const acts = await made();
    const { world, api, device } = acts;
    const held = await allButTheEnd(acts, await enrollment(device, api, ACME));
    await end(acts);
    expect(await held.finish()).toBe(refusal);
    expect(world.clients.clientOf(device.did)).toBeUndefined();
    expect(world.registry.lookup(device.did)).toBeUndefined();
  });

  test('gives what the key grants when the link is made', async () => {
    const acts = await made();
    const { world, api, device } = acts;
    const held = await allButTheEnd(acts, await enrollment(device, api, ACME));
    expect(await held.finish()).toBe('200');
    expect(world.registry.lookup(device.did)).toMatchObject({ sendScopes: ['orders:read', 'orders:write'] });
  });
});

const REQUEST_ENDS: [string, string, (acts: Acts) => unknown][] = [
  [
    'the DID was revoked',
    '403 VERIFICATION_FAILED:DID_REVOKED',
    ({ world, device }) => world.registry.revoke(device.did),
  ],
  [
    'its client was revoked',
    '403 VERIFICATION_FAILED:DID_REVOKED',
    ({ adapter }) => adapter.revokeClient('acme'),
  ],
  [
    'its client was revoked in the store alone',
    '403 CLIENT_REVOKED',
    ({ world }) => world.clients.setRevoked('acme', world.clock()),
  ],
  [
    'its scope was taken away',
    '403 SCOPE_DENIED',
    ({ world, device }) => world.registry.updateScopes(device.did, { scopes: ['orders:read'] }),
  ],
];

describe('a signed request whose body is held back', () => {
  test.each(REQUEST_ENDS)('is not carried out once %s', async (_, refusal, end) => {
    const acts = await made();
    const { api, service, device } = acts;
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    const sent = await signedRequest({ caller: device, api }, json(ORDER), { scope: 'orders:write' });
    const held = await allButTheEnd(acts, sent);
    await end(acts);
    await pause(1100); // what comes within a second is as good as there
    expect(await held.finish()).toBe(refusal);
    expect(service.calls).toHaveLength(0);
  });

  test('is carried out if nothing changed', async () => {
    const acts = await made();
    const { api, service, device } = acts;
    await service.send(enrollment(device, api, ACME));
    const held = await allButTheEnd(acts, await signedRequest({ caller: device, api }, json(ORDER)));
    await pause(1100);
    expect(await held.finish()).toBe('200');
    expect(service.calls[0]).toMatchObject({
      auth: { client: 'acme', scopes: ['orders:read', 'orders:write'] },
    });
  });

  test('as the switch of a key does nothing for one that was revoked meanwhile', async () => {
    const acts = await made();
    const { world, api, service, device } = acts;
    await service.send(enrollment(device, api, ACME));
    const path = '/.well-known/xlink/key';
    const sent = await signedRequest({ caller: device, api }, json({}, { method: 'DELETE', path }), {
      scope: 'xlink:key',
    });
    const held = await allButTheEnd(acts, sent);
    await world.registry.revoke(device.did);
    await pause(1100);
    expect(await held.finish()).toBe('403 VERIFICATION_FAILED:DID_REVOKED');
    expect(world.clients.get('acme')).not.toHaveProperty('keyOffSince');
    expect((await service.send(signed(device, api))).status).toBe(403);
  });
});
