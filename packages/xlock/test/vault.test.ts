// Passkeys in pieces: stores that lie or are down, shares that are exchanged, rotation and recovery.
import { verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { decodeDidKey } from '@private.me/xlink';
import { type MemoryBackend, PasskeyVault, type ProgressUpdate, passkeyName } from '../src/index.js';
import { isSignedBy } from '../src/util/signed-by.js';
import { idOf, moodies, vaultOn } from './support.js';

const owner = { service: 'https://acme.com', userId: 'ada' };
const message = Buffer.from('sign this');
const shareOf = (store: MemoryBackend, of = owner) => store.get(passkeyName(of))!;

test('a passkey signs, and its seed is in no store', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  const steps: ProgressUpdate[] = [];
  const passkey = await vault.generatePasskey({ ...owner, onProgress: (update) => void steps.push(update) });
  expect(passkey).toMatchObject({ totalShares: 3, threshold: 2, missing: [] });
  expect(steps.map(({ step, progress }) => [step, progress])).toEqual([
    ['Generating Ed25519 keypair', 0],
    ['Splitting into shares', 25],
    ['Distributing to xStore', 50],
    ['Verifying storage', 100],
  ]);
  steps.length = 0;
  const signed = await vault.signChallenge({
    ...owner,
    message,
    onProgress: (update) => void steps.push(update),
  });
  expect(steps.map(({ step }) => step)).toEqual([
    'Fetching shares',
    'Reconstructing key',
    'Signing',
    'Purging ephemeral key',
  ]);
  expect(isSignedBy(passkey.did, message, signed.signature)).toBe(true);
  const key = {
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(decodeDidKey(passkey.did)).toString('base64url') },
  };
  expect(verify(null, message, { ...key, format: 'jwk' }, signed.signature)).toBe(true);
  expect(verify(null, Buffer.from('another'), { ...key, format: 'jwk' }, signed.signature)).toBe(false);
});

test.each([
  [2, 2],
  [3, 3],
  [3, 5],
  [4, 5],
])('%i of %i: with one less nothing is signed', async (threshold, total) => {
  const stores = moodies(total);
  const vault = vaultOn(stores, { threshold });
  const { did } = await vault.generatePasskey(owner);
  for (const store of stores.slice(threshold)) store.mood = 'down';
  const { signature } = await vault.signChallenge({ ...owner, message });
  expect(isSignedBy(did, message, signature)).toBe(true);
  stores[threshold - 1]!.mood = 'down';
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
});

test('one lying store of three is found out before anything is put together, and told', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  const { did } = await vault.generatePasskey(owner);
  for (const liar of stores) {
    liar.mood = 'lying';
    const { signature, faulty } = await vault.signChallenge({ ...owner, message });
    expect([isSignedBy(did, message, signature), faulty]).toEqual([true, [liar.id]]);
    liar.mood = 'good';
  }
});

test('one lying of two that answer: nobody can tell which, so nothing is signed', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  await vault.generatePasskey(owner);
  stores[0].mood = 'lying';
  stores[1].mood = 'down';
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_HMAC_MISMATCH');
});

test('each byte of a share that is changed is found out', async () => {
  const stores = moodies(2);
  const vault = vaultOn(stores, { timeoutMs: 5000 });
  await vault.generatePasskey(owner);
  const good = shareOf(stores[0]);
  const { goodShares } = await import('../src/passkey/open-shares.js');
  const other = shareOf(stores[1]);
  expect(goodShares([good, other], owner).good).toHaveLength(2);
  for (let at = 0; at < good.length; at++) {
    const changed = Uint8Array.from(good);
    changed[at]! ^= 0x40;
    expect([at, await idOf(() => goodShares([changed, other], owner))]).toEqual([
      at,
      expect.stringMatching(/^PASSKEY_/),
    ]);
  }
});

test('two down, all down, and none there are told apart', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_NOT_FOUND');
  await vault.generatePasskey(owner);
  stores[0].mood = stores[1].mood = 'down';
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
  expect(await idOf(vault.recover(owner))).toBe('RECOVERY_SHARES_INSUFFICIENT');
  stores[2].mood = 'down';
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
  expect(await idOf(vault.recover(owner))).toBe('RECOVERY_BACKEND_UNAVAILABLE');
});

test('a store that never answers does not hold up the others', async () => {
  const stores = moodies();
  const vault = vaultOn(stores, { timeoutMs: 50 });
  await vault.generatePasskey(owner);
  stores[1].get = () => new Promise(() => {}) as never;
  expect((await vault.signChallenge({ ...owner, message })).faulty).toEqual(['store-1']);
});

test('a share of another user, or of another service, in the place of ours is not used', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  const eve = { ...owner, userId: 'eve' };
  const { did } = await vault.generatePasskey(owner);
  await vault.generatePasskey(eve);
  stores[2].put(passkeyName(owner), shareOf(stores[2], eve));
  const { signature, faulty } = await vault.signChallenge({ ...owner, message });
  expect([isSignedBy(did, message, signature), faulty]).toEqual([true, ['store-2']]);
  // Even all of hers do not sign for him.
  for (const store of stores) store.put(passkeyName(owner), shareOf(store, eve));
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_HMAC_MISMATCH');
});

