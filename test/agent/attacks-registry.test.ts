import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, type Did, type ErrorId, type Identity, type Version } from '@private.me/xlink';
import { suiteFor } from '../../src/crypto/suites.js';
import { encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { NOON } from '../support/clock.js';
import { altered, keysOf, recordOf, resigned, sealed, withBitFlipped } from '../support/forge.js';
import { errorOf, idOf } from '../support/results.js';
import { cast, fromAlice, KEYS } from './attacks-support.js';

describe('a registry that was broken into', () => {
  const substitutes: [string, () => Promise<unknown>, ErrorId][] = [
    [
      'drops the post-quantum keys of a record',
      async () => ({ ...(await createKeyRecord(KEYS.bob)), mlKem768: undefined, mlDsa65: undefined }),
      'KEY_RECORD_INVALID',
    ],
    [
      'puts its own X25519 key into a record',
      async () => ({
        ...(await createKeyRecord(KEYS.bob)),
        x25519: encodeBase64url(KEYS.mallory.x25519.publicKey),
      }),
      'KEY_RECORD_INVALID',
    ],
    ['shows the record of another DID', () => createKeyRecord(KEYS.mallory), 'KEY_RECORD_INVALID'],
    [
      'shows its own keys, signed by itself',
      () => signedAs(KEYS.bob.did, KEYS.mallory),
      'KEY_RECORD_INVALID',
    ],
    [
      'shows keys without a signature',
      async () => ({ ...(await createKeyRecord(KEYS.bob)), signature: undefined }),
      'KEY_RECORD_INVALID',
    ],
  ];
  const rollbacks: [string, () => Promise<unknown>, ErrorId][] = [
    [
      'shows an older record with the keys of that time',
      () => recordOf(KEYS.bob, keysOf(KEYS.mallory), 1),
      'KEY_RECORD_ROLLED_BACK',
    ],
    [
      'shows other keys of the same epoch, once signed by the DID',
      () => recordOf(KEYS.bob, keysOf(KEYS.mallory), NOON / 1000),
      'KEY_RECORD_ROLLED_BACK',
    ],
    [
      'shows a newer record that lost its post-quantum keys',
      async () => recordOf(KEYS.bob, await identityOf('bob', 1), NOON / 1000 + 1),
      'KEY_RECORD_DOWNGRADED',
    ],
    [
      'shows a newer record that lost its ML-DSA key',
      async () => recordOf(KEYS.bob, await identityOf('bob', 2), NOON / 1000 + 1),
      'KEY_RECORD_DOWNGRADED',
    ],
    ['shows no record any more', async () => undefined, 'KEY_RECORD_DOWNGRADED'],
  ];
  const signedAs = async (did: Did, by: Identity) =>
    recordOf({ did, ed25519: by.ed25519 } as Identity, by, NOON / 1000 + 9);

  test.each(substitutes)(
    'and %s gets nothing sealed for it, even by one who never met the owner',
    async (_, keys, id) => {
      const { alice, bob, registry } = await cast();
      registry.showKeys(bob.did, await keys());
      expect(idOf(await alice.send({ to: bob.did, payload: 'secret' }))).toBe(id);
    },
  );

  test.each([...substitutes, ...rollbacks])(
    'and %s is noticed by one who met the owner, sending and receiving',
    async (_, keys, id) => {
      const { alice, bob, registry } = await cast();
      expect(idOf(await alice.send({ to: bob.did, payload: 1 }))).toBe('ok');
      registry.showKeys(bob.did, await keys());
      expect(idOf(await alice.send({ to: bob.did, payload: 2 }))).toBe(id);
      const fromBob = await sealed(KEYS.bob, KEYS.alice, encodeUtf8('1'), { version: 3 });
      expect(idOf(await alice.receive(fromBob))).toBe(id);
    },
  );

  test('cannot bring an old record back by answering two questions at once', async () => {
    const { alice, bob, registry } = await cast();
    const records = [
      await createKeyRecord(KEYS.bob, { epoch: 2 }),
      await recordOf(KEYS.bob, keysOf(KEYS.mallory), 1),
    ];
    let asked = 0;
    registry.tamper = (entry) => ({ ...entry, keys: records[asked++]! });
    const ids = await Promise.all(
      records.map(async () => idOf(await alice.send({ to: bob.did, payload: 1 }))),
    );
    expect(ids).toEqual(['ok', 'KEY_RECORD_ROLLED_BACK']);
  });

  test('the owner can still change keys, and tell a peer to forget', async () => {
    const { alice, bob, registry } = await cast();
    await alice.send({ to: bob.did, payload: 1 });
    registry.showKeys(bob.did, await createKeyRecord(KEYS.bob, { epoch: NOON / 1000 + 1 }));
    expect(idOf(await alice.send({ to: bob.did, payload: 2 }))).toBe('ok');
    registry.showKeys(bob.did, await recordOf(KEYS.bob, await identityOf('bob', 1), NOON / 1000 + 2));
    expect(idOf(await alice.send({ to: bob.did, payload: 3 }))).toBe('KEY_RECORD_DOWNGRADED');
    alice.forgetPeer(bob.did);
    expect((await alice.send({ to: bob.did, payload: 4 })).value?.version).toBe(1);
  });
});

describe('versions', () => {
  test.each([1, 2, 3] as const)(
    'a sender whose record has version %i is not taken below it, from the first message on',
    async (version) => {
      for (const lower of ([1, 2] as const).filter((one) => one < version)) {
        const { bob } = await cast({}, version);
        expect(idOf(await bob.receive(await fromAlice(lower)))).toBe('VERSION_TOO_LOW');
        expect(idOf(await bob.receive(await fromAlice(version)))).toBe('ok');
        expect(idOf(await bob.receive(await fromAlice(lower)))).toBe('VERSION_TOO_LOW');
      }
      const { bob } = await cast({}, version);
      expect(idOf(await bob.receive(await fromAlice(version)))).toBe('ok');
    },
  );

  test('a peer that has shown a version is not taken below it, though the record does not count', async () => {
    const { bob } = await cast({ versionFloor: 'shown' });
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('ok');
    expect(idOf(await bob.receive(await fromAlice(1)))).toBe('VERSION_TOO_LOW');
    expect(idOf(await bob.receive(await fromAlice(3)))).toBe('ok');
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('VERSION_TOO_LOW');
  });

  test('what was shown is remembered even if the first messages come all at once', async () => {
    const { bob } = await cast({ versionFloor: 'shown' });
    const first = await Promise.all([1, 2, 3, 2, 1].map((version) => fromAlice(version as Version)));
    await Promise.all(first.map((envelope) => bob.receive(envelope)));
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('VERSION_TOO_LOW');
  });

  test('what was shown is not forgotten because the same keys are signed anew', async () => {
    const { bob, registry } = await cast({ versionFloor: 'shown' });
    expect(idOf(await bob.receive(await fromAlice(3)))).toBe('ok');
    registry.showKeys(KEYS.alice.did, await createKeyRecord(KEYS.alice, { epoch: NOON / 1000 + 1 }));
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('VERSION_TOO_LOW');
  });

  test('a forged high version does not lock its owner out', async () => {
    for (const { bob } of [await cast({}, 1), await cast({ versionFloor: 'shown' })]) {
      for (const changes of [
        { scope: 'forged' },
        { signature: withBitFlipped((await fromAlice()).signature, 0) },
      ]) {
        const forged = altered(await fromAlice(3), changes);
        expect(idOf(await bob.receive(forged))).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
      }
      expect(idOf(await bob.receive(await fromAlice(1)))).toBe('ok');
    }
  });

  test('a version 3 envelope relabelled as version 2 or 1 does not verify', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(3);
    const suite = (version: Version, isSealed = true) => ({
      version,
      suite: suiteFor(version, isSealed).name,
    });
    const as2 = { ...suite(2), pqSignature: undefined };
    const as1 = { ...suite(1), pqSignature: undefined, kemCiphertext: undefined };
    const unsealed = {
      ...suite(3, false),
      keyEpoch: undefined,
      ephemeralPub: undefined,
      kemCiphertext: undefined,
    };
    for (const changes of [as2, as1, unsealed]) {
      const lenient = (await cast({ versionFloor: 'shown' })).bob;
      const relabelled = altered(envelope, changes);
      expect(idOf(await lenient.receive(relabelled, { allowCleartext: true }))).toBe(
        'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      );
      expect(idOf(await bob.receive(relabelled, { allowCleartext: true }))).toBe(
        changes.version < 3 ? 'VERSION_TOO_LOW' : 'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      );
    }
    expect(idOf(await bob.receive(altered(envelope, { version: 2 })))).toBe('PARSE_FAILED:UNKNOWN_VERSION');
    expect(idOf(await bob.receive(altered(envelope, suite(2))))).toBe('PARSE_FAILED:UNKNOWN_FIELD');
  });

  test('a version 3 envelope without its second signature is malformed', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(3);
    const stripped = altered(envelope, { pqSignature: undefined });
    expect(errorOf(await bob.receive(stripped))).toMatchObject({
      id: 'PARSE_FAILED:PQ_SIGNATURE_MISSING',
      field: 'pqSignature',
    });
    const emptied = altered(envelope, { pqSignature: '' });
    expect(errorOf(await bob.receive(emptied))).toMatchObject({ id: 'PARSE_FAILED', field: 'pqSignature' });
  });

  test('both signatures of version 3 must be by the sender', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(3);
    const byMallory = await resigned(KEYS.mallory, envelope);
    const { signature, pqSignature } = byMallory;
    expect(idOf(await bob.receive(altered(envelope, { signature: signature })))).toBe(
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
    expect(idOf(await bob.receive(altered(envelope, { pqSignature: pqSignature! })))).toBe(
      'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH',
    );
  });
});
