import { describe, expect, test } from '@jest/globals';
import { Agent, assertKeyRecord, createKeyRecord, Identity, type KeyRecord } from '@private.me/xlink';
import { changed } from '../support/changed.js';
import { runAnswers } from './second/answer-vectors.mjs';
import * as second from './second/index.mjs';
import * as vectors from './second/vectors.mjs';
import { seed, thrown } from './support.js';

const VERSIONS = [1, 2, 3] as const;
describe('identities and key records', () => {
  for (const version of VERSIONS) {
    test(`version ${version}: the same from the same seed, and each accepts the other's`, async () => {
      const s = seed();
      const ours = await Identity.fromSeed(s, { maxVersion: version });
      const theirs = second.identityFromSeed(s, version);
      expect(theirs.did).toBe(ours.did);
      expect(second.fromPkcs8(ours.exportPKCS8())).toEqual(s);
      const record = await createKeyRecord(ours, { epoch: 1_700_000_000 });
      const made = second.createRecord(theirs, 1_700_000_000);
      const { pqSignature, ...rest } = record; // ML-DSA signs with fresh randomness
      const { pqSignature: theirPqSignature, ...theirRest } = made;
      expect(theirRest).toEqual({ ...rest });
      expect([theirPqSignature?.length, pqSignature?.length]).toEqual(
        version === 3 ? [4412, 4412] : [undefined, undefined],
      );
      expect(second.verifyRecord(record, ours.did).version).toBe(version);
      expect(await thrown(assertKeyRecord(made as KeyRecord, ours.crypto))).toBe('accepted');
      const other = second.createRecord(second.identityFromSeed(seed(), 3), 1_700_000_000);
      for (const bad of [
        { ...made, epoch: made.epoch + 1 },
        { ...made, keyEpoch: 1 },
        { ...made, notBefore: 1 },
        { ...made, notAfter: made.notAfter - 1 },
        { ...made, notAfter: -1 },
        { ...made, next: 'A'.repeat(43) },
        { ...made, x25519: `${made.x25519}=` },
        { ...made, x25519: `${made.signature.slice(0, 42)}A` },
        { ...made, mlKem768: 'A'.repeat(1579) },
        { ...made, signature: changed(made.signature) },
        { ...made, pqSignature: other.pqSignature },
        { ...made, mlKem768: other.mlKem768, mlDsa65: other.mlDsa65, pqSignature: other.pqSignature },
        version === 3 ? { ...made, pqSignature: undefined } : { ...made, mlDsa65: other.mlDsa65 },
      ]) {
        expect(await thrown(assertKeyRecord(bad as KeyRecord, ours.crypto))).toBe('KEY_RECORD_INVALID');
        expect(await second.outcome(Promise.resolve().then(() => second.verifyRecord(bad, ours.did)))).toBe(
          'KEY_RECORD_INVALID',
        );
      }
      const imported = await Agent.importIdentity({ pkcs8: second.toPkcs8(s), maxVersion: version });
      expect(imported.value?.did).toBe(theirs.did);
    });
  }

  test('a peer with a memory: the same answers to one registry', async () => {
    const entries = new Map<string, object>();
    const registry = {
      lookup: (did: string) => entries.get(did) as never,
      register: () => ({ ok: true, value: undefined }) as const,
      updateKeys: () => ({ ok: true, value: undefined }) as const,
    };
    const a = await Agent.quickstart({ registry });
    const lookup = (did: string) => entries.get(did) as never;
    const b = new second.Peer(second.identityFromSeed(seed(), 3), lookup);
    const s = seed();
    const did = second.identityFromSeed(s).did;
    const record = (version: number, epoch: number, more = {}) =>
      second.createRecord(second.identityFromSeed(s, version), epoch, more);
    const offer = async (keys: unknown) => {
      entries.set(did, { did, status: 'active', keys, record: keys, receiveScopes: ['*'] });
      return [
        await thrown(a.createEnvelope({ to: did, payload: 1, signedOnly: true })),
        await second.outcome(b.seal(did, { scope: 'default', content: 1, signedOnly: true })),
      ];
    };
    const twice = (id: string) => [id, id];
    expect(await offer(undefined)).toEqual(twice('accepted'));
    expect(await offer({ ...record(2, 10), epoch: 11 })).toEqual(twice('KEY_RECORD_INVALID'));
    expect(await offer(record(2, 10))).toEqual(twice('accepted'));
    expect(await offer(record(2, 5))).toEqual(twice('accepted'));
    expect(await offer(record(3, 10))).toEqual(twice('KEY_RECORD_ROLLED_BACK'));
    expect(await offer(record(1, 11))).toEqual(twice('KEY_RECORD_DOWNGRADED'));
    expect(await offer(undefined)).toEqual(twice('KEY_RECORD_DOWNGRADED'));
    expect(await offer(record(2, 20))).toEqual(twice('accepted'));
    expect(await offer(record(3, 20))).toEqual(twice('KEY_RECORD_ROLLED_BACK'));
    expect(await offer(record(3, 21))).toEqual(twice('accepted'));
    const { mlDsa65 } = second.identityFromSeed(seed(), 3);
    const otherKey = second.createRecord({ ...second.identityFromSeed(s, 3), mlDsa65 }, 22);
    expect(await offer(otherKey)).toEqual(twice('KEY_RECORD_INVALID'));
    const limited = { keyEpoch: 7, notBefore: 1, notAfter: Date.now() + 60_000 };
    const encryption = second.identityFromSeed(seed(), 3);
    expect(await offer(record(3, 23, { ...limited, encryption }))).toEqual(twice('accepted'));
    expect(await offer(record(3, 24, { ...limited, encryption, keyEpoch: 6 }))).toEqual(
      twice('KEY_RECORD_ROLLED_BACK'),
    );
    expect(await offer(record(3, 23, { ...limited, encryption, next: new Uint8Array(32) }))).toEqual(
      twice('KEY_RECORD_ROLLED_BACK'),
    );
    a.forgetPeer(did);
    b.forget(did);
    expect(await offer(record(1, 1))).toEqual(twice('accepted'));
  });
});

describe('[H] test vectors (section 15) with the second implementation', () => {
  const same = async (tally: Promise<vectors.Tally>) => {
    const { cases, failures } = await tally;
    expect(failures).toEqual([]);
    expect(cases).toBeGreaterThan(20);
  };
  test('identity.json', () => same(vectors.runIdentity()));
  test('key-record.json', () => same(vectors.runKeyRecord()));
  test('succession.json', () => same(vectors.runSuccession()));
  test('answers.json', () => same(runAnswers()));
  test('discovery.json', () => same(vectors.runDiscovery()));
  test('shares.json', () => same(vectors.runShares()));
  test('request-binding.json', () => same(vectors.runRequestBinding()));
  for (const file of ['v1.json', 'v2.json', 'v3.json', 'signed-only.json']) {
    test(file, () => same(vectors.runEnvelopes(file)));
  }
});
