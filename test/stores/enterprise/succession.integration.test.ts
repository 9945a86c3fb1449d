import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, createSuccession } from '@private.me/xlink';
import { identityOf } from '../../support/agents.js';
import { errorOf, idOf, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';
import { ALICE, alice, central, remembered, site, start, typesOf } from './support.js';

const next = await identityOf('alice, next');

const made = async () => {
  const keys = await createKeyRecord(next);
  return [await createSuccession(alice, next, { keys }), keys] as const;
};

describe('a succession', () => {
  test('is not queued while the registry is down: which came first, it alone can say', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    const refused = errorOf(await registry.succeed(...(await made())));
    expect([refused.id, refused.cause !== undefined, registry.waiting]).toEqual([
      'REGISTRATION_FAILED',
      true,
      0,
    ]);
    expect(typesOf()).not.toContain('queued');
    expect((await registry.lookup(ALICE))?.succeededBy).toBeUndefined();
  });

  test('whose answer got lost is made again, and nothing changes', async () => {
    const registry = start({ retryMs: 1 });
    await remembered(registry, ALICE);
    const statement = await made();
    site.mood = 'deaf to changes';
    expect(errorOf(await registry.succeed(...statement)).id).toBe('REGISTRATION_FAILED');
    expect(central.lookup(ALICE)?.succeededBy?.to).toBe(next.did);
    site.mood = 'up';
    await until(async () => idOf(await registry.succeed(...statement)) === 'ok', { withinMs: 10_000 });
    expect(central.lookup(next.did)?.predecessors).toEqual([ALICE]);
  });

  test('counts from the file when the registry is away afterwards', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    unwrap(await registry.succeed(...(await made())));
    site.mood = 'down';
    expect((await registry.lookup(ALICE))?.succeededBy?.to).toBe(next.did);
    expect(await registry.lookup(next.did)).toMatchObject({ sendScopes: ['chat'], predecessors: [ALICE] });
  });

  test('does not overtake a revocation that waits', async () => {
    const registry = start({ retryMs: 1 });
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE, { successors: true }));
    site.mood = 'up';
    const statement = await made();
    await until(async () => idOf(await registry.succeed(...statement)) === 'LOOKUP_FAILED:DID_REVOKED', {
      withinMs: 10_000,
    });
    expect([central.lookup(ALICE)?.status, central.lookup(next.did)]).toEqual(['revoked', undefined]);
  });

  test('a revocation of successors counts from the file when the registry is away afterwards', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    unwrap(await registry.succeed(...(await made())));
    unwrap(await registry.revoke(ALICE, { successors: true, reason: 'key_compromise' }));
    site.mood = 'down';
    for (const did of [ALICE, next.did])
      expect(await registry.lookup(did)).toMatchObject({
        status: 'revoked',
        revocationReason: 'key_compromise',
      });
  });

  test('a revocation of successors that waited ends them, too', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    unwrap(await registry.succeed(...(await made())));
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE, { successors: true }));
    site.mood = 'up';
    await until(() => central.lookup(next.did)?.status === 'revoked', { withinMs: 10_000 });
    expect(central.lookup(ALICE)?.status).toBe('revoked');
  });
});
