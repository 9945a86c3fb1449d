// Proofs of what became of a passkey: a chain of HMACs, and commitments that are opened.
import { expect, test } from '@jest/globals';
import {
  commitSplit,
  openCommitment,
  proveSignature,
  proveSplit,
  verifyHmacProof,
  verifyPurged,
  verifySplit,
} from '../src/index.js';
import { clockAt, idOf, moodies, ORIGIN, seedOf, vaultOn } from './support.js';

const owner = { service: ORIGIN, userId: 'ada' };
const key = seedOf('auditor');
const message = Buffer.from('sign this');

test('a chain of HMACs: split, put together, signed, overwritten', async () => {
  const vault = vaultOn(moodies());
  const { passkey, proof: split } = await proveSplit({ ...owner, vault, key, clock: clockAt() });
  const { did } = passkey;
  expect(verifyHmacProof(JSON.parse(JSON.stringify(split)), { key, did })).toMatchObject([
    { step: 'split', facts: { totalShares: 3, threshold: 2, good: 3 } },
  ]);
  const { proof, signature, isWiped } = await proveSignature({ ...owner, vault, key, message });
  expect(isWiped).toBe(true);
  const signed = { message, signature };
  expect(verifyHmacProof(proof, { key, did, signed }).map(({ step }) => step)).toEqual([
    'reconstruct',
    'sign',
    'purge',
  ]);
  expect(JSON.stringify(proof).length).toBeLessThan(800);

  const id = (value: unknown, about: Partial<Parameters<typeof verifyHmacProof>[1]> = {}) =>
    idOf(() => verifyHmacProof(value, { key, did, signed, ...about }));
  const [first, second, third] = proof.entries;
  expect(await id({ ...proof, entries: [first, third] })).toBe('PROOF_INVALID'); // one was left out
  expect(await id({ ...proof, entries: [first, second] })).toBe('PROOF_INVALID'); // the end was cut off
  expect(await id({ ...proof, entries: [first, second, { ...third, facts: { isWiped: false } }] })).toBe(
    'PROOF_INVALID',
  );
  expect(await id(proof, { key: seedOf('another auditor') })).toBe('PROOF_INVALID');
  expect(await id(proof, { signed: { message: Buffer.from('another'), signature } })).toBe('PROOF_INVALID');
  expect(await id({ ...proof, did: 'did:key:z6Mk' })).toBe('PROOF_INVALID');
  expect(await id({})).toBe('PROOF_INVALID');
  expect(await id(split)).toBe('PROOF_INVALID');
  expect(await id(proof, { key: new Uint8Array(8) })).toBe('INVALID_OPTION');
});

test('commitments say nothing until they are opened, and K of them give the key that was registered', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  const { did } = await vault.generatePasskey(owner);
  const { commitment, blinds } = await commitSplit({ ...owner, vault, stores, did });
  const published = JSON.parse(JSON.stringify(commitment));
  expect(Object.keys(commitment.commitments)).toEqual(['store-0', 'store-1', 'store-2']);
  const openings = await Promise.all(stores.map((store) => openCommitment(commitment, store, blinds)));
  expect(await verifySplit(published, [])).toEqual({ opened: 0, isKey: false });
  expect(await verifySplit(published, openings.slice(0, 1))).toEqual({ opened: 1, isKey: false });
  expect(await verifySplit(published, openings)).toEqual({ opened: 3, isKey: true });

  const swapped = [{ ...openings[0]!, share: openings[1]!.share }];
  expect(await idOf(verifySplit(published, swapped))).toBe('PROOF_INVALID');
  expect(await idOf(verifySplit(published, [openings[0]!, openings[0]!]))).toBe('PROOF_INVALID');
  expect(await idOf(verifySplit({ ...published, at: 1 }, openings))).toBe('PROOF_INVALID');
  expect(await idOf(verifySplit({}, []))).toBe('PROOF_INVALID');

  // Whoever commits to shares of something else is found out when they are opened.
  const others = moodies();
  await vaultOn(others).generatePasskey(owner);
  const liar = await commitSplit({ ...owner, vault, stores: others, did });
  const lie = await openCommitment(liar.commitment, others[0], liar.blinds);
  expect(await idOf(verifySplit(liar.commitment, [lie]))).toBe('PROOF_INVALID');
});

test('old shares are gone from the stores after a rotation, as far as the stores say', async () => {
  const stores = moodies();
  const vault = vaultOn(stores);
  const { did } = await vault.generatePasskey(owner);
  const { commitment, blinds } = await commitSplit({ ...owner, vault, stores, did });
  expect(await verifyPurged(commitment, blinds, stores)).toEqual({
    'store-0': 'there',
    'store-1': 'there',
    'store-2': 'there',
  });
  stores[2].mood = 'full'; // it does not take the new share, and keeps the old one
  await vault.rotate(owner);
  stores[1].mood = 'down';
  expect(await verifyPurged(commitment, blinds, stores)).toEqual({
    'store-0': 'gone',
    'store-1': 'unavailable',
    'store-2': 'there',
  });
});
