import { describe, expect, test } from '@jest/globals';
import {
  createKeyRecord,
  generateIdentity,
  type KeyRecord,
  MemoryTrustRegistry,
  type RegistryEntry,
} from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { recordOf, withBitFlipped } from '../support/forge.js';
import { errorOf, idOf, unwrap } from '../support/results.js';

const alice = await identityOf('alice');
const bob = await identityOf('bob');
const STRANGER = (await identityOf('stranger', 1)).did;

async function registryWithAlice() {
  const registry = new MemoryTrustRegistry();
  const keys = await createKeyRecord(alice, { epoch: 10 });
  unwrap(await registry.register({ did: alice.did, name: 'Alice', keys, sendScopes: ['chat'] }));
  return { registry, keys };
}

describe('register', () => {
  test('takes an entry as one object', async () => {
    const registry = new MemoryTrustRegistry();
    const keys = await createKeyRecord(alice);
    const entry = {
      did: alice.did,
      name: 'Alice',
      keys,
      capabilities: ['search'],
      sendScopes: ['a'],
      receiveScopes: ['b'],
    };
    expect(idOf(await registry.register(entry))).toBe('ok');
    expect(registry.lookup(alice.did)).toEqual({ ...entry, status: 'active', revision: 1 });
  });

  test('takes the long positional form, which has no encryption keys', async () => {
    const registry = new MemoryTrustRegistry();
    const result = await registry.register(
      alice.did,
      alice.publicKey,
      'Analytics Service',
      ['analytics'],
      undefined,
      undefined,
      undefined,
      false,
      ['payments'],
    );
    expect(idOf(result)).toBe('ok');
    expect(registry.lookup(alice.did)).toEqual({
      did: alice.did,
      name: 'Analytics Service',
      sendScopes: ['analytics'],
      receiveScopes: ['payments'],
      status: 'active',
      revision: 1,
    });
  });

  test('takes the shortest of both forms, and leaves out what was not given', async () => {
    const registry = new MemoryTrustRegistry();
    unwrap(await registry.register(alice.did, alice.publicKey));
    unwrap(await registry.register({ did: bob.did }));
    expect(registry.list()).toEqual([alice, bob].map(({ did }) => ({ did, status: 'active', revision: 1 })));
  });

  test.each([4, 5, 6])('refuses an unsigned encryption key in position %i', async (position) => {
    const args: unknown[] = [alice.did, alice.publicKey, 'Alice', []];
    args[position] = alice.x25519.publicKey;
    const registry = new MemoryTrustRegistry();
    const result = await registry.register(...(args as [string, Uint8Array]));
    expect(idOf(result)).toBe('REGISTRATION_FAILED:KEYS_UNSIGNED');
    expect(registry.list()).toEqual([]);
  });

  test.each([
    ['of somebody else', bob.publicKey],
    ['that is too short', alice.publicKey.subarray(1)],
    ['that is missing', undefined],
    ['that is text', 'key'],
  ])('refuses a public key %s', async (_, key) => {
    const result = await new MemoryTrustRegistry().register(alice.did, key as Uint8Array);
    expect(errorOf(result)).toMatchObject({ id: 'INVALID_DID', field: 'publicKey' });
  });

  test.each([
    ['no DID', 'alice'],
    ['another method', 'did:web:example.com'],
    ['no text', 5],
    ['a weak key', 'did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP'],
  ])('refuses %s', async (_, did) => {
    const registry = new MemoryTrustRegistry();
    expect(errorOf(await registry.register({ did } as never)).code).toBe('INVALID_DID');
    expect(errorOf(await registry.add(did as never)).code).toBe('INVALID_DID');
    expect(registry.list()).toEqual([]);
  });

  test('refuses a DID that is there already, revoked or not', async () => {
    const { registry } = await registryWithAlice();
    expect(idOf(await registry.register({ did: alice.did }))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
    await registry.revoke(alice.did);
    expect(idOf(await registry.register({ did: alice.did }))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
    expect(registry.lookup(alice.did)?.status).toBe('revoked');
  });

  test('of many at once lets one through', async () => {
    const registry = new MemoryTrustRegistry();
    const keys = await createKeyRecord(alice);
    const ids = await Promise.all(
      Array.from({ length: 10 }, async (_, i) =>
        idOf(await registry.register({ did: alice.did, keys, name: `${i}` })),
      ),
    );
    expect(ids.filter((id) => id === 'ok')).toHaveLength(1);
  });

  test('cannot smuggle in another status', async () => {
    const registry = new MemoryTrustRegistry();
    const refused = await registry.register({ did: alice.did, status: 'revoked' } as never);
    expect(refused.error).toMatchObject({ id: 'INVALID_OPTION', field: 'status' });
    expect(registry.lookup(alice.did)).toBeUndefined();
  });

  test('refuses a key record that its DID did not sign', async () => {
    const good = await createKeyRecord(alice);
    const bad: KeyRecord[] = [
      { ...good, epoch: good.epoch + 1 },
      { ...good, x25519: withBitFlipped(good.x25519, 0) },
      { ...good, mlKem768: withBitFlipped(good.mlKem768!, 0) },
      { ...good, signature: withBitFlipped(good.signature, 0) },
      await createKeyRecord(bob),
      { ...(await createKeyRecord(bob)), did: alice.did },
    ];
    const registry = new MemoryTrustRegistry();
    for (const keys of bad) {
      expect(idOf(await registry.register({ did: alice.did, keys }))).toBe('KEY_RECORD_INVALID');
    }
    expect(registry.list()).toEqual([]);
  });
});

describe('an entry', () => {
  test('is frozen through and through', async () => {
    const { registry } = await registryWithAlice();
    await registry.updateScopes(alice.did, { receiveScopes: ['x'] });
    const entry = registry.lookup(alice.did)!;
    expect([entry, entry.keys, entry.sendScopes, entry.receiveScopes].map(Object.isFrozen)).toEqual(
      Array(4).fill(true),
    );
    expect(() => (entry.sendScopes as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.assign(entry, { status: 'active' })).toThrow(TypeError);
  });

  test('does not follow what the caller does to what it passed in', async () => {
    const registry = new MemoryTrustRegistry();
    const sendScopes = ['chat'];
    const keys = { ...(await createKeyRecord(alice)) };
    unwrap(await registry.register({ did: alice.did, sendScopes, keys }));
    const { x25519 } = keys;
    sendScopes.push('admin');
    Object.assign(keys, { x25519: 'other' });
    expect(registry.lookup(alice.did)).toMatchObject({ sendScopes: ['chat'], keys: { x25519 } });
  });

  test('is undefined for a DID that is not there, names of object members included', () => {
    const registry = new MemoryTrustRegistry();
    for (const did of [STRANGER, '__proto__', 'constructor', ''])
      expect(registry.lookup(did)).toBeUndefined();
  });

  test('that was looked up before a change stays as it was', async () => {
    const { registry } = await registryWithAlice();
    const before = registry.lookup(alice.did);
    await registry.revoke(alice.did);
    expect(before?.status).toBe('active');
    expect(registry.lookup(alice.did)?.status).toBe('revoked');
  });
});

describe('revoke, add and updateScopes', () => {
  test('revoke keeps everything but status and revision, and happens once or twice alike', async () => {
    const { registry, keys } = await registryWithAlice();
    for (let i = 0; i < 2; i++) expect(idOf(await registry.revoke(alice.did))).toBe('ok');
    expect(registry.lookup(alice.did)).toEqual({
      did: alice.did,
      name: 'Alice',
      keys,
      sendScopes: ['chat'],
      status: 'revoked',
      revision: 3,
    });
  });

  test('add makes an entry without keys', async () => {
    const registry = new MemoryTrustRegistry();
    unwrap(await registry.add(STRANGER, { scopes: ['read'], name: 'CI' }));
    expect(registry.lookup(STRANGER)).toEqual({
      did: STRANGER,
      name: 'CI',
      sendScopes: ['read'],
      status: 'active',
      revision: 1,
    });
  });

  test('add brings a revoked entry back with new scopes and the keys it had', async () => {
    const { registry, keys } = await registryWithAlice();
    await registry.revoke(alice.did);
    unwrap(await registry.add(alice.did, { scopes: ['read'] }));
    expect(registry.lookup(alice.did)).toEqual({
      did: alice.did,
      name: 'Alice',
      keys,
      sendScopes: ['read'],
      status: 'active',
      revision: 3,
    });
  });

  test('updateScopes replaces what is given and leaves the rest', async () => {
    const { registry } = await registryWithAlice();
    await registry.updateScopes(alice.did, { receiveScopes: ['in'] });
    expect(registry.lookup(alice.did)).toMatchObject({ sendScopes: ['chat'], receiveScopes: ['in'] });
    await registry.updateScopes(alice.did, { scopes: [] });
    expect(registry.lookup(alice.did)).toMatchObject({
      sendScopes: [],
      receiveScopes: ['in'],
      status: 'active',
    });
  });

  test('updateScopes does not bring a revoked entry back', async () => {
    const { registry } = await registryWithAlice();
    await registry.revoke(alice.did);
    await registry.updateScopes(alice.did, { scopes: ['*'] });
    expect(registry.lookup(alice.did)?.status).toBe('revoked');
  });

  test('a DID that is not there is an error', async () => {
    const registry = new MemoryTrustRegistry();
    const results = [
      await registry.revoke(STRANGER),
      await registry.updateScopes(STRANGER, { scopes: [] }),
      await registry.updateKeys(await createKeyRecord(alice)),
    ];
    expect(results.map(idOf)).toEqual(Array(3).fill('LOOKUP_FAILED:DID_NOT_IN_REGISTRY'));
  });

  test('list has every entry, revoked ones too, and is a copy', async () => {
    const { registry } = await registryWithAlice();
    unwrap(await registry.add(bob.did));
    await registry.revoke(bob.did);
    const list = registry.list();
    expect(list.map(({ did, status }) => [did, status])).toEqual([
      [alice.did, 'active'],
      [bob.did, 'revoked'],
    ]);
    list.length = 0;
    expect(registry.list()).toHaveLength(2);
  });
});

describe('updateKeys', () => {
  const other = async (epoch: number) => recordOf(alice, bob as Partial<RegistryEntry> as never, epoch);

  test('takes a newer record and touches nothing else', async () => {
    const { registry } = await registryWithAlice();
    const keys = await other(11);
    expect(idOf(await registry.updateKeys(keys))).toBe('ok');
    expect(registry.lookup(alice.did)).toEqual({
      did: alice.did,
      name: 'Alice',
      keys,
      sendScopes: ['chat'],
      status: 'active',
      revision: 2,
    });
  });

  test('takes the record it has once more', async () => {
    const { registry, keys } = await registryWithAlice();
    const before = registry.lookup(alice.did);
    expect(idOf(await registry.updateKeys({ ...keys }))).toBe('ok');
    expect(registry.lookup(alice.did)).toBe(before);
  });

  test.each([
    ['an older record', 9],
    ['other keys of the same epoch', 10],
  ])('refuses %s', async (_, epoch) => {
    const { registry, keys } = await registryWithAlice();
    expect(idOf(await registry.updateKeys(await other(epoch)))).toBe('KEY_RECORD_ROLLED_BACK');
    expect(registry.lookup(alice.did)?.keys).toEqual(keys);
  });

  test('keeps its epoch when the same keys come in a record of an earlier one', async () => {
    const { registry, keys } = await registryWithAlice();
    expect(idOf(await registry.updateKeys(await createKeyRecord(alice, { epoch: 5 })))).toBe('ok');
    expect(registry.lookup(alice.did)?.keys).toEqual(keys);
    expect(idOf(await registry.updateKeys(await other(7)))).toBe('KEY_RECORD_ROLLED_BACK');
  });

  test('takes the same keys in a record of a later epoch', async () => {
    const { registry } = await registryWithAlice();
    expect(idOf(await registry.updateKeys(await createKeyRecord(alice, { epoch: 20 })))).toBe('ok');
    expect(registry.lookup(alice.did)?.keys?.epoch).toBe(20);
  });

  test('refuses a newer record that lost a post-quantum key', async () => {
    const { registry, keys } = await registryWithAlice();
    const classical = await createKeyRecord(await identityOf('alice', 1), { epoch: 11 });
    expect(idOf(await registry.updateKeys(classical))).toBe('KEY_RECORD_DOWNGRADED');
    expect(registry.lookup(alice.did)?.keys).toEqual(keys);
  });

  test('refuses a record that its DID did not sign', async () => {
    const { registry } = await registryWithAlice();
    const keys = await other(11);
    expect(idOf(await registry.updateKeys({ ...keys, epoch: 12 }))).toBe('KEY_RECORD_INVALID');
  });

  test('gives keys to an entry that had none', async () => {
    const registry = new MemoryTrustRegistry();
    unwrap(await registry.add(alice.did));
    const keys = await createKeyRecord(alice, { epoch: 0 });
    expect(idOf(await registry.updateKeys(keys))).toBe('ok');
    expect(registry.lookup(alice.did)?.keys).toEqual(keys);
  });

  test('of two at once keeps the newer, whichever ends first', async () => {
    const { registry } = await registryWithAlice();
    const carol = await identityOf('carol');
    const [newer, older] = [await other(12), await recordOf(alice, carol, 11)];
    const ids = (await Promise.all([registry.updateKeys(newer), registry.updateKeys(older)])).map(idOf);
    expect(ids).toEqual(['ok', 'KEY_RECORD_ROLLED_BACK']);
    expect(registry.lookup(alice.did)?.keys?.epoch).toBe(12);
  });

  test('does not bring a revoked entry back', async () => {
    const { registry } = await registryWithAlice();
    await registry.revoke(alice.did);
    unwrap(await registry.updateKeys(await other(11)));
    expect(registry.lookup(alice.did)?.status).toBe('revoked');
  });
});

test('it works with the crypto provider it was given', async () => {
  const { crypto } = alice;
  let verifiers = 0;
  const registry = new MemoryTrustRegistry({
    crypto: {
      ...crypto,
      ed25519: {
        ...crypto.ed25519,
        verifier: (key) => {
          verifiers++;
          return crypto.ed25519.verifier(key);
        },
      },
    },
  });
  const identity = unwrap(await generateIdentity());
  unwrap(await registry.register({ did: identity.did, keys: await createKeyRecord(identity) }));
  expect(verifiers).toBe(1);
});

test('scopes that are not a list are refused: a text would be taken apart', async () => {
  const { did } = unwrap(await generateIdentity());
  const registry = new MemoryTrustRegistry();
  const refused = await registry.register({ did, sendScopes: '*' as unknown as string[] });
  expect(refused.error?.id).toBe('REGISTRATION_FAILED');
  expect(registry.list()).toEqual([]);
  unwrap(await registry.register({ did, sendScopes: ['a'] }));
  expect((await registry.updateScopes(did, { scopes: '*' as unknown as string[] })).error?.field).toBe(
    'scopes',
  );
  expect(registry.lookup(did)?.sendScopes).toEqual(['a']);
  expect((await registry.register(undefined as never)).error?.id).toBe('INVALID_DID');
});
