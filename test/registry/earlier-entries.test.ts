import { expect, test } from '@jest/globals';
import type { Did, RegistryEntry } from '@private.me/xlink';
import { EntryRegistry, type EntryRule, parseEntry } from '@private.me/xlink/server';
import { idOf, unwrap } from '../support/results.js';
import { alice } from './conformance-entries.js';

/** A registry of one entry that an earlier build wrote. */
class Earlier extends EntryRegistry {
  json = JSON.stringify({ did: alice.did, sendScopes: ['a'], status: 'active' });

  lookup(did: Did): RegistryEntry {
    return parseEntry(this.json, did);
  }

  list(): RegistryEntry[] {
    return [this.lookup(alice.did)];
  }

  protected async change(did: Did, rule: EntryRule): Promise<void> {
    this.json = JSON.stringify(rule(this.lookup(did)));
  }
}

test('an entry of an earlier build has no revision, counts as 0, and rises from there', async () => {
  const registry = new Earlier();
  expect(registry.lookup(alice.did)).not.toHaveProperty('revision');
  expect(idOf(await registry.revoke(alice.did, { ifRevision: 1 }))).toBe(
    'REGISTRATION_FAILED:CHANGED_MEANWHILE',
  );
  unwrap(await registry.revoke(alice.did, { ifRevision: 0 }));
  expect(registry.lookup(alice.did)).toStrictEqual({
    did: alice.did,
    sendScopes: ['a'],
    status: 'revoked',
    revision: 1,
  });
  unwrap(await registry.add(alice.did));
  expect(registry.lookup(alice.did).revision).toBe(2);
});
