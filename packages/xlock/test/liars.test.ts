// One store lies, in any byte: the others sign, and it alone is blamed. The key of the DID decides where shares disagree.
import { expect, test } from '@jest/globals';
import { passkeyName } from '../src/index.js';
import { agreements } from '../src/passkey/agreement.js';
import { goodShares } from '../src/passkey/open-shares.js';
import { decodeShare, encodeShares } from '../src/passkey/share-format.js';
import { work } from '../src/passkey/tasks.js';
import { isSignedBy } from '../src/util/signed-by.js';
import { idOf, moodies, vaultOn } from './support.js';

const owner = { service: 'https://acme.com', userId: 'ada' };
const message = Buffer.from('sign this');

async function split(threshold: number, total: number) {
  const stores = moodies(total);
  const vault = vaultOn(stores, { threshold });
  const { did } = await vault.generatePasskey(owner);
  return { stores, vault, did, shares: stores.map((store) => store.get(passkeyName(owner))!) };
}

/** The shares, with some bits of one byte of one of them changed. */
const changed = (shares: readonly Uint8Array[], liar: number, at: number, mask = 1) =>
  shares.map((share, one) => {
    const copy = Uint8Array.from(share);
    if (one === liar) copy[at]! ^= mask;
    return copy;
  });

test.each([
  [2, 3],
  [2, 4],
  [3, 5],
])('%i of %i: each byte of each share that is changed is blamed on its store alone', async (k, n) => {
  const { shares } = await split(k, n);
  for (const [liar, share] of shares.entries())
    for (let at = 0; at < share.length; at++) {
      const { good, bad, stale } = goodShares(changed(shares, liar, at), owner);
      expect([liar, at, good.length, ...bad, ...stale]).toEqual([liar, at, n - 1, liar]);
    }
});

test('2 of 3: with each byte changed it signs as before', async () => {
  const { shares, did } = await split(2, 3);
  for (let at = 0; at < shares[1]!.length; at++) {
    const task = { kind: 'use', owner, shares: changed(shares, 1, at, 0x80), message } as const;
    const { signature, bad, stale } = await work(task, () => {});
    expect([at, isSignedBy(did, message, signature), ...bad, ...stale]).toEqual([at, true, 1]);
  }
});

test('a share that claims to be enough alone is none, and the others are believed', async () => {
  const { stores, vault, did } = await split(2, 3);
  const alone = {
    groupId: 'A'.repeat(22),
    index: 0,
    totalShares: 1,
    threshold: 1,
    scheme: 'shamir',
    length: 32,
    pieces: [],
    tag: new Uint8Array(32),
  } as const;
  const meta = { ...owner, did: 'did:key:z6Mkforged', verifier: 'did:key:z6Mkforged' };
  stores[0].put(passkeyName(owner), encodeShares(meta, 2 ** 50, [alone])[0]!);
  const audit = await vault.audit(owner);
  expect(audit.stores.map(({ state }) => state)).toEqual(['bad', 'good', 'good']);
  expect(await vault.describe(owner)).toMatchObject({ did });
  expect((await vault.signChallenge({ ...owner, message })).meta).toMatchObject({ did });
});

test('the vault names the liar, in what it signs and in its audit', async () => {
  const { stores, vault, did, shares } = await split(2, 3);
  const groupId = 8 + Buffer.from(shares[1]!).indexOf(Buffer.from([0, 0, 0, 16]));
  for (const at of [10, groupId, 361, 392, 401, 432]) {
    stores[1].put(passkeyName(owner), changed(shares, 1, at)[1]!);
    const { signature, faulty } = await vault.signChallenge({ ...owner, message });
    expect([at, isSignedBy(did, message, signature), faulty]).toEqual([at, true, ['store-1']]);
    const audit = await vault.audit(owner);
    expect([at, audit.stores.map(({ state }) => state)]).toEqual([at, ['good', 'bad', 'good']]);
  }
});

test('an audit does not believe the threshold of a share that was changed', async () => {
  const asking = async (threshold: number, total: number, mask: number) => {
    const { stores, vault, shares } = await split(threshold, total);
    const lie = threshold ^ mask;
    const at = shares[1]!.findIndex(
      (_, one) => decodeShare(changed(shares, 1, one, mask)[1]!)?.share.threshold === lie,
    );
    stores[1].put(passkeyName(owner), changed(shares, 1, at, mask)[1]!);
    for (const store of stores.slice(3)) store.delete(passkeyName(owner));
    return vault.audit(owner);
  };
  expect(await asking(2, 3, 1)).toMatchObject({ good: 2, threshold: 2, spare: 0, lacking: 0 });
  expect(await asking(3, 5, 7)).toMatchObject({ good: 0, threshold: 3, lacking: 3 }); // nobody can tell who lies
});

test('two of five lie: the three honest ones sign', async () => {
  const { shares } = await split(3, 5);
  const last = shares[0]!.length - 1; // in the tags
  const { good, bad } = goodShares(changed(changed(shares, 0, last), 3, last), owner);
  expect([good.map(({ share }) => share.index), bad]).toEqual([
    [1, 2, 4],
    [0, 3],
  ]);
});

test('as many as it takes forge a splitting of a key of their own: the DID decides', async () => {
  const { stores, vault, did, shares } = await split(2, 4);
  const forged = await split(2, 4);
  for (const at of [0, 1]) stores[at]!.put(passkeyName(owner), forged.shares[at]!);
  const { signature, faulty } = await vault.signChallenge({ ...owner, message, did });
  expect([isSignedBy(did, message, signature), faulty]).toEqual([true, ['store-0', 'store-1']]);
  expect(shares).toHaveLength(4);
});

test('a share that is there twice does not push the others aside', async () => {
  const { shares } = await split(2, 3);
  const { good } = goodShares([shares[1]!, shares[1]!, shares[2]!], owner);
  expect(good.map(({ share }) => share.index)).toEqual([1, 2]);
});

test('where nobody can tell nothing is put together, and nobody is called bad', async () => {
  const { stores, vault, shares } = await split(2, 3);
  stores[2].mood = 'down';
  stores[1].put(passkeyName(owner), changed(shares, 1, 200)[1]!);
  expect(
    agreements(
      changed(shares, 1, 200)
        .slice(0, 2)
        .map((share) => decodeShare(share)!),
    ),
  ).toEqual([]);
  const failed = vault.signChallenge({ ...owner, message });
  expect(await idOf(failed)).toBe('PASSKEY_HMAC_MISMATCH');
  await expect(failed).rejects.toMatchObject({
    details: { bad: [], doubted: ['store-0', 'store-1'], problems: [{ id: 'store-2', reason: 'down' }] },
  });
  const { stores: rows, good, spare, lacking } = await vault.audit(owner);
  expect(rows.map(({ state }) => state)).toEqual(['unchecked', 'unchecked', 'unavailable']);
  expect({ good, spare, lacking }).toEqual({ good: 0, spare: 0, lacking: 2 });
});
