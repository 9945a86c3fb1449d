import { expect, test } from '@jest/globals';
import { PostgresClientStore, PostgresModeStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import pg from 'pg';
import { optionRefusedBy } from '../../support/results.js';

test('a single client is no pool, and the stores say so', async () => {
  const pool = new pg.Client() as never;
  for (const make of [
    () => new PostgresModeStore({ pool }),
    () => new PostgresClientStore({ pool }),
    () => new PostgresTrustRegistry({ pool }),
  ])
    expect(await optionRefusedBy(make)).toBe('pool');
});
