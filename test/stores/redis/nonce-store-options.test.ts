import { describe, expect, test } from '@jest/globals';
import { RedisNonceStore } from '@private.me/xlink';
import { thrownBy } from '../../support/results.js';
import { fakeClient, verified } from './nonce-clients.js';

describe('options', () => {
  const client = fakeClient({ EVAL: async () => verified('1 run replication 0') });

  test.each([
    ['keyPrefix', ['', 'a b', '{a}', 'a{', '}a', 'a\n', 'x'.repeat(129), 1, null]],
    ['ttlSeconds', [0, -1, 1.5, NaN, Infinity, '600', null, 31_536_001]],
    ['timeoutMs', [0, -1, 1.5, NaN, Infinity, '250', null, 60_001]],
    ['client', [undefined]],
    ['clock', [0, '', null, new Date()]],
  ])('%s is checked', async (field, values) => {
    for (const value of values) {
      const error = await thrownBy(() => new RedisNonceStore({ client, [field]: value } as never));
      expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
    }
  });

  test('a misspelt one is an error with a suggestion', async () => {
    const error = await thrownBy(() => new RedisNonceStore({ client, ttlSecond: 5 } as never));
    expect(error).toMatchObject({ id: 'INVALID_OPTION', hint: expect.stringContaining('ttlSeconds') });
  });
});
