// Claims about succession: a DID moves its rights to a next one, by a statement that both sign with all their keys.
import { fact, rule, rules } from '../clauses.mjs';
import { recordOf, signedBy } from '../records.mjs';
import { att, did, dpub, hash, keysOf, kpub, NONE, xpub } from '../terms.mjs';

const statement = ({ transcript }, from, to, issuedAt, overlapMs) =>
  transcript('succession', {
    label: 'label_succession',
    ...{ from: did(from), to: did(to), issuedAt, overlapMs },
    fromMlDsa65: dpub(keysOf(from).mlDsa65),
    toMlDsa65: dpub(keysOf(to).mlDsa65),
    next: NONE,
  });

/** Of `who`, with the keys that the DID has, and the hash of the only DID that may follow. */
const record = (scenario, who, next) => {
  const { x25519, mlKem768, mlDsa65 } = keysOf(who);
  const keys = { x25519: xpub(x25519), mlKem768: kpub(mlKem768), mlDsa65: dpub(mlDsa65) };
  return recordOf(scenario, who, { ...keys, keyEpoch: 'epoch0', next });
};

/** alice moves to alice2, and everybody publishes records; only alice has said who follows her, if she did. */
function participants(scenario) {
  const { committed = false } = scenario;
  const commitment = committed ? hash(did('alice2')) : NONE;
  const moves = statement(scenario, 'alice', 'alice2', 'time1', 'overlap1');
  return [
    ...rules(
      'alice publishes a record',
      [],
      signedBy(keysOf('alice'), record(scenario, 'alice', commitment)),
    ),
    ...rules('carol publishes a record', [], signedBy(keysOf('carol'), record(scenario, 'carol', NONE))),
    ...['alice', 'alice2'].flatMap((who) =>
      rules('alice and alice2 sign that one follows the other', [], signedBy(keysOf(who), moves)),
    ),
    ...[xpub(keysOf('P').x25519), kpub(keysOf('P').mlKem768), dpub(keysOf('P').mlDsa65)].map((one) =>
      fact('public keys are public', att(one)),
    ),
  ];
}

/** bob has seen the records of all DIDs, and moves rights by a statement that all their keys have signed. */
function service(scenario) {
  const {
    committed = false,
    keepsNext = true,
    checksNext = true,
    consent = true,
    coSigned = true,
  } = scenario;
  const both = { coSignature: coSigned };
  const moves = statement(scenario, 'OLD', 'NEW', 'T', 'O');
  const signed = [
    ...signedBy(keysOf('OLD'), moves, both),
    ...(consent ? signedBy(keysOf('NEW'), moves, both) : []),
  ];
  const follows = (old, next, premises) =>
    rule('NEW is who may follow, by the record of OLD', premises, `follows(${old},${next})`);
  const later = (next) => signedBy(keysOf('alice'), record(scenario, 'alice', next), both);
  const ofAlice =
    committed && checksNext
      ? [
          follows('alice', 'alice2', []),
          ...(keepsNext
            ? []
            : [follows('alice', 'NEW', later(hash(did('NEW')))), follows('alice', 'NEW', later(NONE))]),
        ]
      : [follows('alice', 'NEW', [])];
  return [
    ...ofAlice,
    ...['carol', 'eve'].map((old) => follows(old, 'NEW', [])),
    rule('bob moves the rights', ['follows(OLD,NEW)', ...signed], 'moved(OLD,NEW,T,O)'),
  ];
}

/** Rights move from alice to alice2 and nowhere else, as both have said, and nobody is made a successor without consent. */
export const succession = (scenario) => [
  ...participants(scenario),
  ...service(scenario),
  rule('the rights of alice go to the attacker', ['moved(alice,eve,T,O)'], 'attack'),
  rule('the rights of alice go to carol', ['moved(alice,carol,T,O)'], 'attack'),
  rule('the rights of carol go anywhere', ['moved(carol,NEW,T,O)'], 'attack'),
  ...(scenario.leaked.length === 0
    ? [
        rule('alice succeeds the attacker', ['moved(eve,alice,T,O)'], 'attack'),
        rule('at a time that was not said', ['moved(alice,alice2,forged,O)'], 'attack'),
        rule('with an overlap that was not said', ['moved(alice,alice2,T,forged)'], 'attack'),
      ]
    : []),
];

/** Control: alice moves to alice2. */
export const successionArrives = (scenario) => [
  ...participants(scenario),
  ...service(scenario),
  rule('an honest run completes', ['moved(alice,alice2,time1,overlap1)'], 'attack'),
];
