import { expect, test } from '@jest/globals';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { Identity, mlDsa65SeedOf } from '@private.me/xlink';

const seed = new Uint8Array(32).fill(7);

test('the seed makes the very key of the identity, elsewhere too', async () => {
  const identity = await Identity.fromSeed(seed, { maxVersion: 3 });
  const { publicKey } = ml_dsa65.keygen(await mlDsa65SeedOf(identity));
  expect(publicKey).toEqual(Uint8Array.from(identity.mlDsa65!.publicKey));
});

test.each([1, 2] as const)('an identity of version %d has none', async (maxVersion) => {
  const identity = await Identity.fromSeed(seed, { maxVersion });
  await expect(mlDsa65SeedOf(identity)).rejects.toMatchObject({ id: 'INVALID_OPTION', field: 'identity' });
  await expect(mlDsa65SeedOf({} as Identity)).rejects.toMatchObject({ id: 'INVALID_OPTION' });
});
