import { describe, expect, test } from '@jest/globals';
import { assertKeyRecord, createKeyRecord, type KeyRecord } from '@private.me/xlink';
import { assertSuccessor } from '@private.me/xlink/server';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { sameKeys } from '../../src/identity/key-record.js';
import { identityOf } from '../support/agents.js';
import { frozenClock, NOON } from '../support/clock.js';
import { withBitFlipped } from '../support/forge.js';
import { thrownBy } from '../support/results.js';

const crypto = defaultProvider();
const alice = {
  1: await identityOf('alice', 1),
  2: await identityOf('alice', 2),
  3: await identityOf('alice', 3),
};
const bob = await identityOf('bob', 3);
const refusal = async (record: unknown) => thrownBy(() => assertKeyRecord(record as KeyRecord, crypto));

describe('a key record', () => {
  test.each([1, 2, 3] as const)('of version %i is good as it was made', async (version) => {
    const record = await createKeyRecord(alice[version]);
    await expect(assertKeyRecord(record, crypto)).resolves.toBeUndefined();
    await expect(assertKeyRecord(JSON.parse(JSON.stringify(record)), crypto)).resolves.toBeUndefined();
    expect(Object.isFrozen(record)).toBe(true);
  });

  test('has the second of its making as epoch unless told otherwise', async () => {
    const clock = frozenClock(NOON + 999);
    expect((await createKeyRecord(alice[1], { clock })).epoch).toBe(NOON / 1000);
    expect((await createKeyRecord(alice[1], { epoch: 0 })).epoch).toBe(0);
    const before = Math.floor(Date.now() / 1000);
    expect((await createKeyRecord(alice[1])).epoch).toBeGreaterThanOrEqual(before);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('is not made with the epoch %p', async (epoch) => {
    expect(await thrownBy(() => createKeyRecord(alice[1], { epoch }))).toMatchObject({
      id: 'INVALID_OPTION',
      field: 'epoch',
    });
  });

  test('with a bit changed anywhere is refused [A7]', async () => {
    const good = await createKeyRecord(alice[3], { epoch: 7, next: new Uint8Array(32) });
    for (const name of ['x25519', 'mlKem768', 'mlDsa65', 'next', 'signature'] as const) {
      const bits = Math.floor((good[name]!.length * 6) / 8) * 8;
      for (const bit of [0, 1, bits >> 1, bits - 1]) {
        const changed = { ...good, [name]: withBitFlipped(good[name]!, bit) };
        expect(await refusal(changed)).toMatchObject({ id: 'KEY_RECORD_INVALID', field: 'signature' });
      }
    }
    for (const name of ['epoch', 'keyEpoch', 'notBefore'] as const)
      for (const value of [6, 8, 7 + 2 ** 32])
        expect(await refusal({ ...good, [name]: value })).toMatchObject({ field: 'signature' });
    expect(await refusal({ ...good, notAfter: good.notAfter - 1 })).toMatchObject({ field: 'signature' });
    const pqSignature = withBitFlipped(good.pqSignature!, 9);
    expect(await refusal({ ...good, pqSignature })).toMatchObject({ field: 'pqSignature' });
  });

  test('put together from two good ones is refused [A7]', async () => {
    const [full, plain, later] = [
      await createKeyRecord(alice[3], { epoch: 7 }),
      await createKeyRecord(alice[1], { epoch: 7 }),
      await createKeyRecord(alice[3], { epoch: 8 }),
    ];
    const theirs = await createKeyRecord(bob, { epoch: 7 });
    const { mlDsa65: _, pqSignature: __, ...withoutDsa } = full;
    const mixed = [
      { ...full, signature: plain.signature },
      { ...full, signature: later.signature },
      { ...plain, signature: full.signature },
      { ...withoutDsa },
      { ...full, x25519: theirs.x25519 },
      { ...full, mlKem768: theirs.mlKem768 },
      { ...theirs, did: full.did },
      { ...full, did: theirs.did },
      { ...withoutDsa, mlKem768: undefined },
    ];
    for (const record of mixed) {
      expect(await refusal(record)).toMatchObject({ id: 'KEY_RECORD_INVALID', field: 'signature' });
    }
    const halves = [
      { ...full, mlDsa65: undefined },
      { ...full, pqSignature: undefined },
      { ...withoutDsa, pqSignature: full.pqSignature },
      { ...full, pqSignature: later.pqSignature },
      { ...full, pqSignature: theirs.pqSignature },
    ];
    for (const record of halves) {
      expect(await refusal(record)).toMatchObject({ id: 'KEY_RECORD_INVALID', field: 'pqSignature' });
    }
  });

  test.each([
    ['x25519', undefined],
    ['x25519', ''],
    ['x25519', 'A'.repeat(42)],
    ['x25519', `${'A'.repeat(43)}=`],
    ['x25519', `${'A'.repeat(42)}B`],
    ['x25519', 5],
    ['x25519', {}],
    ['mlKem768', ''],
    ['mlKem768', 'AAAA'],
    ['mlKem768', undefined],
    ['mlDsa65', 'AAAA'],
    ['mlDsa65', null],
    ['epoch', undefined],
    ['epoch', '7'],
    ['epoch', -1],
    ['epoch', 1.5],
    ['keyEpoch', undefined],
    ['keyEpoch', -1],
    ['notBefore', '0'],
    ['notAfter', 2 ** 53],
    ['next', 'AAAA'],
    ['next', null],
    ['pqSignature', 'AAAA'],
    ['pqSignature', null],
    ['signature', undefined],
    ['signature', 'AAAA'],
    ['signature', 64],
  ])('whose %s is %p is refused by name', async (field, value) => {
    const good = await createKeyRecord(alice[3], { epoch: 7 });
    expect(await refusal({ ...good, [field]: value })).toMatchObject({ id: 'KEY_RECORD_INVALID', field });
  });

  test('of a malformed or weak DID is refused before its signature is looked at', async () => {
    const good = await createKeyRecord(alice[1]);
    expect((await refusal({ ...good, did: 'alice' })).id).toBe('INVALID_DID');
    expect(
      (await refusal({ ...good, did: 'did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP' })).id,
    ).toBe('INVALID_DID:WEAK_KEY');
  });
});

describe('of two records', () => {
  const other = { x25519: 'x' } as const;

  test('both say the same whatever DID, epoch and signatures are, and not if anything else differs', async () => {
    const record = await createKeyRecord(alice[3], { epoch: 7 });
    const resigned = { ...record, did: bob.did, epoch: 8, signature: 'x', pqSignature: 'x' };
    expect(sameKeys(record, resigned)).toBe(true);
    for (const name of ['x25519', 'mlKem768', 'mlDsa65', 'keyEpoch', 'notBefore', 'notAfter', 'next'])
      expect([name, sameKeys(record, { ...record, [name]: 'x' })]).toEqual([name, false]);
  });

  test.each([
    ['the same keys, later', 8, {}, 'ok'],
    ['the same keys, earlier', 6, {}, 'ok'],
    ['other keys, later', 8, other, 'ok'],
    ['other keys, at once', 7, other, 'KEY_RECORD_ROLLED_BACK'],
    ['other keys, earlier', 6, other, 'KEY_RECORD_ROLLED_BACK'],
    ['no ML-DSA key, later', 8, { mlDsa65: undefined }, 'KEY_RECORD_DOWNGRADED'],
    ['no ML-KEM key, later', 8, { mlKem768: undefined }, 'KEY_RECORD_DOWNGRADED'],
    ['no ML-DSA key, earlier', 6, { mlDsa65: undefined }, 'KEY_RECORD_ROLLED_BACK'],
    ['another ML-DSA key, later', 8, { mlDsa65: 'x' }, 'KEY_RECORD_INVALID'],
    ['another ML-DSA key, earlier', 6, { mlDsa65: 'x' }, 'KEY_RECORD_ROLLED_BACK'],
    ['a higher key epoch, later', 8, { ...other, keyEpoch: 4 }, 'ok'],
    ['a lower key epoch, later', 8, { ...other, keyEpoch: 2 }, 'KEY_RECORD_ROLLED_BACK'],
    ['another end, at once', 7, { notAfter: 5 }, 'KEY_RECORD_ROLLED_BACK'],
    ['another end, later', 8, { notAfter: 5 }, 'ok'],
  ])('the second may take the place of the first or not: %s', async (_, epoch, change, verdict) => {
    const { x25519, mlKem768 } = alice[3];
    const encryption = { keyEpoch: 3, notBefore: 0, notAfter: NOON, x25519, mlKem768 };
    const known = await createKeyRecord(alice[3], { epoch: 7, encryption });
    const next = { ...known, epoch, ...change } as KeyRecord;
    if (verdict === 'ok') expect(assertSuccessor(known, next)).toBeUndefined();
    else expect((await thrownBy(() => assertSuccessor(known, next))).id).toBe(verdict);
  });

  test('a post-quantum key may come in with a later one', async () => {
    const [known, next] = [
      await createKeyRecord(alice[1], { epoch: 7 }),
      await createKeyRecord(alice[3], { epoch: 8 }),
    ];
    expect(assertSuccessor(known, next)).toBeUndefined();
  });
});
