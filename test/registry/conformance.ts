import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  createKeyRecord,
  type Did,
  LoopbackTransport,
  type ManagedTrustRegistry,
  type RegistryEntry,
} from '@private.me/xlink';
import { identityOf, seedOf } from '../support/agents.js';
import { withBitFlipped } from '../support/forge.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import {
  alice,
  bob,
  entryOfAlice,
  HOSTILE_DIDS,
  HOSTILE_TEXTS,
  keysOfAlice,
  NOT_THERE,
  stranger,
  thousandDids,
} from './conformance-entries.js';
import { describeKeyUpdates, type OpenSuite } from './conformance-keys.js';
import { describeRevisions } from './conformance-revisions.js';
import { describeScopeChanges } from './conformance-scopes.js';
import { describeSuccessions } from './conformance-successions.js';

// What is true of every trust registry, wherever it keeps its entries.

/** An empty registry of its own for one test. */
export interface OpenedRegistry {
  readonly registry: ManagedTrustRegistry;
  /** A second door to the same entries, as another instance of a service has one. Closed by `close`, too. */
  another?(): Promise<ManagedTrustRegistry>;
  close(): Promise<void>;
}

/** Runs the suite over a kind of registry; `open` is called for every test. */
export function describeRegistry(name: string, open: () => Promise<OpenedRegistry>): void {
  describe(`${name}: as every trust registry`, () => {
    let opened: OpenedRegistry;
    let registry: ManagedTrustRegistry;
    /** All doors to the same entries, for those who come at once. */
    let doors: ManagedTrustRegistry[];
    const door = (at: number) => doors[at % doors.length]!;
    beforeEach(async () => {
      opened = await open();
      registry = opened.registry;
      doors = [registry, ...(opened.another ? [await opened.another()] : [])];
    });
    afterEach(() => opened.close());

    const registerAlice = async () => unwrap(await registry.register(entryOfAlice));
    /** As every door sees it. */
    async function lookup(did: Did): Promise<RegistryEntry | undefined> {
      const [first, ...others] = await Promise.all(doors.map((each) => each.lookup(did)));
      for (const other of others) expect(other).toStrictEqual(first);
      return first;
    }

    const suite: OpenSuite = {
      get registry() {
        return registry;
      },
      get doors() {
        return doors;
      },
      door,
      lookup,
      registerAlice,
    };

    describe('register', () => {
      test('takes an entry with everything, and one with nothing but a DID', async () => {
        await registerAlice();
        unwrap(await registry.register({ did: bob.did }));
        expect(await lookup(alice.did)).toStrictEqual({ ...entryOfAlice, status: 'active', revision: 1 });
        expect(await lookup(bob.did)).toStrictEqual({ did: bob.did, status: 'active', revision: 1 });
      });

      test('tells no scopes from any scope', async () => {
        unwrap(await registry.register({ did: alice.did, sendScopes: [], receiveScopes: [] }));
        expect(await lookup(alice.did)).toStrictEqual({
          did: alice.did,
          sendScopes: [],
          receiveScopes: [],
          status: 'active',
          revision: 1,
        });
      });

      test('refuses a DID that is there, revoked or not', async () => {
        await registerAlice();
        expect(idOf(await door(1).register({ did: alice.did }))).toBe(
          'REGISTRATION_FAILED:ALREADY_REGISTERED',
        );
        unwrap(await registry.revoke(alice.did));
        expect(idOf(await door(1).register({ did: alice.did }))).toBe(
          'REGISTRATION_FAILED:ALREADY_REGISTERED',
        );
        expect(await lookup(alice.did)).toMatchObject({ name: 'Alice', status: 'revoked' });
      });

      test('of many at once lets exactly one through, and it is that one', async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, at) =>
            door(at).register({ did: alice.did, keys: keysOfAlice, name: `${at}` }),
          ),
        );
        const winners = results.flatMap((result, at) => (result.ok ? [`${at}`] : []));
        expect(winners).toHaveLength(1);
        expect((await lookup(alice.did))?.name).toBe(winners[0]);
        expect(
          results.map(idOf).filter((id) => id === 'REGISTRATION_FAILED:ALREADY_REGISTERED'),
        ).toHaveLength(19);
      });

      test('cannot smuggle in another status or other members', async () => {
        for (const more of [{ status: 'revoked' }, { admin: true }, { revocationReason: 'x' }]) {
          const refused = await registry.register({ did: alice.did, ...more } as never);
          expect(refused.error).toMatchObject({ id: 'INVALID_OPTION', field: Object.keys(more)[0] });
        }
        expect(await registry.list()).toEqual([]);
      });

      test('takes a copy of an active entry, and counts its changes anew', async () => {
        for (const revision of [7, 'many', null]) {
          const { did } = await identityOf(`copied ${revision}`, 1);
          unwrap(await registry.register({ did, status: 'active', revision } as never));
          expect(await lookup(did)).toStrictEqual({ did, status: 'active', revision: 1 });
        }
      });

      test.each<[string, object]>([
        ['scopes as text', { sendScopes: '*' }],
        ['scopes accepted as text', { receiveScopes: '*' }],
        ['scopes that are no text', { sendScopes: [1] }],
        ['a name that is no text', { name: { toString: () => 'x' } }],
        ['capabilities as text', { capabilities: 'all' }],
      ])('refuses %s', async (_, wrong) => {
        expect(idOf(await registry.register({ did: alice.did, ...wrong } as never))).toBe(
          'REGISTRATION_FAILED',
        );
        expect(await registry.list()).toEqual([]);
      });

      test('refuses key records that its DID did not sign', async () => {
        const foreign = await createKeyRecord(bob);
        const bad: unknown[] = [
          { ...keysOfAlice, epoch: 11 },
          { ...keysOfAlice, x25519: withBitFlipped(keysOfAlice.x25519, 0) },
          { ...keysOfAlice, mlKem768: withBitFlipped(keysOfAlice.mlKem768!, 0) },
          { ...keysOfAlice, mlKem768: undefined },
          { ...keysOfAlice, signature: withBitFlipped(keysOfAlice.signature, 0) },
          foreign,
          { ...foreign, did: alice.did },
          null,
          'keys',
          {},
        ];
        for (const keys of bad)
          expect(idOf(await registry.register({ did: alice.did, keys } as never))).toBe('KEY_RECORD_INVALID');
        expect(await registry.list()).toEqual([]);
      });
    });

    describe('an entry', () => {
      test('is frozen through and through, in lists too', async () => {
        await registerAlice();
        for (const entry of [(await registry.lookup(alice.did))!, (await registry.list())[0]!]) {
          const parts = [entry, entry.keys, entry.capabilities, entry.sendScopes, entry.receiveScopes];
          expect(parts.map(Object.isFrozen)).toEqual(Array(5).fill(true));
          expect(() => (entry.sendScopes as string[]).push('admin')).toThrow(TypeError);
        }
      });

      test('does not follow what becomes of the objects it was made from', async () => {
        const sendScopes = ['chat'];
        const keys = { ...keysOfAlice };
        const registered = registry.register({ did: alice.did, sendScopes, keys });
        sendScopes.push('admin'); // while it is being checked
        Object.assign(keys, { x25519: 'other' });
        unwrap(await registered);
        const granted = ['a'];
        const added = registry.add(bob.did, { scopes: granted });
        granted.push('admin');
        unwrap(await added);
        const replaced = ['b'];
        const updated = registry.updateScopes(bob.did, { receiveScopes: replaced });
        replaced.push('admin');
        unwrap(await updated);
        expect(await lookup(alice.did)).toMatchObject({ sendScopes: ['chat'], keys: keysOfAlice });
        expect(await lookup(bob.did)).toMatchObject({ sendScopes: ['a'], receiveScopes: ['b'] });
      });

      test('that was looked up before a change stays as it was', async () => {
        await registerAlice();
        const before = await registry.lookup(alice.did);
        unwrap(await registry.revoke(alice.did));
        expect(before?.status).toBe('active');
      });

      test('is undefined for whoever is not there, hostile names included', async () => {
        await registerAlice();
        for (const did of [stranger, ...HOSTILE_DIDS]) expect(await lookup(did)).toBeUndefined();
      });

      test('keeps any text as it is', async () => {
        unwrap(
          await registry.register({
            did: alice.did,
            name: HOSTILE_TEXTS.join(''),
            capabilities: HOSTILE_TEXTS,
            sendScopes: HOSTILE_TEXTS,
          }),
        );
        unwrap(await registry.updateScopes(alice.did, { receiveScopes: HOSTILE_TEXTS }));
        expect(await lookup(alice.did)).toStrictEqual({
          did: alice.did,
          name: HOSTILE_TEXTS.join(''),
          capabilities: HOSTILE_TEXTS,
          sendScopes: HOSTILE_TEXTS,
          receiveScopes: HOSTILE_TEXTS,
          status: 'active',
          revision: 2,
        });
      });
    });

    test('hostile DIDs are refused by every change, and nothing is written', async () => {
      for (const did of HOSTILE_DIDS) {
        expect(errorOf(await registry.register({ did })).code).toBe('INVALID_DID');
        expect(errorOf(await registry.add(did)).code).toBe('INVALID_DID');
        expect(idOf(await registry.revoke(did))).toBe(NOT_THERE);
        expect(idOf(await registry.updateScopes(did, { scopes: ['*'] }))).toBe(NOT_THERE);
        expect(['KEY_RECORD_INVALID', 'INVALID_DID']).toContain(
          errorOf(await registry.updateKeys({ ...keysOfAlice, did })).code,
        );
      }
      expect(await registry.list()).toEqual([]);
    });

    describeScopeChanges(suite);

    describeKeyUpdates(suite);
    describeSuccessions(suite);

    describeRevisions(suite);

    test('list has every entry, revoked ones too, and is a copy', async () => {
      await registerAlice();
      unwrap(await registry.add(bob.did));
      unwrap(await registry.revoke(bob.did));
      const statuses = async () =>
        (await door(1).list()).map(({ did, status }) => [did, status]).sort(([a], [b]) => (a! < b! ? -1 : 1));
      const wanted = [
        [alice.did, 'active'],
        [bob.did, 'revoked'],
      ].sort(([a], [b]) => (a! < b! ? -1 : 1));
      expect(await statuses()).toEqual(wanted);
      ((await door(1).list()) as unknown[]).length = 0;
      expect(await statuses()).toEqual(wanted);
    });

    test('1 000 entries are all there, each with its own scopes', async () => {
      const dids = thousandDids();
      for (let from = 0; from < dids.length; from += 50)
        await Promise.all(
          dids
            .slice(from, from + 50)
            .map(async (did, at) => unwrap(await door(at).add(did, { scopes: [`scope-${from + at}`] }))),
        );
      const scopes = new Map((await registry.list()).map((entry) => [entry.did, entry.sendScopes]));
      expect(scopes).toEqual(new Map(dids.map((did, at) => [did, [`scope-${at}`]])));
      for (const at of [0, 499, 999]) expect((await lookup(dids[at]!))?.sendScopes).toEqual([`scope-${at}`]);
    }, 60_000);

    test('who listens hears of every change until he stops', async () => {
      if (!registry.onChange) return;
      unwrap(await registry.add(bob.did)); // nobody listens yet
      const heard: (Did | undefined)[] = [];
      registry.onChange(() => {
        throw new Error('a listener that fails harms nobody');
      });
      const stop = registry.onChange((did) => heard.push(did));
      const knows = (did: Did) => heard.includes(did) || heard.includes(undefined);
      await registerAlice();
      await until(() => knows(alice.did), { withinMs: 10_000 });
      heard.length = 0;
      unwrap(await registry.revoke(alice.did));
      await until(() => knows(alice.did), { withinMs: 10_000 });
      expect(idOf(await registry.register({ did: bob.did }))).not.toBe('ok');
      expect(heard).not.toContain(bob.did); // of Alice it may be told twice, here and by the backend
      stop();
      heard.length = 0;
      unwrap(await registry.add(alice.did));
      expect(heard).toEqual([]);
    });

    test('two agents exchange messages through it until one is cut off', async () => {
      const transport = new LoopbackTransport();
      const agent = async (name: string, at: number) =>
        unwrap(
          await Agent.fromSeed({
            seed: seedOf(name),
            name,
            registry: door(at),
            transport,
            sendScopes: ['chat'],
          }),
        );
      const [a, b] = [await agent('alice', 0), await agent('bob', 1)];
      unwrap(await a.send({ to: b.did, payload: 'hello', scope: 'chat' }));
      const message = unwrap(await b.receive(transport.outbox[0]!));
      expect(message).toMatchObject({ sender: a.did, payload: 'hello', encrypted: true });

      const sealedBefore = await a.createEnvelope({ to: b.did, payload: 1, scope: 'chat' });
      unwrap(await registry.revoke(a.did));
      expect(idOf(await b.receive(sealedBefore))).toBe('VERIFICATION_FAILED:DID_REVOKED');
      expect(idOf(await b.send({ to: a.did, payload: 1, scope: 'chat' }))).toBe('LOOKUP_FAILED:DID_REVOKED');
      unwrap(await registry.add(a.did));
      expect(idOf(await b.receive(sealedBefore))).toBe('ok');
    });
  });
}
