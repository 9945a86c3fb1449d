import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, createSuccession, type Identity, type Succession } from '@private.me/xlink';
import { hashOfDid } from '../../src/identity/succession.js';
import { decodeBase64url } from '../../src/util/base64url.js';
import { identityOf } from '../support/agents.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import type { OpenSuite } from './conformance-keys.js';

const named = (name: string) => identityOf(`succession ${name}`);

/** The statement and the record of the new DID. */
async function move(
  from: Identity,
  to: Identity,
  options: { clock?: () => number; overlapMs?: number } = {},
) {
  const keys = await createKeyRecord(to);
  return [await createSuccession(from, to, { ...options, keys }), keys] as const;
}

const RIGHTS = {
  name: 'Orders',
  organization: 'acme',
  capabilities: ['search'],
  sendScopes: ['orders:read'],
  receiveScopes: ['in'],
  xchange: true,
} as const;

const commitTo = async (who: Identity, next: Identity) =>
  createKeyRecord(who, { epoch: 10, next: decodeBase64url(await hashOfDid(next.did))! });

export function describeSuccessions(suite: OpenSuite): void {
  describe('succeed', () => {
    const registerOld = async (old: Identity, more: object = {}) =>
      unwrap(
        await suite.registry.register({ did: old.did, keys: await createKeyRecord(old), ...RIGHTS, ...more }),
      );

    test('moves rights, name and organization, and nothing grows', async () => {
      const [old, next] = [await named('a'), await named('b')];
      await registerOld(old);
      const [succession, keys] = await move(old, next);
      unwrap(await suite.door(1).succeed!(succession, keys));
      expect(await suite.lookup(next.did)).toStrictEqual({
        did: next.did,
        ...RIGHTS,
        keys,
        status: 'active',
        revision: 1,
        predecessors: [old.did],
      });
      expect(await suite.lookup(old.did)).toMatchObject({
        ...RIGHTS,
        status: 'active',
        revision: 2,
        succeededBy: succession,
      });
    });

    test('is made only at the revision of the old entry that was named', async () => {
      const [old, next] = [await named('a'), await named('b')];
      await registerOld(old);
      const made = await move(old, next);
      for (const ifRevision of [0, 2])
        expect(idOf(await suite.registry.succeed!(...made, { ifRevision }))).toBe(
          'REGISTRATION_FAILED:CHANGED_MEANWHILE',
        );
      expect(errorOf(await suite.registry.succeed!(...made, { ifRevision: -1 }))).toMatchObject({
        id: 'INVALID_OPTION',
        field: 'ifRevision',
      });
      expect([(await suite.lookup(old.did))?.revision, await suite.lookup(next.did)]).toEqual([1, undefined]);
      unwrap(await suite.registry.succeed!(...made, { ifRevision: 1 }));
      const late = await suite.door(1).updateScopes(old.did, { scopes: [], ifRevision: 1 });
      expect(idOf(late)).toBe('REGISTRATION_FAILED:CHANGED_MEANWHILE');
    });

    test('the same statement once more changes nothing', async () => {
      const [old, next] = [await named('a'), await named('b')];
      await registerOld(old);
      const made = await move(old, next);
      for (let at = 0; at < 3; at++) expect(idOf(await suite.door(at).succeed!(...made))).toBe('ok');
      unwrap(await suite.registry.updateScopes(next.did, { scopes: [] }));
      expect(idOf(await suite.registry.succeed!(...made))).toBe('ok');
      expect((await suite.lookup(next.did))?.sendScopes).toEqual([]);
    });

    test('of two that are handed in at once the first one wins, through whichever door', async () => {
      for (let round = 0; round < 3; round++) {
        const [old, b, c] = [
          await named(`race ${round}`),
          await named(`b${round}`),
          await named(`c${round}`),
        ];
        await registerOld(old);
        const moves = [await move(old, b), await move(old, c)];
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, at) => suite.door(at % 3).succeed!(...moves[at % 2]!)),
        );
        const { to } = (await suite.lookup(old.did))!.succeededBy!;
        const winner = to === b.did ? 0 : 1;
        expect(results.map(idOf)).toEqual(
          results.map((_, at) => (at % 2 === winner ? 'ok' : 'SUCCESSION_CONFLICT')),
        );
        expect(await suite.lookup([c, b][winner]!.did)).toBeUndefined();
        expect((await suite.lookup(to))?.status).toBe('active');
      }
    });

    test('of two DIDs that one is to succeed, one stays as it was', async () => {
      const [a, b, next] = [await named('a'), await named('b'), await named('n')];
      await registerOld(a);
      await registerOld(b);
      const moves = [await move(a, next), await move(b, next)];
      const ids = (await Promise.all(moves.map((made, at) => suite.door(at).succeed!(...made)))).map(idOf);
      expect([...ids].sort()).toEqual(['SUCCESSION_INVALID:IN_USE', 'ok']);
      const loser = ids[0] === 'ok' ? b : a;
      expect((await suite.lookup(loser.did))?.succeededBy).toBeUndefined();
      expect((await suite.lookup(next.did))?.predecessors).toEqual([loser === a ? b.did : a.did]);
    });

    test('refuses a DID that is in use, whoever has it, and so a loop', async () => {
      const [a, b, other] = [await named('a'), await named('b'), await named('other')];
      await registerOld(a);
      unwrap(await suite.registry.add(other.did));
      const inUse = 'SUCCESSION_INVALID:IN_USE';
      expect(idOf(await suite.registry.succeed!(...(await move(a, other))))).toBe(inUse);
      unwrap(await suite.registry.revoke(other.did));
      expect(idOf(await suite.registry.succeed!(...(await move(a, other))))).toBe(inUse);
      expect((await suite.lookup(a.did))?.succeededBy).toBeUndefined();
      unwrap(await suite.registry.succeed!(...(await move(a, b))));
      expect(idOf(await suite.registry.succeed!(...(await move(b, a))))).toBe(inUse);
    });

    test('refuses the successor of a DID that is revoked or unknown', async () => {
      const [a, b] = [await named('a'), await named('b')];
      expect(idOf(await suite.registry.succeed!(...(await move(a, b))))).toBe(
        'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
      );
      await registerOld(a);
      unwrap(await suite.registry.revoke(a.did));
      expect(idOf(await suite.registry.succeed!(...(await move(a, b))))).toBe('LOOKUP_FAILED:DID_REVOKED');
      expect(await suite.lookup(b.did)).toBeUndefined();
    });

    test('refuses what was not made just now', async () => {
      const [a, b] = [await named('a'), await named('b')];
      await registerOld(a);
      for (const ms of [-3_700_000, 360_000]) {
        const made = await move(a, b, { clock: () => Date.now() + ms });
        expect(idOf(await suite.registry.succeed!(...made))).toBe('SUCCESSION_INVALID:EXPIRED');
      }
      expect(await suite.lookup(b.did)).toBeUndefined();
    });

    test('refuses what one of them did not sign, and a record that says something else', async () => {
      const [a, b, thief] = [await named('a'), await named('b'), await named('thief')];
      await registerOld(a);
      const [good, keys] = await move(a, b);
      const [foreign] = await move(thief, b);
      const { toSignature: _, ...oneSigned } = good;
      const cases: [object, unknown, string][] = [
        [{ ...good, fromSignature: foreign.fromSignature }, keys, 'fromSignature'],
        [oneSigned, keys, 'toSignature'],
        [{ ...good, overlapMs: good.overlapMs + 1 }, keys, 'fromSignature'],
        [{ ...good, overlapMs: -1 }, keys, 'overlapMs'],
        [{ ...good, overlapMs: 91 * 86_400_000 }, keys, 'overlapMs'],
        [good, await commitTo(b, thief), 'next'],
      ];
      for (const [statement, record, field] of cases) {
        const refused = errorOf(
          await suite.registry.succeed!(statement as Succession, record as typeof keys),
        );
        expect([refused.id, refused.field]).toEqual(['SUCCESSION_INVALID', field]);
      }
      const withoutRecord = await suite.registry.succeed!(good, undefined as never);
      expect(errorOf(withoutRecord).id).toBe('KEY_RECORD_INVALID');
      expect(idOf(await suite.registry.succeed!(null as never, keys))).toBe('SUCCESSION_INVALID');
      expect(await suite.lookup(b.did)).toBeUndefined();
    });

    test('a DID that published an ML-DSA key signs with it, too', async () => {
      const [a3, a2] = [await identityOf('succession pq', 3), await identityOf('succession pq', 2)];
      const b3 = await identityOf('succession pq next', 3);
      await registerOld(a3);
      const keys = await createKeyRecord(b3);
      const half = errorOf(await suite.registry.succeed!(await createSuccession(a2, b3), keys));
      expect([half.id, half.field]).toEqual(['SUCCESSION_INVALID', 'fromMlDsa65']);
      const other = await createSuccession(await identityOf('succession thief', 3), b3);
      const good = await createSuccession(a3, b3);
      const swapped = { ...good, fromPqSignature: other.fromPqSignature! };
      expect(errorOf(await suite.registry.succeed!(swapped, keys)).field).toBe('fromPqSignature');
      unwrap(await suite.registry.succeed!(good, keys));
    });

    test('only the DID that the record commits to may succeed, and no later record takes that back', async () => {
      const [a, next, thief] = [await named('a'), await named('b'), await named('thief')];
      await registerOld(a, { keys: await commitTo(a, next) });
      expect(idOf(await suite.registry.succeed!(...(await move(a, thief))))).toBe(
        'SUCCESSION_INVALID:NOT_NEXT',
      );
      const later = { ...(await createKeyRecord(a, { epoch: 11 })) };
      expect(errorOf(await suite.registry.updateKeys(later))).toMatchObject({
        id: 'KEY_RECORD_INVALID',
        field: 'next',
      });
      expect(idOf(await suite.registry.succeed!(...(await move(a, thief))))).toBe(
        'SUCCESSION_INVALID:NOT_NEXT',
      );
      unwrap(await suite.registry.succeed!(...(await move(a, next))));
    });

    test('a chain ends after 16 successions', async () => {
      const chain = await Promise.all(Array.from({ length: 18 }, (_, at) => named(`chain ${at}`)));
      await registerOld(chain[0]!);
      for (let at = 0; at < 16; at++)
        unwrap(await suite.door(at).succeed!(...(await move(chain[at]!, chain[at + 1]!))));
      const refused = await suite.registry.succeed!(...(await move(chain[16]!, chain[17]!)));
      expect(idOf(refused)).toBe('SUCCESSION_INVALID:CHAIN_TOO_LONG');
      const dids = chain.slice(0, 16).map(({ did }) => did);
      expect(await suite.lookup(chain[16]!.did)).toMatchObject({ ...RIGHTS, predecessors: dids });
    });

    test('revoke ends the one, and with successors those that took its place', async () => {
      const [a, b, c] = [await named('a'), await named('b'), await named('c')];
      await registerOld(a);
      unwrap(await suite.registry.succeed!(...(await move(a, b))));
      unwrap(await suite.registry.succeed!(...(await move(b, c))));
      const statuses = async () =>
        Promise.all([a, b, c].map(async ({ did }) => (await suite.lookup(did))?.status));
      unwrap(await suite.door(1).revoke(a.did));
      expect(await statuses()).toEqual(['revoked', 'active', 'active']);
      unwrap(await suite.door(1).revoke(a.did, { successors: true, reason: 'key_compromise' }));
      expect(await statuses()).toEqual(['revoked', 'revoked', 'revoked']);
      expect((await suite.lookup(c.did))?.revocationReason).toBe('key_compromise');
    });

    test('the condition of a revocation of successors counts for the one that is named', async () => {
      const [a, b] = [await named('a'), await named('b')];
      await registerOld(a);
      unwrap(await suite.registry.succeed!(...(await move(a, b))));
      const stale = await suite.door(1).revoke(a.did, { successors: true, ifRevision: 1 });
      expect(idOf(stale)).toBe('REGISTRATION_FAILED:CHANGED_MEANWHILE');
      expect((await suite.lookup(b.did))?.status).toBe('active');
      const { revision } = (await suite.lookup(a.did))!;
      unwrap(await suite.door(1).revoke(a.did, { successors: true, ifRevision: revision! }));
      const entries = await Promise.all([a, b].map(({ did }) => suite.lookup(did)));
      expect(entries.map((entry) => [entry?.status, entry?.revision])).toEqual([
        ['revoked', revision! + 1],
        ['revoked', 2],
      ]);
    });

    test('nothing slips through between a succession and the revocation of the chain', async () => {
      for (let round = 0; round < 4; round++) {
        const [a, b] = [await named(`cut ${round}`), await named(`cut next ${round}`)];
        await registerOld(a);
        const made = await move(a, b);
        await Promise.all([
          suite.door(0).succeed!(...made),
          suite.door(1).revoke(a.did, { successors: true }),
          suite.door(1).succeed!(...made),
        ]);
        expect((await suite.lookup(a.did))?.status).toBe('revoked');
        expect((await suite.lookup(b.did))?.status).not.toBe('active');
      }
    });

    test('cannot be smuggled in by registering', async () => {
      const [a, b] = [await named('a'), await named('b')];
      const [succeededBy] = await move(a, b);
      for (const more of [{ succeededBy }, { predecessors: [a.did] }])
        expect(errorOf(await suite.registry.register({ did: b.did, ...more } as never)).id).toBe(
          'INVALID_OPTION',
        );
    });
  });
}
