// Claims about checkpoints of sessions: alice signs what she sent to bob, and both show it to others.
import { checkpoints, leafOf, shown } from '../checkpoints.mjs';
import { rule } from '../clauses.mjs';
import { of } from '../envelope.mjs';
import { sessionOf } from '../sessions.mjs';

const bad = (why, atom) => rule(why, [atom], 'attack');
const between = (caller, service, run) => sessionOf(caller, service, 'SLOT', run);
const sidOf = (session) => of('sid', session);
const OWN = between('alice', 'bob', 'run1');

/** What others see as signed by alice, she signed: of this session, with this service. */
export const signedByCaller = (scenario) => [
  ...checkpoints(scenario),
  bad('leaves that alice did not sign', shown('alice', 'bob', 'SID', 'forged')),
  bad('a session that alice does not have', shown('alice', 'bob', 'forged', 'LEAVES')),
  ...[between('alice', 'bob', 'run2'), between('alice', 'carol', 'R'), between('alice', 'eve', 'R')].flatMap(
    (other) => [
      bad('leaves of another session', shown('alice', 'bob', sidOf(OWN), leafOf(other))),
      bad('her leaves in another session', shown('alice', 'bob', sidOf(other), leafOf(OWN))),
    ],
  ),
];

/** What bob has countersigned is of a session that he has with the one who signed it. */
export const countersigned = (scenario) => [
  ...checkpoints(scenario),
  bad('a session that bob does not have', shown('alice', 'bob', 'forged', 'LEAVES')),
  bad(
    'a session with another service',
    shown('alice', 'bob', sidOf(between('alice', 'carol', 'R')), 'LEAVES'),
  ),
  bad("another caller's session", shown('eve', 'bob', sidOf(OWN), 'LEAVES')),
];

/** Control: others see what alice signed, and that bob was told. */
export const isShown = (scenario) => [
  ...checkpoints(scenario),
  bad('an honest run completes', shown('alice', 'bob', sidOf(OWN), leafOf(OWN))),
];
