import { describe, expect, test } from '@jest/globals';
import { idOf, unwrap } from '../support/results.js';
import { alice, entryOfAlice, keysOfAlice, NOT_THERE, otherKeys, stranger } from './conformance-entries.js';
import type { OpenSuite } from './conformance-keys.js';

// What is true of every trust registry, wherever it keeps its entries.

export function describeScopeChanges(suite: OpenSuite): void {
  describe('revoke, add and updateScopes', () => {
    test('a revocation is seen by the next lookup, keeps the rest, and may happen twice', async () => {
      await suite.registerAlice();
      for (const [at, each] of [...suite.doors, ...suite.doors].entries()) {
        expect(idOf(await each.revoke(alice.did))).toBe('ok');
        const revoked = { ...entryOfAlice, status: 'revoked', revision: 2 + at };
        expect(await suite.lookup(alice.did)).toStrictEqual(revoked);
      }
    });

    test('a revocation keeps its reason until the DID is brought back', async () => {
      await suite.registerAlice();
      unwrap(await suite.registry.revoke(alice.did, { reason: 'key_compromise' }));
      unwrap(await suite.door(1).revoke(alice.did));
      const revoked = { ...entryOfAlice, status: 'revoked', revocationReason: 'key_compromise' };
      expect(await suite.lookup(alice.did)).toStrictEqual({ ...revoked, revision: 3 });
      unwrap(await suite.door(1).revoke(alice.did, { reason: 'left the company' }));
      expect(await suite.lookup(alice.did)).toStrictEqual({
        ...revoked,
        revocationReason: 'left the company',
        revision: 4,
      });
      unwrap(await suite.registry.add(alice.did));
      expect(await suite.lookup(alice.did)).toStrictEqual({ ...entryOfAlice, status: 'active', revision: 5 });
    });

    test.each(['', 'a\nb', 'x'.repeat(129), 7])('%j is no reason, and revokes nobody', async (reason) => {
      await suite.registerAlice();
      const refused = await suite.registry.revoke(alice.did, { reason } as never);
      expect(refused.error).toMatchObject({ id: 'INVALID_OPTION', field: 'reason' });
      expect(await suite.lookup(alice.did)).toStrictEqual({ ...entryOfAlice, status: 'active', revision: 1 });
    });

    test('[E6] a member that does not exist is refused by name and changes nothing', async () => {
      await suite.registerAlice();
      const refusals = [
        [
          await suite.registry.add(alice.did, { scope: ['read'] } as never),
          'add: there is no option scope; did you mean scopes?',
        ],
        [
          await suite.registry.revoke(alice.did, { reasons: 'x' } as never),
          'revoke: there is no option reasons; did you mean reason?',
        ],
        [
          await suite.registry.updateScopes(alice.did, { receivescopes: [] } as never),
          'updateScopes: there is no option receivescopes; did you mean receiveScopes?',
        ],
      ] as const;
      for (const [{ error }, message] of refusals) expect(error?.message).toBe(message);
      expect(await suite.lookup(alice.did)).toStrictEqual({ ...entryOfAlice, status: 'active', revision: 1 });
    });

    test('add makes an entry, and brings a revoked one back with new scopes and what it had', async () => {
      unwrap(await suite.registry.add(stranger, { scopes: ['read'], name: 'CI' }));
      expect(await suite.lookup(stranger)).toStrictEqual({
        did: stranger,
        name: 'CI',
        sendScopes: ['read'],
        status: 'active',
        revision: 1,
      });
      await suite.registerAlice();
      unwrap(await suite.registry.revoke(alice.did));
      unwrap(await suite.door(1).add(alice.did, { scopes: ['read'] }));
      expect(await suite.lookup(alice.did)).toStrictEqual({
        ...entryOfAlice,
        sendScopes: ['read'],
        status: 'active',
        revision: 3,
      });
    });

    test('updateScopes replaces what is given, and does not bring a revoked entry back', async () => {
      await suite.registerAlice();
      unwrap(await suite.door(1).updateScopes(alice.did, { receiveScopes: ['x'] }));
      expect(await suite.lookup(alice.did)).toMatchObject({ sendScopes: ['chat'], receiveScopes: ['x'] });
      unwrap(await suite.registry.revoke(alice.did));
      unwrap(await suite.registry.updateScopes(alice.did, { scopes: [] }));
      expect(await suite.lookup(alice.did)).toStrictEqual({
        ...entryOfAlice,
        sendScopes: [],
        receiveScopes: ['x'],
        status: 'revoked',
        revision: 4,
      });
    });

    test('scopes as text are refused, and nothing changes', async () => {
      await suite.registerAlice();
      for (const scopes of ['*', [7], { 0: '*', length: 1 }] as never[]) {
        expect(idOf(await suite.registry.updateScopes(alice.did, { scopes }))).toBe('REGISTRATION_FAILED');
        expect(idOf(await suite.registry.add(alice.did, { scopes }))).toBe('REGISTRATION_FAILED');
      }
      expect(await suite.lookup(alice.did)).toStrictEqual({ ...entryOfAlice, status: 'active', revision: 1 });
    });

    test('a DID that is not there is an error', async () => {
      const results = [
        await suite.registry.revoke(stranger),
        await suite.registry.updateScopes(stranger, { scopes: [] }),
        await suite.registry.updateKeys(keysOfAlice),
      ];
      expect(results.map(idOf)).toEqual(Array(3).fill(NOT_THERE));
      expect(await suite.registry.list()).toEqual([]);
    });

    test('of different changes at once none is lost', async () => {
      await suite.registerAlice();
      const keys = await otherKeys(11);
      const results = await Promise.all([
        suite.door(0).updateScopes(alice.did, { scopes: ['s'] }),
        suite.door(1).updateScopes(alice.did, { receiveScopes: ['r'] }),
        suite.door(2).add(alice.did, { name: 'A.' }),
        suite.door(3).updateKeys(keys),
      ]);
      expect(results.map(idOf)).toEqual(Array(4).fill('ok'));
      expect(await suite.lookup(alice.did)).toStrictEqual({
        ...entryOfAlice,
        name: 'A.',
        keys,
        sendScopes: ['s'],
        receiveScopes: ['r'],
        status: 'active',
        revision: 5,
      });
    });
  });
}
