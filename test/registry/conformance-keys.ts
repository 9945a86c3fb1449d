import { describe, expect, test } from '@jest/globals';
import {
  createKeyRecord,
  type Did,
  type KeyRecord,
  type ManagedTrustRegistry,
  type RegistryEntry,
} from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { idOf, unwrap } from '../support/results.js';
import { alice, entryOfAlice, keysOfAlice, otherKeys } from './conformance-entries.js';

/** What the suite has opened for the test that runs. */
export interface OpenSuite {
  readonly registry: ManagedTrustRegistry;
  /** All doors to the same entries. */
  readonly doors: readonly ManagedTrustRegistry[];
  /** One of them. */
  door(at: number): ManagedTrustRegistry;
  /** As every door sees it. */
  lookup(did: Did): Promise<RegistryEntry | undefined>;
  registerAlice(): Promise<unknown>;
}

export function describeKeyUpdates(suite: OpenSuite): void {
  describe('updateKeys', () => {
    const keysNow = async (): Promise<KeyRecord | undefined> => (await suite.lookup(alice.did))?.keys;

    test('takes newer keys and touches nothing else', async () => {
      await suite.registerAlice();
      const keys = await otherKeys(11);
      unwrap(await suite.door(1).updateKeys(keys));
      expect(await suite.lookup(alice.did)).toStrictEqual({
        ...entryOfAlice,
        keys,
        status: 'active',
        revision: 2,
      });
    });

    test('gives keys to an entry that had none', async () => {
      unwrap(await suite.registry.add(alice.did));
      unwrap(await suite.registry.updateKeys(keysOfAlice));
      expect(await keysNow()).toStrictEqual(keysOfAlice);
    });

    test.each([
      ['older keys', 9],
      ['other keys of the same epoch', 10],
    ])('refuses %s', async (_, epoch) => {
      await suite.registerAlice();
      expect(idOf(await suite.registry.updateKeys(await otherKeys(epoch)))).toBe('KEY_RECORD_ROLLED_BACK');
      expect(await keysNow()).toStrictEqual(keysOfAlice);
    });

    test('of the same keys only lets the epoch rise', async () => {
      await suite.registerAlice();
      for (const epoch of [5, 10, 20, 15])
        expect(idOf(await suite.registry.updateKeys(await createKeyRecord(alice, { epoch })))).toBe('ok');
      expect((await keysNow())?.epoch).toBe(20);
    });

    test('refuses to lose a post-quantum key, and what its DID did not sign', async () => {
      await suite.registerAlice();
      const classical = await createKeyRecord(await identityOf('alice', 1), { epoch: 11 });
      expect(idOf(await suite.registry.updateKeys(classical))).toBe('KEY_RECORD_DOWNGRADED');
      const forged = { ...(await otherKeys(11)), epoch: 12 };
      expect(idOf(await suite.registry.updateKeys(forged))).toBe('KEY_RECORD_INVALID');
      expect(await keysNow()).toStrictEqual(keysOfAlice);
    });

    test('of many at once keeps the newest, whoever comes last', async () => {
      await suite.registerAlice();
      const epochs = [14, 19, 11, 30, 12, 25, 13, 28, 17, 22];
      const records = await Promise.all(epochs.map((epoch) => otherKeys(epoch, `keys-${epoch}`)));
      const ids = (await Promise.all(records.map((keys, at) => suite.door(at).updateKeys(keys)))).map(idOf);
      expect(ids[3]).toBe('ok');
      expect(new Set(ids.filter((id) => id !== 'ok'))).toEqual(
        new Set(ids.includes('KEY_RECORD_ROLLED_BACK') ? ['KEY_RECORD_ROLLED_BACK'] : []),
      );
      expect(await keysNow()).toStrictEqual(records[3]);
    });

    test('does not bring a revoked entry back', async () => {
      await suite.registerAlice();
      unwrap(await suite.registry.revoke(alice.did));
      unwrap(await suite.registry.updateKeys(await otherKeys(11)));
      expect((await suite.lookup(alice.did))?.status).toBe('revoked');
    });
  });
}
