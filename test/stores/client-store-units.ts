import { expect, test } from '@jest/globals';
import type { ClientStore } from '@private.me/xlink';
import { NOTHING, used } from './client-store-conformance.js';

/** What is true of every store about clients as units: how many DIDs they have, when these end, and that they can be revoked. */
export function testClientUnits(
  storeOf: () => ClientStore,
  instances: (count: number) => Promise<ClientStore[]>,
): void {
  test('unlinks a DID, which can be linked again, by another client too', async () => {
    const store = storeOf();
    await store.link('did:key:a', 'acme');
    await store.link('did:key:b', 'acme', { validUntil: 9 });
    await store.add([used('acme', { keyRequests: 1 })]);
    expect(await store.unlink('did:key:b')).toBe('acme');
    expect(await store.unlink('did:key:b')).toBeUndefined();
    expect(await store.unlink('did:key:never')).toBeUndefined();
    expect([await store.clientOf('did:key:b'), await store.standingOf('did:key:b')]).toEqual([
      undefined,
      undefined,
    ]);
    expect(await store.get('acme')).toEqual({
      ...NOTHING,
      client: 'acme',
      keyRequests: 1,
      dids: ['did:key:a'],
    });
    expect(await store.link('did:key:b', 'bolt')).toBe('bolt');
    expect(await store.standingOf('did:key:b')).toEqual({ client: 'bolt' });
  });

  test('of many that unlink a DID and link it again at once, the records agree with what is linked', async () => {
    const store = storeOf();
    const stores = await instances(4);
    for (let round = 0; round < 5; round++) {
      await store.link('did:key:a', 'acme');
      await Promise.all(
        Array.from({ length: 12 }, async (_, at) => {
          const own = stores[at % 4]!;
          await (at % 2 ? own.unlink('did:key:a') : own.link('did:key:a', `client-${at % 3}`));
        }),
      );
      const owner = await store.clientOf('did:key:a');
      const holders = (await store.list()).filter(({ dids }) => dids.length > 0);
      expect(holders.map(({ client }) => client)).toEqual(owner === undefined ? [] : [owner]);
      await store.unlink('did:key:a');
    }
  });

  test('[A8] a client has as many DIDs as it may have, however many come at once and wherever', async () => {
    const store = storeOf();
    const stores = await instances(4);
    const link = (at: number, client = 'acme') =>
      stores[at % 4]!.link(`did:key:${client}-${at}`, client, { maxDids: 3 });
    const owners = await Promise.all([
      ...Array.from({ length: 24 }, (_, at) => link(at)),
      ...Array.from({ length: 12 }, (_, at) => link(at, 'bolt')),
    ]);
    expect(owners.filter((owner) => owner === 'acme')).toHaveLength(3);
    expect(owners.filter((owner) => owner === 'bolt')).toHaveLength(3);
    const { dids } = (await store.get('acme'))!;
    expect(dids).toHaveLength(3);
    for (const did of dids) expect(await store.clientOf(did)).toBe('acme');
    for (let at = 0; at < 24; at++) {
      const did = `did:key:acme-${at}`;
      if (!dids.includes(did)) expect(await store.clientOf(did)).toBeUndefined();
    }
    // What it has already is not counted again; what it gives up makes room, once.
    expect(await store.link(dids[0]!, 'acme', { maxDids: 3 })).toBe('acme');
    expect(await store.link(dids[0]!, 'acme', { maxDids: 1 })).toBe('acme');
    await store.unlink(dids[1]!);
    const again = await Promise.all(Array.from({ length: 12 }, (_, at) => link(100 + at)));
    expect(again.filter((owner) => owner === 'acme')).toHaveLength(1);
    expect((await store.get('acme'))?.dids).toHaveLength(3);
    expect(await store.link('did:key:one-more', 'acme')).toBe('acme'); // without a limit
    expect(await store.link('did:key:too-many', 'acme', { maxDids: 3 })).toBeUndefined();
    expect(await store.link('did:key:new', 'nobody', { maxDids: 0 })).toBeUndefined();
    expect(await store.clientOf('did:key:new')).toBeUndefined();
  });

  test('a link that is to be new is made by one call, and leaves one alone that is there', async () => {
    const store = storeOf();
    const stores = await instances(4);
    for (let round = 0; round < 5; round++) {
      const did = `did:key:new-${round}`;
      const answers = await Promise.all(
        Array.from({ length: 24 }, async (_, at) => {
          const client = `client-${at % 3}`;
          const answer = await stores[at % 4]!.link(did, client, { ifNew: true, validUntil: 1000 + at });
          return { client, answer };
        }),
      );
      const owner = await store.clientOf(did);
      expect(answers.filter(({ client, answer }) => answer === client)).toHaveLength(1);
      for (const { answer } of answers) expect([owner, undefined]).toContain(answer);
      expect((await store.get(owner!))?.dids).toContain(did);
      const before = await store.standingOf(did);
      expect(await store.link(did, owner!, { ifNew: true, validUntil: 5 })).toBeUndefined();
      expect(await store.link(did, owner!, { ifNew: true })).toBeUndefined();
      expect(await store.link(did, 'somebody else', { ifNew: true })).toBe(owner);
      expect(await store.standingOf(did)).toEqual(before);
    }
    expect(await store.link('did:key:full', 'client-9', { ifNew: true, maxDids: 0 })).toBeUndefined();
    expect(await store.clientOf('did:key:full')).toBeUndefined();
  });

  test('remembers when the enrollment of a DID ends, until it is renewed', async () => {
    const store = storeOf();
    await store.link('did:key:a', 'acme', { validUntil: 1_764_000_000_000 });
    await store.link('did:key:b', 'acme');
    expect(await store.standingOf('did:key:a')).toEqual({ client: 'acme', validUntil: 1_764_000_000_000 });
    expect(await store.standingOf('did:key:b')).toEqual({ client: 'acme' });
    expect((await store.get('acme'))?.validUntil).toEqual({ 'did:key:a': 1_764_000_000_000 });
    await store.link('did:key:a', 'acme', { validUntil: 1_764_000_000_007, maxDids: 2 });
    await store.link('did:key:a', 'bolt', { validUntil: 5 });
    expect(await store.standingOf('did:key:a')).toEqual({ client: 'acme', validUntil: 1_764_000_000_007 });
    await store.link('did:key:a', 'acme');
    expect(await store.get('acme')).toEqual({
      ...NOTHING,
      client: 'acme',
      dids: ['did:key:a', 'did:key:b'],
    });
  });

  test('says of a DID what is true now, whatever another instance changed since', async () => {
    const store = storeOf();
    const [other] = (await instances(1)) as [ClientStore];
    const standing = () => store.standingOf('did:key:a');
    await store.link('did:key:a', 'acme');
    expect([await standing(), await standing()]).toEqual([{ client: 'acme' }, { client: 'acme' }]);
    await other.setRevoked('acme', 5);
    expect(await standing()).toEqual({ client: 'acme', revokedSince: 5 });
    await other.unlink('did:key:a');
    expect(await standing()).toBeUndefined();
    await other.link('did:key:a', 'bolt', { validUntil: 9 });
    expect(await standing()).toEqual({ client: 'bolt', validUntil: 9 });
    await other.setRevoked('bolt', 7);
    expect(await standing()).toEqual({ client: 'bolt', validUntil: 9, revokedSince: 7 });
    await other.unlink('did:key:a');
    await other.setRevoked('acme', undefined);
    await other.link('did:key:a', '');
    expect([await standing(), await standing()]).toEqual([{ client: '' }, { client: '' }]);
  });

  test('revokes a client and restores it, and keeps the rest', async () => {
    const store = storeOf();
    await store.link('did:key:a', 'acme', { validUntil: 9 });
    await store.add([used('acme', { keyRequests: 1, lastKeyUse: 7 })]);
    await store.setKeyOff('acme', 3);
    const before = await store.get('acme');
    await store.setRevoked('acme', 1_764_000_000_000);
    expect(await store.get('acme')).toEqual({ ...before, revokedSince: 1_764_000_000_000 });
    expect(await store.standingOf('did:key:a')).toEqual({
      client: 'acme',
      validUntil: 9,
      revokedSince: 1_764_000_000_000,
    });
    await store.add([used('acme', { keyRequests: 1 })]);
    await store.link('did:key:b', 'acme');
    expect((await store.standingOf('did:key:b'))?.revokedSince).toBe(1_764_000_000_000);
    await store.setRevoked('bolt', 0);
    expect(await store.get('bolt')).toEqual({ ...NOTHING, client: 'bolt', revokedSince: 0 });
    await store.setRevoked('bolt', undefined);
    await store.setRevoked('acme', undefined);
    await store.unlink('did:key:b');
    expect(await store.get('acme')).toEqual({ ...before, keyRequests: 2 });
    expect(await store.standingOf('did:key:a')).toEqual({ client: 'acme', validUntil: 9 });
  });
}
