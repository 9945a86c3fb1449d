import { describe, expect, test } from '@jest/globals';
import { assertSuccession, createKeyRecord, createSuccession } from '@private.me/xlink';
import { lengthPrefixed } from '../../src/crypto/bytes.js';
import {
  hashOfDid,
  MAX_OVERLAP_MS,
  overlapEnd,
  SUCCESSION_LABEL,
  successionTranscript,
  verifyChain,
} from '../../src/identity/succession.js';
import { decodeBase64url, encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { withBitFlipped } from '../support/forge.js';
import { optionRefusedBy, thrownBy } from '../support/results.js';

const [a, b, thief] = await Promise.all(['a', 'b', 'thief'].map((name) => identityOf(name)));
const [a3, b3] = await Promise.all(['a', 'b'].map((name) => identityOf(name, 3)));
const good = await createSuccession(a!, b!);
const full = await createSuccession(a3!, b3!);

const refusedField = async (value: unknown) => {
  const { id, field } = await thrownBy(() => assertSuccession(value));
  expect(id).toBe('SUCCESSION_INVALID');
  return field;
};

describe('a succession', () => {
  test('is signed by all signature keys of both, and says until when both are good', async () => {
    await assertSuccession(good);
    await assertSuccession(full);
    expect(Object.keys(good)).toEqual([
      'from',
      'to',
      'issuedAt',
      'overlapMs',
      'fromSignature',
      'toSignature',
    ]);
    expect(Object.keys(full)).toEqual(expect.arrayContaining(['fromPqSignature', 'toPqSignature']));
    expect(overlapEnd({ ...good, issuedAt: 1000, overlapMs: 500 })).toBe(1500);
    await assertSuccession(await createSuccession(a3!, b!)); // an ML-DSA key on one side only
    await assertSuccession(await createSuccession(a!, b3!));
  });

  test.each(['fromSignature', 'toSignature', 'fromPqSignature', 'toPqSignature'] as const)(
    'without %s, or with another one, is none',
    async (name) => {
      const { [name]: signature, ...without } = full;
      expect(await refusedField(without)).toBe(name);
      expect(await refusedField({ ...full, [name]: withBitFlipped(signature!, 9) })).toBe(name);
      const others = await createSuccession(a3!, await identityOf('thief', 3));
      expect(await refusedField({ ...full, [name]: others[name] })).toBe(name);
    },
  );

  test('with half a co-signature is none, whichever half', async () => {
    for (const side of ['from', 'to'] as const) {
      const keyless: Record<string, unknown> = { ...full, [`${side}MlDsa65`]: undefined };
      expect(await refusedField(keyless)).toBe(`${side}PqSignature`);
      const neither = { ...keyless, [`${side}PqSignature`]: undefined };
      expect(await refusedField(neither)).toBe('fromSignature'); // both signed that the key is there
    }
  });

  test('is none after any change', async () => {
    for (const change of [
      { from: thief!.did },
      { to: thief!.did },
      { issuedAt: good.issuedAt + 1 },
      { overlapMs: good.overlapMs + 1 },
      { next: await hashOfDid(thief!.did) },
      { toMlDsa65: full.toMlDsa65, toPqSignature: full.toPqSignature },
    ])
      expect(await refusedField({ ...good, ...change })).toBe('fromSignature');
  });

  test('under another label is none', async () => {
    const others = ['xlink/1 key-record', 'xlink/1 discovery', 'xlink/1 application', 'xlink/1 succession '];
    for (const label of others) {
      const rest = successionTranscript(good).subarray(4 + SUCCESSION_LABEL.length);
      const bytes = Uint8Array.from([...lengthPrefixed([encodeUtf8(label)]), ...rest]);
      const sign = async (who: typeof a) => encodeBase64url(await who!.ed25519.sign(bytes));
      const forged = { ...good, fromSignature: await sign(a), toSignature: await sign(b) };
      expect(await refusedField(forged)).toBe('fromSignature');
    }
    // ML-DSA has the label as its context, too.
    const bytes = successionTranscript(full);
    const pqSignature = encodeBase64url(await a3!.mlDsa65!.sign(bytes, encodeUtf8('xlink/1 key-record')));
    expect(await refusedField({ ...full, fromPqSignature: pqSignature })).toBe('fromPqSignature');
  });

  test.each([
    [null, 'succession'],
    [[], 'succession'],
    ['x', 'succession'],
    [{ ...good, from: 'did:web:a' }, 'from'],
    [{ ...good, to: undefined }, 'to'],
    [{ ...good, to: good.from }, 'to'],
    [{ ...good, issuedAt: -1 }, 'issuedAt'],
    [{ ...good, issuedAt: 0.5 }, 'issuedAt'],
    [{ ...good, issuedAt: '1' }, 'issuedAt'],
    [{ ...good, overlapMs: -1 }, 'overlapMs'],
    [{ ...good, overlapMs: MAX_OVERLAP_MS + 1 }, 'overlapMs'],
    [{ ...good, overlapMs: null }, 'overlapMs'],
    [{ ...good, next: 'AAAA' }, 'next'],
    [{ ...good, next: 7 }, 'next'],
    [{ ...good, fromSignature: `${good.fromSignature}=` }, 'fromSignature'],
    [{ ...good, fromSignature: '' }, 'fromSignature'],
  ])('%j is out of form', async (value, field) => {
    expect(await refusedField(value)).toBe(field);
  });

  test('members that are not known mean nothing', async () => {
    await assertSuccession({ ...good, more: 1 });
  });

  test('options are checked', async () => {
    for (const overlapMs of [-1, MAX_OVERLAP_MS + 1, 0.5, '1'] as number[])
      expect(await optionRefusedBy(() => createSuccession(a!, b!, { overlapMs }))).toBe('overlapMs');
    expect(await optionRefusedBy(() => createSuccession(a!, b!, { overlap: 1 } as never))).toBe('overlap');
    expect((await thrownBy(() => createSuccession(a!, a!))).id).toBe('SUCCESSION_INVALID');
  });
});

describe('a chain', () => {
  test('leads on from any DID in it, and against nothing that was known', async () => {
    const [ab, bt] = [await createSuccession(a3!, b3!), await createSuccession(b3!, thief!)];
    const end = { did: thief!.did };
    await verifyChain([ab, bt], { did: a3!.did, mlDsa65: ab.fromMlDsa65! }, end);
    await verifyChain([ab, bt], { did: b3!.did }, end);
    const refused = async (known: object, to: object = end) =>
      (await thrownBy(() => verifyChain([ab, bt], { did: a3!.did, ...known }, to as typeof end))).field;
    expect(await refused({ did: thief!.did })).toBe('from');
    expect(await refused({ mlDsa65: ab.toMlDsa65 })).toBe('fromMlDsa65');
    expect(await refused({}, { did: b3!.did })).toBe('to');
    const known = { did: a3!.did, next: await hashOfDid(thief!.did) };
    expect((await thrownBy(() => verifyChain([ab, bt], known, end))).id).toBe('SUCCESSION_INVALID:NOT_NEXT');
    const committed = { ...ab, next: await hashOfDid(a3!.did) };
    expect((await thrownBy(() => verifyChain([committed, bt], { did: a3!.did }, end))).field).toBe(
      'fromSignature',
    );
  });

  test('a successor that committed to its own is followed to that one only', async () => {
    const next = decodeBase64url(await hashOfDid(a3!.did))!;
    const ab = await createSuccession(a!, b!, { keys: await createKeyRecord(b!, { next }) });
    await assertSuccession(ab);
    const stolen = await createSuccession(b!, thief!);
    const error = await thrownBy(() => verifyChain([ab, stolen], { did: a!.did }, { did: thief!.did }));
    expect(error.id).toBe('SUCCESSION_INVALID:NOT_NEXT');
    expect((await thrownBy(() => verifyChain([ab], { did: a!.did }, { did: b!.did }))).field).toBe('next');
  });
});
