// What a peer with a memory says to one record after another (section 3.1).
import { signRecord } from '../reference/identity.mjs';
import { sha256, utf8 } from '../reference/notation.mjs';
import { alice, bob, carol, EPOCH, mallory, NOW } from '../world.mjs';

const none = { mlKem768: undefined, mlDsa65: undefined };
const BACK = 'KEY_RECORD_ROLLED_BACK';
const LESS = 'KEY_RECORD_DOWNGRADED';
const INVALID = 'KEY_RECORD_INVALID';

/** A record of alice, version 1; `offset` is added to the epoch. */
const at = (offset, more, by) => signRecord(alice, EPOCH + offset, { ...none, ...more }, by).record;
/** The same, version 3. */
const full = (offset, more, by) => signRecord(alice, EPOCH + offset, more, by).record;
const withoutDsa = { mlDsa65: undefined };

/** Steps: a record (null: none) and the error, or `forget`. */
const SEQUENCES = {
  ...sameOrOther(),
  ...lesserRecords(),
  ...keyEpochs(),
  ...commitments(),
  ...whatEachMemberSays(),
};

function sameOrOther() {
  const otherX = { x25519: carol.x25519 };
  return {
    'the same record again': [[at(0)], [at(0)]],
    'a newer record, then the older one': [[at(0)], [at(1, otherX)], [at(0), BACK], [at(1, otherX)]],
    'the same keys under other epochs': [[at(0)], [at(5)], [at(2)], [at(3, otherX), BACK], [at(6, otherX)]],
    'other keys of the same epoch': [[at(0)], [at(0, otherX), BACK], [at(0)]],
    'an invalid record changes nothing': [[at(0)], [{ ...at(1), epoch: EPOCH + 2 }, INVALID], [at(1)]],
    'a record of somebody else': [[signRecord(bob, EPOCH).record, INVALID], [at(0)]],
    'after forgetting the peer': [[full(1)], ['forget'], [at(0)]],
  };
}

function lesserRecords() {
  const otherDsa = { mlDsa65: mallory.mlDsa65.publicKey };
  const by = { pqSigner: mallory };
  return {
    'fewer keys of the same epoch': [[full(0)], [at(0), BACK]],
    'a newer record without the ML-DSA key': [[full(0)], [full(1, withoutDsa), LESS], [full(0)]],
    'a newer record without post-quantum keys': [[full(0)], [at(1), LESS]],
    'no record where there was one': [[at(0)], [null, LESS], [at(0)]],
    'a record where there was none': [[null], [at(0)], [full(1, withoutDsa)], [full(2)]],
    'a newer record with another ML-DSA key': [[full(0)], [full(1, otherDsa, by), INVALID], [full(0)]],
    'an older record with another ML-DSA key': [[full(1)], [full(0, otherDsa, by), BACK]],
    'without the ML-DSA key, and of a lower key epoch': [
      [full(0, { keyEpoch: 2 })],
      [full(1, { keyEpoch: 1, ...withoutDsa }), LESS],
    ],
  };
}

function keyEpochs() {
  const of = (keyEpoch) => ({ keyEpoch, x25519: carol.x25519 });
  return {
    'key epochs that rise': [[at(0)], [at(1, of(1))], [at(2, of(3))]],
    'a lower key epoch in a newer record': [
      [at(0, of(2))],
      [at(1, of(1)), BACK],
      [at(2, of(0)), BACK],
      [at(0, of(2))],
    ],
    'other keys of the same key epoch in a newer record': [[at(0, of(2))], [at(1, { keyEpoch: 2 })]],
    'a newer key epoch in an older record': [[at(1, of(1))], [at(0, of(2)), BACK]],
  };
}

/** What a record commits to stays. */
function commitments() {
  const [one, other] = [bob, carol].map(({ did }) => ({ next: sha256(utf8(did)) }));
  return {
    'a newer record that commits to the same DID': [[at(0, one)], [at(1, { ...one, keyEpoch: 1 })]],
    'a newer record that commits to another DID': [[at(0, one)], [at(1, other), INVALID], [at(0, one)]],
    'a newer record that commits to none': [[at(0, one)], [at(1), INVALID], [at(0, one)]],
    'an older record that commits to another DID': [[at(1, one)], [at(0, other), BACK]],
    'another commitment, and a lower key epoch': [
      [at(0, { ...one, keyEpoch: 2 })],
      [at(1, { ...other, keyEpoch: 1 }), INVALID],
    ],
  };
}

/** Records that differ in one member do not say the same. */
function whatEachMemberSays() {
  const others = {
    keyEpoch: { keyEpoch: 1 },
    notBefore: { notBefore: 1 },
    notAfter: { notAfter: NOW },
    mlKem768: { mlKem768: carol.mlKem768.publicKey },
    next: { next: sha256(utf8(bob.did)) },
  };
  return Object.fromEntries(
    Object.entries(others).map(([name, more]) => [
      `another ${name} of the same epoch, then of a higher one`,
      [[at(0)], [at(0, more), BACK], [at(1, more)]],
    ]),
  );
}

export const recordSequences = () =>
  Object.entries(SEQUENCES).map(([name, steps]) => ({
    name,
    did: alice.did,
    steps: steps.map(([record, error]) =>
      record === 'forget' ? { forget: true } : { record, ...(error ? { error } : {}) },
    ),
  }));
