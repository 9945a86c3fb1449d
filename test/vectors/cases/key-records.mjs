// Key records (section 3).
import { NO_END, signRecord } from '../reference/identity.mjs';
import { fromHex, sha256, utf8 } from '../reference/notation.mjs';
import { alice, bob, carol, EPOCH, fixed, mallory, NOW, weakDid } from '../world.mjs';
import { recordSequences } from './record-sequences.mjs';

const none = { mlKem768: undefined, mlDsa65: undefined };
const DAY = 86_400_000;

/** Encryption keys of carol's seed, as those of an epoch. */
const otherKeys = { x25519: carol.x25519, mlKem768: carol.mlKem768.publicKey };
const epochOf = (keyEpoch) => ({ ...otherKeys, keyEpoch, notBefore: NOW - DAY, notAfter: NOW + DAY });
const next = sha256(utf8(bob.did));

export function keyRecordFile() {
  return {
    about: 'Key records, good and bad, and what a peer with a memory says to one record after another.',
    good: goodRecords(),
    bad: badRecords(),
    sequences: recordSequences(),
    recipients: recipients(),
  };
}

function goodRecords() {
  const epoch7 = epochOf(7);
  const highest = { ...otherKeys, keyEpoch: NO_END, notBefore: NO_END, notAfter: NO_END };
  const cases = [
    ['keys for version 1', EPOCH, none],
    ['keys for version 2', EPOCH, { mlDsa65: undefined }],
    ['keys for version 3', EPOCH, {}],
    ['epoch 0', 0, none],
    ['highest epoch', NO_END, none],
    ['encryption keys of another seed, for two days', EPOCH, epoch7],
    ['encryption keys of another seed, version 1', EPOCH, { ...epoch7, ...none }],
    ['good for one millisecond', EPOCH, { ...epoch7, ...none, notBefore: NOW, notAfter: NOW }],
    ['highest key epoch and times', EPOCH, { ...highest, ...none }],
    ['one DID that may succeed', EPOCH, { next }],
    ['one DID that may succeed, version 1', EPOCH, { ...none, next }],
  ];
  return cases.map(([name, epoch, more]) => {
    const { record, transcript, mlDsaRandom } = signRecord(alice, epoch, more);
    const version = record.mlDsa65 ? 3 : record.mlKem768 ? 2 : 1;
    return {
      ...{ name, seed: alice.seed, encryptionSeed: more.x25519 && carol.seed, version },
      randomness: mlDsaRandom && { mlDsaRandom },
      ...{ transcript, record },
    };
  });
}

function badRecords() {
  const full = signRecord(alice, EPOCH, { next }).record;
  const small = signRecord(alice, EPOCH, { ...none, next }).record;
  const bad = [];
  const add = (name, record, error = 'KEY_RECORD_INVALID') => bad.push({ name, record, error });
  for (const [name, value] of Object.entries(full))
    if (name !== 'did') badMember(add, name in small ? small : full, name, value);
  for (const name of ['epoch', 'keyEpoch', 'notBefore', 'notAfter'])
    for (const value of [-1, 0.5, 2 ** 53]) add(`${name}: ${value}`, { ...small, [name]: value });
  badValidity(add);
  badDids(add, small);
  coSignatures(add, full);
  add('ML-KEM and ML-DSA key stripped', { ...full, ...none });
  add('post-quantum keys and signature stripped', { ...full, ...none, pqSignature: undefined });
  add('ML-DSA key and signature stripped', { ...full, mlDsa65: undefined, pqSignature: undefined });
  return bad;
}

function badMember(add, full, name, value) {
  const isOptional = ['mlKem768', 'mlDsa65', 'next'].includes(name);
  add(`${name}: removed${isOptional ? ' after signing' : ''}`, { ...full, [name]: undefined });
  add(`${name}: changed`, { ...full, [name]: changed(name, value) });
  add(`${name}: wrong type`, { ...full, [name]: typeof value === 'number' ? String(value) : 7 });
  add(`${name}: null`, { ...full, [name]: null });
  if (typeof value !== 'string') return;
  add(`${name}: empty`, { ...full, [name]: '' });
  add(`${name}: too short`, { ...full, [name]: value.slice(0, -4) });
  add(`${name}: too long`, { ...full, [name]: `${value}AAAA` });
  add(`${name}: with padding`, { ...full, [name]: `${value}=` });
}