test('rotation makes other shares of the same key, and old ones are of no use with new ones', async () => {
  const stores = moodies();
  let now = 1000;
  const vault = vaultOn(stores, { clock: () => now++ });
  const { did } = await vault.generatePasskey(owner);
  const old = stores.map((store) => shareOf(store));
  expect(await vault.rotate(owner)).toMatchObject({ did, missing: [] });
  for (const [at, store] of stores.entries())
    expect(Buffer.from(shareOf(store)).equals(old[at]!)).toBe(false);
  stores[0].put(passkeyName(owner), old[0]!);
  const { signature, faulty } = await vault.signChallenge({ ...owner, message });
  expect([isSignedBy(did, message, signature), faulty]).toEqual([true, ['store-0']]);
  stores[1].mood = 'down';
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
});

test('what fails half way leaves a passkey that signs', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  const { did } = await vault.generatePasskey(owner);
  stores[1].mood = stores[2].mood = 'full';
  expect(await idOf(vault.rotate(owner))).toBe('PASSKEY_STORAGE_FAILED');
  stores[1].mood = stores[2].mood = 'good';
  const { signature, faulty } = await vault.signChallenge({ ...owner, message });
  expect([isSignedBy(did, message, signature), faulty]).toEqual([true, []]);
  // Two of three are enough to go on; the third is told, and comes along with the next rotation.
  stores[2].mood = 'full';
  expect(await vault.rotate(owner)).toMatchObject({ stored: ['store-0', 'store-1'], missing: ['store-2'] });
  stores[2].mood = 'good';
  expect(await vault.rotate(owner)).toMatchObject({ did, missing: [] });
});

test('too few stores at the beginning: nothing stays behind', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  stores[0].mood = stores[1].mood = 'full';
  expect(await idOf(vault.generatePasskey(owner))).toBe('PASSKEY_STORAGE_FAILED');
  expect(stores[2].get(passkeyName(owner))).toBeUndefined();
});

test('a second passkey for the same account is not made by accident', async () => {
  const vault = vaultOn(moodies());
  const { did } = await vault.generatePasskey(owner);
  expect(await idOf(vault.generatePasskey(owner))).toBe('PASSKEY_GENERATION_FAILED:EXISTS');
  const other = await vault.generatePasskey({ ...owner, replace: true });
  expect(other.did).not.toBe(did);
});

test('a new device recovers from K shares, and the shares of the lost one become useless', async () => {
  const stores = moodies();
  const { did } = await vaultOn(stores).generatePasskey({ ...owner, verifier: 'did:key:service' });
  const [lost, cloud, paper] = stores;
  const [fresh] = moodies(2);
  const vault = vaultOn([fresh, cloud, paper]);
  expect(await idOf(vault.recover({ ...owner, from: [cloud, paper], did: 'did:key:other' }))).toBe(
    'RECOVERY_VERIFICATION_FAILED',
  );
  const passkey = await vault.recover({ ...owner, from: [cloud, paper], did });
  expect(passkey).toMatchObject({ did, verifier: 'did:key:service', missing: [] });
  expect(isSignedBy(did, message, (await vault.signChallenge({ ...owner, message })).signature)).toBe(true);
  fresh.mood = paper.mood = 'down';
  const thief = vaultOn([lost, cloud]);
  expect(await idOf(thief.signChallenge({ ...owner, message }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
});

test('an audit names the state of each share', async () => {
  const stores = moodies(5);
  const vault = vaultOn(stores, { threshold: 2 });
  await vault.generatePasskey(owner);
  expect(await vault.audit(owner)).toMatchObject({ good: 5, spare: 3, isWhole: true });
  const stale = shareOf(stores[1]);
  await vault.rotate(owner);
  stores[0].mood = 'lying';
  stores[1].put(passkeyName(owner), stale);
  stores[2].delete(passkeyName(owner));
  const { stores: rows, good, threshold, spare, isWhole } = await vault.audit(owner);
  expect(rows.map(({ state }) => state)).toEqual(['bad', 'stale', 'missing', 'good', 'good']);
  expect({ good, threshold, spare, isWhole }).toEqual({ good: 2, threshold: 2, spare: 0, isWhole: false });
  stores[4]!.mood = 'down';
  expect((await vault.audit(owner)).stores[4]).toEqual({
    id: 'store-4',
    state: 'unavailable',
    reason: 'down',
  });
});

test('a passkey that is removed is gone', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  await vault.generatePasskey(owner);
  expect(await vault.remove(owner)).toEqual([]);
  expect(await idOf(vault.signChallenge({ ...owner, message }))).toBe('PASSKEY_NOT_FOUND');
});

test('options are checked, and a wrong name is answered with the right one', () => {
  const stores = moodies();
  expect(() => new PasskeyVault({ stores, treshold: 2 } as never)).toThrow('did you mean threshold?');
  expect(() => new PasskeyVault({ stores, threshold: 4 })).toThrow('threshold must be');
  expect(() => new PasskeyVault({ stores: [stores[0]] })).toThrow('2 to 9');
  expect(() => new PasskeyVault({ stores: [stores[0], stores[0]] })).toThrow('the same id');
  let id: unknown;
  try {
    new PasskeyVault({ stores: 1 as never });
  } catch (error) {
    id = (error as { id?: string }).id;
  }
  expect(id).toBe('INVALID_OPTION');
});
