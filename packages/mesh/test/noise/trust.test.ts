import { expect, test } from '@jest/globals';
import { createKeyRecord, MemoryTrustRegistry } from '@private.me/xlink';
import { assertTrusted } from '../../src/noise/trust.js';
import { failureOf, identityOf } from '../support.js';

test('an entry without keys is told as such, not as other keys', async () => {
  const identity = await identityOf('keyless');
  const registry = new MemoryTrustRegistry();
  const done = await registry.register({ did: identity.did });
  expect(done.ok).toBe(true);
  const keys = await createKeyRecord(identity);
  const error = await failureOf(() => assertTrusted(registry, identity.did, keys, Date.now()));
  expect(error).toMatchObject({ id: 'NOISE_IDENTITY_MISMATCH:KEYS', field: 'keys' });
  expect(error.message).toContain('has no keys');
});
