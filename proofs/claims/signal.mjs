// Claims about Signal-style channels: alice begins a session with bob.
import { LATE } from '../attacker.mjs';
import { rule } from '../clauses.mjs';
import { of } from '../envelope.mjs';
import { broken, firstOf, signalAnswers, signalSessions } from '../signal.mjs';
import { att } from '../terms.mjs';

const bad = (why, premises) => rule(why, premises, 'attack');
const RUN = (p, run, once) => `begins(alice,${p},${run},I,S,${once},K)`;

/** What alice says first to bob stays between them. */
export const signalSecrecy = (scenario) => [
  ...signalSessions(scenario),
  bad('the attacker learns the first message', [
    (scenario.leakedLater ? LATE : att)(firstOf('alice', 'bob', 'R', scenario)),
  ]),
];

/** What bob takes as from alice, she said to him; and what she said to him he takes as from nobody else. */
export const signalTaken = (scenario) => [
  ...signalSessions(scenario),
  bad('a message that alice did not send', ['took(bob,alice,forged)']),
  ...['carol', 'eve'].map((p) =>
    bad('a message to somebody else', [`took(bob,alice,${firstOf('alice', p, 'R', scenario)})`]),
  ),
  // Who has the seed of bob reads what is for him, and may say the same: that is no theft of a name.
  ...(scenario.leaked?.includes('bob')
    ? []
    : [bad('a message of alice, as from eve', [`took(bob,eve,${firstOf('alice', 'bob', 'R', scenario)})`])]),
];

/** What alice takes as the answer of bob, bob answered to her message. */
export const signalAnswered = (scenario) => [
  ...signalAnswers(scenario),
  bad('an answer that bob did not give', [`answered(bob,RUN,forged)`]),
  bad('an answer of bob to another message', [
    `answered(bob,${RUN('bob', 'run1', 'O')},${of('answer', `answers(bob,P,SLOT,C,X,E,R1,${of('content', RUN('bob', 'run2', 'O'))})`)})`,
  ]),
];

/** Control: the first message arrives, and the answer. */
export function signalArrives(scenario) {
  const said = firstOf('alice', 'bob', 'run1', scenario);
  return [
    ...signalAnswers(scenario),
    bad('an honest run completes', [
      `took(bob,alice,${said})`,
      `answered(bob,${said.slice('of(the_content,'.length, -1)},${of('answer', `answers(bob,alice,SLOT,C,X,E,R1,${said})`)})`,
    ]),
  ];
}

/** After a break-in: what alice says in her next turn (`third`), and what bob says in his (`fourth`). */
export const signalRecovers = (scenario) => [
  ...broken(scenario),
  bad('the attacker reads on', [LATE(of(scenario.says ?? 'fourth', 'the_session'))]),
];
