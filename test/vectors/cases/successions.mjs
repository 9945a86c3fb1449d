// Successions (section 3.3).
import { identityOf, signRecord } from '../reference/identity.mjs';
import { b64u, sha256, utf8 } from '../reference/notation.mjs';
import { signSuccession } from '../reference/succession.mjs';
import { EPOCH, fixed, mallory, NOW, weakDid } from '../world.mjs';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const INVALID = 'SUCCESSION_INVALID';
const times = { issuedAt: NOW, overlapMs: DAY };

/** DIDs of version 2, and two of version 3. */
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => identityOf(fixed(`succession ${name}`), 2));
const [a3, b3] = ['a', 'b'].map((name) => identityOf(fixed(`succession ${name} of version 3`), 3));
const hashOf = ({ did }) => sha256(utf8(did));
const move = (from, to, more, by) => signSuccession(from, to, { ...times }, more, by).succession;
const recordOf = (identity, more) => signRecord(identity, EPOCH, more).record;

export function successionFile() {
  return {
    about:
      'Statements of succession, good and bad, chains of them, and what a registry says to one after another.',
    now: NOW,
    good: good(),
    bad: bad(),
    chains: chains(),
    registry: registry(),
  };
}

function good() {
  const cases = [
    ['both of version 2', a, b, {}],
    ['both of version 3', a3, b3, {}],
    ['from version 2 to 3', a, b3, {}],
    ['from version 3 to 2', a3, b, {}],
    ['no overlap', a, b, { overlapMs: 0 }],
    ['the longest overlap', a, b, { overlapMs: 90 * DAY }],
    ['the new DID commits to the one after it', a, b, { next: hashOf(c) }],
    ['the same, version 3', a3, b3, { next: hashOf(c) }],
  ];
  return cases.map(([name, from, to, more]) => {
    const { succession, transcript, mlDsaRandom } = signSuccession(from, to, times, more);
    return {
      ...{
        name,
        fromSeed: from.seed,
        fromVersion: from.maxVersion,
        toSeed: to.seed,
        toVersion: to.maxVersion,
      },
      randomness: from.mlDsa65 || to.mlDsa65 ? { mlDsaRandom } : undefined,
      ...{ transcript, succession },
    };
  });
}

function bad() {
  const small = move(a, b, { next: hashOf(c) });
  const full = move(a3, b3, { next: hashOf(c) });
  const cases = [];
  const add = (name, succession) => cases.push({ name, succession, error: INVALID });
  for (const [name, value] of Object.entries(full)) badMember(add, name in small ? small : full, name, value);
  for (const name of ['issuedAt', 'overlapMs'])
    for (const value of [-1, 0.5, 2 ** 53]) add(`${name}: ${value}`, { ...small, [name]: value });
  add('overlapMs: one millisecond too long, properly signed', move(a, b, { overlapMs: 90 * DAY + 1 }));
  add('from and to swapped after signing', { ...small, from: small.to, to: small.from });
  add('from and to are one, properly signed', move(a, a));
  add('from: with a weak key', { ...small, from: weakDid });
  add('to: with a weak key', { ...small, to: weakDid });
  const signed = (name, more, by) => add(`${name}, all else right`, move(a3, b3, more, by));
  signed('signed by another one in place of the old DID', {}, { from: mallory });
  signed('signed by another one in place of the new DID', {}, { to: mallory });
  signed('signed twice by the old DID', {}, { to: a3 });
  signed('label of key records', {}, { label: utf8('xlink/1 key-record') });
  signed('label of discovery documents', {}, { label: utf8('xlink/1 discovery') });
  signed('co-signatures without context', {}, { pqContext: new Uint8Array(0) });
  signed('co-signatures with another context', {}, { pqContext: utf8('xlink/1 key-record') });
  signed('the ML-DSA key of somebody else', { fromMlDsa65: mallory.mlDsa65.publicKey });
  for (const side of ['from', 'to']) {
    const [key, pqSignature] = [`${side}MlDsa65`, `${side}PqSignature`];
    add(`${key} and ${pqSignature} stripped`, { ...full, [key]: undefined, [pqSignature]: undefined });
    add(`${pqSignature} without ${key}`, { ...small, [pqSignature]: full[pqSignature] });
  }
  add('both co-signatures and keys stripped', {
    ...full,
    ...{ fromMlDsa65: undefined, toMlDsa65: undefined },
    ...{ fromPqSignature: undefined, toPqSignature: undefined },
  });
  return cases;
}

function badMember(add, full, name, value) {
  add(`${name}: removed${name === 'next' ? ' after signing' : ''}`, { ...full, [name]: undefined });
  const changed =
    typeof value === 'number'
      ? value + 1
      : `${value.slice(0, -9)}${value.at(-9) === 'A' ? 'B' : 'A'}${value.slice(-8)}`;
  add(`${name}: changed`, { ...full, [name]: changed });
  add(`${name}: wrong type`, { ...full, [name]: typeof value === 'number' ? String(value) : 7 });
  add(`${name}: null`, { ...full, [name]: null });
  if (typeof value !== 'string') return;
  add(`${name}: empty`, { ...full, [name]: '' });
  add(`${name}: too short`, { ...full, [name]: value.slice(0, -4) });
  add(`${name}: too long`, { ...full, [name]: `${value}AAAA` });
  add(`${name}: with padding`, { ...full, [name]: `${value}=` });
}

