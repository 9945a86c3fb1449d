import { describe, expect, test } from '@jest/globals';
import { createKeyRecord } from '@private.me/xlink';
import type { EnterpriseTrustRegistry } from '@private.me/xlink/server';
import { errorOf, idOf, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';
import { ALICE, alice, BOB, central, events, remembered, restarted, site, start } from './support.js';

const CHANGED = 'REGISTRATION_FAILED:CHANGED_MEANWHILE';

const backUp = (registry: EnterpriseTrustRegistry) => {
  site.mood = 'up';
  return until(() => registry.waiting === 0, { withinMs: 10_000 });
};
const conflicts = () => events.filter(({ type }) => type === 'conflict');

describe('a change on a condition', () => {
  test('is the central registry’s to judge while it is up', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    expect(idOf(await registry.revoke(ALICE, { ifRevision: 2 }))).toBe(CHANGED);
    unwrap(await central.updateScopes(ALICE, { scopes: ['other'] }));
    expect(idOf(await registry.updateScopes(ALICE, { scopes: [], ifRevision: 1 }))).toBe(CHANGED);
    unwrap(await registry.updateKeys(await createKeyRecord(alice), { ifRevision: 2 }));
    unwrap(await registry.add(ALICE, { ifRevision: 3 }));
    expect(central.lookup(ALICE)?.revision).toBe(4);
    expect(events).toEqual([]);
  });

  test('that was made counts here, whatever the file knew of the entry', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    unwrap(await central.updateScopes(ALICE, { scopes: ['other'] }));
    unwrap(await registry.revoke(ALICE, { ifRevision: 2 }));
    site.mood = 'down';
    for (const each of [registry, await restarted()]) {
      const entry = await each.lookup(ALICE);
      expect(entry?.status).toBe('revoked');
      expect(entry).not.toHaveProperty('revision'); // nobody here can know it
    }
  });

  test('waits for the registry, counts meanwhile, and is made', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE, { ifRevision: 1 }));
    const entry = await registry.lookup(ALICE);
    expect(entry?.status).toBe('revoked');
    expect(entry).not.toHaveProperty('revision');
    const [listed] = await registry.list();
    expect(listed).toStrictEqual(entry);
    await backUp(registry);
    expect(central.lookup(ALICE)).toMatchObject({ status: 'revoked', revision: 2 });
    expect((await registry.lookup(ALICE))?.revision).toBe(2);
    expect(conflicts()).toEqual([]);
  });

  test('is not made, and reported, if the entry was changed before the registry was back', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.updateScopes(ALICE, { scopes: ['mine'], ifRevision: 1 }));
    unwrap(await central.updateScopes(ALICE, { scopes: ['theirs'] }));
    await backUp(registry);
    expect(central.lookup(ALICE)?.sendScopes).toEqual(['theirs']);
    expect(conflicts()).toMatchObject([{ operation: 'updateScopes', did: ALICE, error: { id: CHANGED } }]);
  });

  test('is refused at once where the entry is at another revision, or others wait for it', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    expect(idOf(await registry.revoke(ALICE, { ifRevision: 2 }))).toBe(CHANGED);
    unwrap(await registry.updateScopes(ALICE, { scopes: ['b'] }));
    expect(idOf(await registry.revoke(ALICE, { ifRevision: 1 }))).toBe(CHANGED);
    expect(registry.waiting).toBe(1);
  });

  test('about a DID that is not known here may be right elsewhere', async () => {
    const registry = start();
    await registry.ready();
    unwrap(await central.register({ did: BOB }));
    site.mood = 'down';
    unwrap(await registry.revoke(BOB, { ifRevision: 1 }));
    await backUp(registry);
    expect(central.lookup(BOB)?.status).toBe('revoked');
  });

  test.each([-1, 1.5, '1', Number.POSITIVE_INFINITY, null])('cannot be %j', async (ifRevision) => {
    const registry = start();
    await remembered(registry, ALICE);
    for (const mood of ['up', 'down'] as const) {
      site.mood = mood;
      const options = { ifRevision } as never;
      for (const refused of [
        await registry.add(ALICE, options),
        await registry.revoke(ALICE, options),
        await registry.updateScopes(ALICE, options),
        await registry.updateKeys(await createKeyRecord(alice), options),
      ])
        expect(errorOf(refused)).toMatchObject({ id: 'INVALID_OPTION', field: 'ifRevision' });
    }
    expect(registry.waiting).toBe(0);
  });
});

test('changes without a condition are made with that of the entry when they are made, and in order', async () => {
  const registry = start();
  await remembered(registry, ALICE);
  site.mood = 'down';
  unwrap(await registry.updateScopes(ALICE, { scopes: ['b'] }));
  unwrap(await registry.revoke(ALICE));
  unwrap(await central.updateScopes(ALICE, { receiveScopes: ['theirs'] }));
  await backUp(registry);
  expect(central.lookup(ALICE)).toMatchObject({
    sendScopes: ['b'],
    receiveScopes: ['theirs'],
    status: 'revoked',
    revision: 4,
  });
  expect(conflicts()).toEqual([]);
});
