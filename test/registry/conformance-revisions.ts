import { describe, expect, test } from '@jest/globals';
import type { Did, ManagedTrustRegistry, Result } from '@private.me/xlink';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { alice, keysOfAlice, NOT_THERE, otherKeys, stranger } from './conformance-entries.js';
import type { OpenSuite } from './conformance-keys.js';

// What is true of every trust registry, wherever it keeps its entries.

const CHANGED = 'REGISTRATION_FAILED:CHANGED_MEANWHILE';

/** Each kind of change that takes a condition, made to the entry of Alice. */
const CONDITIONAL: Record<
  string,
  (registry: ManagedTrustRegistry, ifRevision?: number) => Promise<Result<void>> | Result<void>
> = {
  add: (registry, ifRevision) => registry.add(alice.did, { scopes: ['late'], ...condition(ifRevision) }),
  revoke: (registry, ifRevision) => registry.revoke(alice.did, { reason: 'late', ...condition(ifRevision) }),
  updateScopes: (registry, ifRevision) =>
    registry.updateScopes(alice.did, { scopes: ['late'], ...condition(ifRevision) }),
  updateKeys: async (registry, ifRevision) => registry.updateKeys(await otherKeys(20), condition(ifRevision)),
};
const NAMES = Object.keys(CONDITIONAL);
const condition = (ifRevision: number | undefined) => (ifRevision === undefined ? {} : { ifRevision });

export function describeRevisions(suite: OpenSuite): void {
  describe('revisions', () => {
    const revisionOf = async (did: Did) => (await suite.lookup(did))?.revision;

    test.each(NAMES)('every change counts, whoever makes it: %s', async (name) => {
      await suite.registerAlice();
      for (const revision of [1, 2, 3]) {
        expect(await revisionOf(alice.did)).toBe(revision);
        unwrap(await suite.door(revision).updateScopes(alice.did, { scopes: [`${revision}`] }));
      }
      unwrap(await CONDITIONAL[name]!(suite.registry));
      expect(await revisionOf(alice.did)).toBe(5);
    });

    test.each(NAMES)(
      '%s on a condition is made if nothing changed meanwhile, and only then',
      async (name) => {
        const make = CONDITIONAL[name]!;
        await suite.registerAlice();
        unwrap(await suite.door(1).updateScopes(alice.did, { scopes: ['now'] }));
        const before = await suite.lookup(alice.did);
        for (const ifRevision of [0, 1, 3, Number.MAX_SAFE_INTEGER])
          expect(errorOf(await make(suite.registry, ifRevision))).toMatchObject({ id: CHANGED, status: 409 });
        expect(await suite.lookup(alice.did)).toStrictEqual(before);
        expect(idOf(await make(suite.door(1), 2))).toBe('ok');
        expect(await revisionOf(alice.did)).toBe(3);
        expect(idOf(await make(suite.registry, 2))).toBe(CHANGED); // as a request that comes twice
      },
    );

    test('of many on the same condition exactly one is made', async () => {
      await suite.registerAlice();
      const ids = await Promise.all(
        Array.from({ length: 20 }, async (_, at) =>
          idOf(await suite.door(at).updateScopes(alice.did, { scopes: [`${at}`], ifRevision: 1 })),
        ),
      );
      expect(ids.filter((id) => id !== CHANGED)).toEqual(['ok']);
      expect(await suite.lookup(alice.did)).toMatchObject({
        sendScopes: [`${ids.indexOf('ok')}`],
        revision: 2,
      });
    });

    test('what changes nothing ends all earlier conditions none the less', async () => {
      await suite.registerAlice();
      unwrap(await suite.registry.revoke(alice.did));
      unwrap(await suite.door(1).revoke(alice.did)); // it was revoked already
      expect(idOf(await suite.registry.add(alice.did, { ifRevision: 2 }))).toBe(CHANGED);
      unwrap(await suite.registry.updateKeys(keysOfAlice, { ifRevision: 3 })); // those that are there
      expect(idOf(await suite.door(1).updateScopes(alice.did, { scopes: [], ifRevision: 3 }))).toBe(CHANGED);
      expect(await suite.lookup(alice.did)).toMatchObject({
        status: 'revoked',
        keys: keysOfAlice,
        revision: 4,
      });
    });

    test('0 is the revision of what is not there', async () => {
      expect(idOf(await suite.registry.add(stranger, { ifRevision: 1 }))).toBe(CHANGED);
      expect(idOf(await suite.registry.revoke(stranger, { ifRevision: 0 }))).toBe(NOT_THERE);
      expect(await suite.lookup(stranger)).toBeUndefined();
      unwrap(await suite.registry.add(stranger, { ifRevision: 0 }));
      expect(idOf(await suite.door(1).add(stranger, { ifRevision: 0 }))).toBe(CHANGED);
      expect(await revisionOf(stranger)).toBe(1);
    });

    test.each<[string, unknown]>([
      ['a negative number', -1],
      ['half a number', 1.5],
      ['text', '1'],
      ['Infinity', Number.POSITIVE_INFINITY],
      ['NaN', Number.NaN],
      ['more than can be counted', 2 ** 53],
      ['null', null],
      ['a list', [1]],
      ['a big integer', 1n],
    ])('%s is no revision, and changes nothing', async (_, ifRevision) => {
      await suite.registerAlice();
      const before = await suite.lookup(alice.did);
      for (const name of NAMES) {
        const error = errorOf(await CONDITIONAL[name]!(suite.registry, ifRevision as number));
        expect(error).toMatchObject({ id: 'INVALID_OPTION', field: 'ifRevision' });
      }
      expect(await suite.lookup(alice.did)).toStrictEqual(before);
    });

    test('[E6] a misspelled condition is refused by name', async () => {
      await suite.registerAlice();
      const { error } = await suite.registry.updateKeys(await otherKeys(20), { ifRevison: 1 } as never);
      expect(error?.message).toBe('updateKeys: there is no option ifRevison; did you mean ifRevision?');
      expect(await revisionOf(alice.did)).toBe(1);
    });
  });
}