const changed = (name, value) => {
  if (typeof value === 'number') return name === 'notAfter' ? value - 1 : value + 1;
  return (value.startsWith('A') ? 'B' : 'A') + value.slice(1);
};

function badValidity(add) {
  const until = (notBefore, notAfter) => signRecord(alice, EPOCH, { ...none, notBefore, notAfter }).record;
  add('notAfter one millisecond below notBefore, properly signed', until(NOW, NOW - 1));
  add('notAfter 0, properly signed', until(NOW, 0));
  const record = until(NOW - DAY, NOW + DAY);
  add('notBefore and notAfter swapped after signing', {
    ...record,
    notBefore: record.notAfter,
    notAfter: record.notBefore,
  });
  add('made to last after signing', { ...record, notAfter: NO_END });
  add('epoch and keyEpoch swapped after signing', {
    ...record,
    epoch: record.keyEpoch,
    keyEpoch: record.epoch,
  });
}

function badDids(add, full) {
  add('did: of somebody else', { ...full, did: bob.did });
  add('did: removed', { ...full, did: undefined }, 'INVALID_DID');
  add('did: cut', { ...full, did: full.did.slice(0, -1) }, 'INVALID_DID');
  add(
    'did: cut, and an epoch of the wrong type',
    { ...full, did: full.did.slice(0, -1), epoch: 'x' },
    'INVALID_DID',
  );
  add('did: with a weak key', { ...full, did: weakDid }, 'INVALID_DID:WEAK_KEY');
  add(
    'did: with a weak key, and no X25519 key',
    { ...full, did: weakDid, x25519: undefined },
    'INVALID_DID:WEAK_KEY',
  );
  const { record } = signRecord(mallory, EPOCH, none);
  add('signed by somebody else', { ...record, did: alice.did });
  add('keys of somebody else under the signature of the owner', {
    ...record,
    did: alice.did,
    signature: full.signature,
  });
}

/** Both signature keys sign, each the whole record. */
function coSignatures(add, full) {
  add('pqSignature without an ML-DSA key', {
    ...signRecord(alice, EPOCH, { mlDsa65: undefined }).record,
    pqSignature: full.pqSignature,
  });
  const signed = (name, more, by) =>
    add(`${name}, all else right`, signRecord(alice, EPOCH, more, by).record);
  const stolen = { mlDsa65: mallory.mlDsa65.publicKey };
  signed('the ML-DSA key of somebody else, co-signed with the own key', stolen);
  signed('co-signed by the ML-DSA key of somebody else', {}, { pqSigner: mallory });
  signed('Ed25519 signature of somebody else', {}, { signer: mallory });
  signed('co-signature without context', {}, { pqContext: new Uint8Array(0) });
  signed('co-signature with another context', {}, { pqContext: utf8('xlink/1 discovery') });
  add('co-signature of another record', {
    ...full,
    pqSignature: signRecord(alice, EPOCH + 1, { next }).record.pqSignature,
  });
  add(
    'ML-DSA key without ML-KEM key, properly signed',
    signRecord(alice, EPOCH, { mlKem768: undefined }).record,
  );
}

/** Records, properly signed, of somebody to whom a sender would encrypt. */
function recipients() {
  const validity = { ...none, notBefore: NOW - DAY, notAfter: NOW };
  const order8 = fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800');
  const badKem = { mlDsa65: undefined, mlKem768: fixed('', 1184).map(() => 0xff) };
  const cases = [
    ['in its last millisecond', validity, NOW],
    ['one millisecond after its end', validity, NOW + 1, 'KEY_RECORD_EXPIRED'],
    ['before its begin, by the clock of the sender', validity, NOW - DAY - 1],
    ['X25519 key zero', { ...none, x25519: new Uint8Array(32) }, NOW, 'KEY_AGREEMENT_FAILED'],
    ['X25519 key of order 8', { ...none, x25519: order8 }, NOW, 'KEY_AGREEMENT_FAILED'],
    ['ML-KEM key that fails the modulus check', badKem, NOW, 'KEY_AGREEMENT_FAILED'],
  ];
  return cases.map(([name, more, now, error]) => ({
    ...{ name, record: signRecord(bob, EPOCH, more).record },
    ...{ now, error },
  }));
}