/** What leads from a DID that is known (`did`, and `mlDsa65` and `next` of its record) to one with the record `to`. */
function chains() {
  const [ab, bc, cd] = [move(a, b), move(b, c), move(c, d)];
  const committed = move(a, b, { next: hashOf(c) });
  const next = b64u(hashOf(b));
  const NOT_NEXT = 'SUCCESSION_INVALID:NOT_NEXT';
  const of = ({ did }, more = {}) => ({ did, ...more });
  const known3 = of(a3, { mlDsa65: b64u(a3.mlDsa65.publicKey) });
  const cases = [
    ['one step', [ab], of(a), recordOf(b)],
    ['three steps', [ab, bc, cd], of(a), recordOf(d)],
    ['from the middle on', [ab, bc, cd], of(c), recordOf(d)],
    ['the first step is bad, but was taken before', [{ ...ab, issuedAt: 0 }, bc], of(b), recordOf(c)],
    ['to the DID that was committed to', [ab], of(a, { next }), recordOf(b)],
    ['to another one than was committed to', [move(a, c)], of(a, { next }), recordOf(c), NOT_NEXT],
    [
      'the second step to another one than the first one says',
      [committed, move(b, d)],
      of(a),
      recordOf(d),
      NOT_NEXT,
    ],
    ['the second step as the first one says', [committed, bc], of(a), recordOf(c)],
    ['from a DID that is not in it', [ab, bc], of(d), recordOf(c), INVALID],
    ['a step is missing', [ab, cd], of(a), recordOf(d), INVALID],
    ['it ends elsewhere', [ab, bc], of(a), recordOf(d), INVALID],
    ['empty', [], of(a), recordOf(b), INVALID],
    [
      'the last step is not signed by the new DID',
      [ab, move(b, c, {}, { to: d })],
      of(a),
      recordOf(c),
      INVALID,
    ],
    ['with the ML-DSA key that is known', [move(a3, b3)], known3, recordOf(b3)],
    [
      'without the ML-DSA key that is known',
      [move(identityOf(a3.seed, 2), b3)],
      known3,
      recordOf(b3),
      INVALID,
    ],
    ['to a record without the ML-DSA key', [move(a3, b3)], known3, recordOf(identityOf(b3.seed, 2)), INVALID],
    ['to a record that lacks what the last step commits to', [committed], of(a), recordOf(b), INVALID],
    ['to a record that has it', [committed], of(a), recordOf(b, { next: hashOf(c) })],
  ];
  return cases.map(([name, chain, from, to, error]) => ({ name, chain, from, to, error }));
}

/** Each begins with `entries` (a record each) and hands in one statement after the other, at `now` or `at`. */
function registry() {
  const IN_USE = 'SUCCESSION_INVALID:IN_USE';
  const step = (from, to, error, more = {}) => ({
    succession: signSuccession(from, to, times, more.claim).succession,
    keys: recordOf(to, more.record),
    ...(more.at === undefined ? {} : { at: more.at }),
    ...(error ? { error } : {}),
  });
  const long = Array.from({ length: 18 }, (_, at) => identityOf(fixed(`succession chain ${at}`), 1));
  const cases = [
    ['one after the other', [a], [step(a, b), step(b, c)]],
    ['the same one again', [a], [step(a, b), step(a, b)]],
    ['another one after it', [a], [step(a, b), step(a, c, 'SUCCESSION_CONFLICT')]],
    [
      'the same two DIDs with another overlap',
      [a],
      [step(a, b), step(a, b, 'SUCCESSION_CONFLICT', { claim: { overlapMs: 0 } })],
    ],
    ['in a loop', [a], [step(a, b), step(b, a, IN_USE)]],
    ['to a DID that is registered', [a, b], [step(a, b, IN_USE)]],
    ['one DID that succeeds two', [a, b], [step(a, c), step(b, c, IN_USE)]],
    ['of a DID that is not registered', [a], [step(b, c, 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY')]],
    ['of a DID that is revoked', [a], [{ revoke: a.did }, step(a, b, 'LOOKUP_FAILED:DID_REVOKED')]],
    ['an hour old', [a], [step(a, b, undefined, { at: NOW + HOUR })]],
    ['more than an hour old', [a], [step(a, b, 'SUCCESSION_INVALID:EXPIRED', { at: NOW + HOUR + 1 })]],
    ['five minutes ahead', [a], [step(a, b, undefined, { at: NOW - 300_000 })]],
    ['more than five minutes ahead', [a], [step(a, b, 'SUCCESSION_INVALID:EXPIRED', { at: NOW - 300_001 })]],
    [
      'with a record that commits, though the statement does not',
      [a],
      [step(a, b, INVALID, { record: { next: hashOf(c) } })],
    ],
    [
      'with a record of another DID',
      [a],
      [{ ...step(a, b), keys: recordOf(c), error: 'KEY_RECORD_INVALID' }],
    ],
    [
      'without the co-signature of an ML-DSA key that was published',
      [a3],
      [step(identityOf(a3.seed, 2), b, INVALID)],
    ],
    [
      '16 in a row, and one more',
      [long[0]],
      long.slice(1).map((to, at) => step(long[at], to, at === 16 && 'SUCCESSION_INVALID:CHAIN_TOO_LONG')),
    ],
  ];
  const committed = [
    ['to the DID that the record commits to', [step(a, b)]],
    ['to another one', [step(a, c, 'SUCCESSION_INVALID:NOT_NEXT'), step(a, b)]],
  ].map(([name, steps]) => ({ name, entries: [recordOf(a, { next: hashOf(b) })], steps }));
  return [
    ...cases.map(([name, identities, steps]) => ({
      name,
      entries: identities.map((one) => recordOf(one)),
      steps,
    })),
    ...committed,
  ];
}
