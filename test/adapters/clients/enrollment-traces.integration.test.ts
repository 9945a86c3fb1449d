import { describe, expect, test } from '@jest/globals';
import { type Agent, createKeyRecord, err, type KeyRecord, xlinkError } from '@private.me/xlink';
import { enrollmentProof } from '@private.me/xlink/client';
import { identityOf } from '../../support/agents.js';
import { ACME, BOLT } from '../../support/keys.js';
import { unwrap } from '../../support/results.js';
import { enrollment } from '../requests.js';
import { made } from './enrollment-support.js';

describe('an enrollment that is refused leaves nothing behind', () => {
  /** A DID that the operator registered, linked to nobody, and a record of it that is older than the one on file. */
  async function registered() {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const [older, known, newer] = await Promise.all(
      [10, 20, 30].map(async (epoch) =>
        createKeyRecord(await identityOf('device', 2), {
          epoch,
          encryption: await encryptionOf(`epoch ${epoch}`),
        }),
      ),
    );
    unwrap(await world.registry.register({ did: device.did, keys: known!, sendScopes: ['admin'] }));
    return { world, api, service, device, older, newer };
  }

  test('by a record that the registry would not take: it is linked to no client', async () => {
    const { world, api, service, device, older, newer } = await registered();
    const stale = enrollment(device, api, BOLT, { payload: await payloadOf(device, BOLT, older) });
    await service.refused(stale, '401 KEY_RECORD_ROLLED_BACK');
    expect([world.clients.clientOf(device.did), world.clients.get('bolt')?.dids ?? []]).toEqual([
      undefined,
      [],
    ]);
    const fresh = enrollment(device, api, ACME, { payload: await payloadOf(device, ACME, newer) });
    expect((await service.send(fresh)).status).toBe(200);
    expect(world.clients.clientOf(device.did)).toBe('acme');
  });

  test('by the registry itself: it is linked to no client', async () => {
    const { world, api, service, device, newer } = await registered();
    world.registry.updateKeys = async () => err(xlinkError('LOOKUP_FAILED'));
    const fresh = enrollment(device, api, ACME, { payload: await payloadOf(device, ACME, newer) });
    await service.refused(fresh, '503 LOOKUP_FAILED');
    expect(world.clients.clientOf(device.did)).toBeUndefined();
  });

  test('one without a key links nothing that was unlinked meanwhile', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    const lookup = world.registry.lookup.bind(world.registry);
    let lookups = 0;
    world.registry.lookup = (did) => {
      lookups += 1;
      if (lookups === 2) world.clients.unlink(device.did); // as adapter.unlink(did, { keep: true }) does
      return lookup(did);
    };
    const { headers, ...sent } = await enrollment(device, api, ACME);
    const keyless = { ...sent, headers: { 'content-type': String(headers!['content-type']) } };
    await service.refused(keyless, '404 ENROLLMENT_REFUSED:NOT_ENROLLED');
    expect(lookups).toBe(2);
    expect(world.clients.clientOf(device.did)).toBeUndefined();
  });

  test('scopes of the library are granted to nobody', async () => {
    const legacyKeyValidator = () => ({ clientId: 'acme', scopes: ['xlink:key', 'orders:read'] });
    const { world, api, service } = await made({ legacyKeyValidator });
    const device = await world.stranger('device');
    const answer = await service.send(enrollment(device, api, ACME));
    expect(JSON.parse(answer.text)).toMatchObject({ scopes: ['orders:read'] });
    expect(world.registry.lookup(device.did)?.sendScopes).toEqual(['orders:read']);
  });
});

async function encryptionOf(name: string) {
  const { x25519, mlKem768 } = await identityOf(name, 2);
  return { x25519, mlKem768, keyEpoch: 0, notBefore: 0, notAfter: Number.MAX_SAFE_INTEGER };
}

const payloadOf = async ({ did }: Agent, key: string, keyRecord: KeyRecord | undefined) => ({
  keyRecord,
  keyProof: await enrollmentProof(did, key),
});
