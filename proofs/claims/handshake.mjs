// Claims about the handshake of a session: alice opens one with bob.
import { LATE } from '../attacker.mjs';
import { fact, rule } from '../clauses.mjs';
import { of } from '../envelope.mjs';
import { grantOf, handshakes, offerOf } from '../handshake.mjs';
import { att } from '../terms.mjs';

const own = (run) => (name) => of(name, offerOf('alice', 'bob', run));
const bad = (why, premises) => rule(why, premises, 'attack');

const HAS = { caller: 'calls(bob,R,M)', service: 'serves(bob,alice,N,X,K,M)' };

/** Nobody else has the keys of a session that alice opened with bob: those that she has, and those that bob has. `of`: one of the two. */
export function sessionKeys(scenario) {
  const { of: sides = Object.keys(HAS), keepsShares = false } = scenario;
  const learned = scenario.leakedLater ? LATE : att;
  const kept = ['share_x', 'share_k', 'share_y'].map((share) =>
    fact('a mutation: shares are not erased', LATE(of(share, 'S'))),
  );
  return [
    ...handshakes(scenario),
    ...(keepsShares ? kept : []),
    ...sides.map((one) => bad(`the attacker has the keys of the ${one}`, [HAS[one], learned('M')])),
  ];
}

/** For whom bob has keys, and for which offer: alice made it, to him. */
export const offerTaken = (scenario) => [
  ...handshakes(scenario),
  ...['N,forged,K', 'N,X,forged', 'forged,X,K'].map((parts) =>
    bad('an offer that alice did not make', [`serves(bob,alice,${parts},M)`]),
  ),
  ...['carol', 'eve'].map((to) =>
    bad('an offer to another', [`serves(bob,alice,${of('nonce', offerOf('alice', to, 'R'))},X,K,M)`]),
  ),
  ...[
    ['N', own('run1')('share_x'), own('run2')('share_k')],
    [own('run1')('nonce'), own('run2')('share_x'), 'K'],
  ].map((parts) => bad('a mixture of two offers', [`serves(bob,alice,${parts},M)`])),
];

/** Whose grant alice takes for her offer: bob's, for this offer and nobody else's. */
export const grantTaken = (scenario) => [
  ...handshakes(scenario),
  ...['forged,Y,C', 'SID,forged,C', 'SID,Y,forged'].map((parts) =>
    bad('a grant that bob did not make', [`granted(bob,run1,${parts})`]),
  ),
  ...[
    grantOf('bob', 'carol', 'N', 'X', 'K'),
    grantOf('bob', 'eve', 'N', 'X', 'K'),
    grantOf('carol', 'P', 'N', 'X', 'K'),
    grantOf('bob', 'alice', own('run2')('nonce'), 'X', 'K'),
    grantOf('bob', 'alice', 'N', own('run2')('share_x'), 'K'),
    grantOf('bob', 'alice', 'N', 'forged', 'K'),
  ].flatMap((run) => [
    bad('the share of another grant', [`granted(bob,run1,SID,${of('share_y', run)},C)`]),
    bad('the id of another session', [`granted(bob,run1,${of('sid', run)},Y,C)`]),
  ]),
];

/** Who shares keys with alice is whom she means, and means her. */
export const samePeers = (scenario) => [
  ...handshakes(scenario),
  ...[
    ['bob', 'bob', 'carol'],
    ['bob', 'bob', 'eve'],
    ['bob', 'carol', 'P'],
    ['eve', 'bob', 'P'],
    ['eve', 'carol', 'P'],
    ['carol', 'bob', 'P'],
  ].map(([meant, service, caller]) =>
    bad('one key, and another peer', [`calls(${meant},R,M)`, `serves(${service},${caller},N,X,K,M)`]),
  ),
];

/** Control: alice and bob have one key, for her offer. */
export const sessionOpens = (scenario) => [
  ...handshakes(scenario),
  bad('an honest run completes', [
    'calls(bob,run1,M)',
    `serves(bob,alice,${['nonce', 'share_x', 'share_k'].map(own('run1'))},M)`,
  ]),
];
