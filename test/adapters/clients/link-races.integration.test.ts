import { expect, test } from '@jest/globals';
import {
  Agent,
  Identity,
  MemoryClientStore,
  type RegistryEntry,
  type TrustRegistry,
} from '@private.me/xlink';
import { standingOf } from '../../../src/adapters/clients/lineage.js';
import { ACME } from '../../support/http.js';
import { thrownBy, unwrap } from '../../support/results.js';
import { World } from '../../support/world.js';
import { enrollment } from '../requests.js';

/** Once a DID was asked about, something else happens to it before the answer is used. */
class Interrupted extends MemoryClientStore {
  meanwhile: (() => void) | undefined;

  #interrupted<T>(answer: T): T {
    const { meanwhile } = this;
    this.meanwhile = undefined;
    meanwhile?.();
    return answer;
  }

  override clientOf(did: string) {
    return this.#interrupted(super.clientOf(did));
  }

  override standingOf(did: string) {
    const standing = super.standingOf(did);
    return did === 'did:key:after' ? standing : this.#interrupted(standing);
  }
}

test('what a DID enrolls itself counts, where it was about to inherit', async () => {
  const store = new Interrupted();
  store.link('did:key:before', 'acme', { validUntil: 5 });
  store.meanwhile = () => store.link('did:key:after', 'acme', { validUntil: 9 });
  const entry = { did: 'did:key:after', predecessors: ['did:key:before'] } as unknown as RegistryEntry;
  expect(await standingOf(store, entry)).toEqual({ client: 'acme', validUntil: 9 });
});

test('a DID that is enrolled while it is ended as a client of its own is refused by name, not ended in words alone', async () => {
  const world = new World();
  const clients = new Interrupted();
  const { adapter } = await world.serve({ agent: await world.agent('api'), clock: world.clock, clients });
  const device = await world.agent('device');
  clients.meanwhile = () => clients.link(device.did, 'acme');
  expect((await thrownBy(() => adapter.revokeClient(device.did))).id).toBe('CLIENT_UNKNOWN');
  expect(clients.get(device.did)).toBeUndefined();
  expect((await adapter.revokeClient('acme')).dids).toEqual([device.did]);
});

test('an enrollment that failed at the registry ends no link that its repetition was told of', async () => {
  const world = new World();
  const { registry } = world;
  const api = await world.agent('api');
  const identity = await Identity.fromSeed((await api.exportPKCS8()).slice(16), { maxVersion: 2 });
  const device = await world.stranger('device');
  let tries = 0;
  const slow: TrustRegistry = {
    lookup: (did) => registry.lookup(did),
    register: (...entry) => registry.register(...(entry as [never])),
    async updateKeys(keys) {
      if (++tries > 1) return registry.updateKeys(keys);
      expect((await service.send(enrollment(device, api, ACME))).status).toBe(200); // tried again meanwhile
      throw new Error('timeout');
    },
  };
  const agent = new Agent({ identity, registry: slow, clock: world.clock });
  const service = await world.serve({ agent, clock: world.clock, clients: world.clients });
  unwrap(await registry.add(device.did, { scopes: ['orders:read'] }));
  await service.refused(enrollment(device, api, ACME), '500 REGISTRATION_FAILED');
  expect(tries).toBe(2);
  expect(world.clients.clientOf(device.did)).toBe('acme');
});
