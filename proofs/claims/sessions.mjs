// Claims about requests and answers in sessions, and about the tickets: alice calls bob.
import { LATE } from '../attacker.mjs';
import { rule } from '../clauses.mjs';
import { of } from '../envelope.mjs';
import { askedIn, heard, inSessions, messagedIn, OPEN, repliedTo, sessionOf, whole } from '../sessions.mjs';
import { att } from '../terms.mjs';

const bad = (why, premises) => rule(why, premises, 'attack');

const SESSION = sessionOf('alice', 'bob', 'SLOT', 'run1');
/** A request of alice's. */
const asked =
  (run, length, session = SESSION) =>
  (name) =>
    of(name, askedIn(session, run, length));

/** What alice and bob say to each other in sessions whose tickets were sealed in the time `slot1` stays between them. */
export function sessionSecrecy(scenario) {
  const learned = scenario.leakedLater ? LATE : att;
  const session = sessionOf('alice', 'bob', 'slot1', 'run1');
  const told = (kind) => of('part0', repliedTo(of('sid', session), 'SALT', kind, 1));
  return [
    ...inSessions(scenario),
    bad('the attacker learns a request', [learned(asked('Q', 1, session)('part0'))]),
    bad('the attacker learns the end of a request', [learned(asked('Q', 2, session)('part1'))]),
    ...(scenario.replies
      ? ['answer', 'refusal'].map((kind) => bad('the attacker learns an answer', [learned(told(kind))]))
      : []),
  ];
}

/** What bob takes as from alice in a session, alice sent to him in this session, with everything that it says. */
export function requestTaken(scenario) {
  const [one, other] = [asked('run1', 2), asked('run2', 2)];
  const short = asked('run1', 1);
  const elsewhere = (to) => asked('Q', 1, sessionOf('alice', to, 'SLOT', 'R'));
  const taken = (why, said) => bad(why, [heard('alice', said)]);
  return [
    ...inSessions(scenario),
    ...OPEN.map((name) => taken(`${name} that alice did not say`, { [name]: 'forged' })),
    taken('headers that alice did not seal', { headers: 'forged' }),
    ...OPEN.filter((name) => name !== 'salt').map((name) =>
      taken(`${name} of another request`, { salt: one('salt'), [name]: other(name) }),
    ),
    taken('headers of another request', { salt: one('salt'), headers: other('headers') }),
    taken('the id of another session', {
      salt: one('salt'),
      sid: of('sid', sessionOf('alice', 'bob', 'SLOT', 'run2')),
    }),
    ...['carol', 'eve'].map((to) => taken(`a request to ${to}`, { salt: elsewhere(to)('salt') })),
    ...[whole('forged'), whole('forged', 'C1'), whole('C0', 'forged')].map((content) =>
      taken('a content that alice did not send', { content }),
    ),
    ...[whole(other('part0'), 'C1'), whole('C0', other('part1')), whole(short('part0'), 'C1')].map(
      (content) => taken('the content of another request', { salt: one('salt'), content }),
    ),
    taken('a beginning, taken for the whole', { content: whole(one('part0')) }),
    taken('an end, taken for the whole', { content: whole(one('part1')) }),
  ];
}

/** What bob takes as a message from alice, she sent as one; no request is taken for a message, and no message for a request. */
export function kindTaken(scenario) {
  const [note, other] = ['run1', 'run2'].map((run) => (name) => of(name, messagedIn(SESSION, run, 1)));
  const one = asked('run1', 1);
  const noted = (why, said) => bad(why, [heard('alice', { as: 'noted', ...said })]);
  const elsewhere = (name) => of(name, messagedIn(sessionOf('alice', 'carol', 'SLOT', 'R'), 'Q', 1));
  return [
    ...inSessions({ ...scenario, messages: true }),
    bad('a message, taken for a request', [heard('alice', { salt: note('salt') })]),
    noted('a request, taken for a message', { salt: one('salt') }),
    noted('a message to somebody else', { salt: elsewhere('salt') }),
    noted('a content that alice did not send', { content: whole('forged') }),
    ...OPEN.map((name) => noted(`${name} that alice did not say`, { [name]: 'forged' })),
    noted('the content of another message', { salt: note('salt'), content: whole(other('part0')) }),
    noted('the content of a request', { content: whole(one('part0')) }),
  ];
}

/** Control: a message arrives. */
export function messageArrives(scenario) {
  const note = (name) => of(name, messagedIn(SESSION, 'run1', 1));
  const open = Object.fromEntries(OPEN.map((name) => [name, note(name)]));
  const sid = of('sid', SESSION);
  return [
    ...inSessions({ ...scenario, messages: true }),
    bad('an honest run completes', [
      heard('alice', { as: 'noted', ...open, sid, headers: note('headers'), content: whole(note('part0')) }),
    ]),
  ];
}

/** What alice takes as the answer to her request, bob answered to this one; a refusal is no answer. */
export function replyTaken(scenario) {
  const [one, other] = [asked('run1', 1), asked('run2', 1)];
  const sid = of('sid', SESSION);
  const told = (request, kind, length) => (name) => of(name, repliedTo(sid, request('salt'), kind, length));
  const taken = (why, kind, content) => bad(why, [`told(${one('salt')},${kind},${content})`]);
  const [answer, refusal] = [told(one, 'answer', 1), told(one, 'refusal', 1)];
  const long = told(one, 'answer', 2);
  return [
    ...inSessions({ ...scenario, replies: true }),
    ...[whole('forged'), whole('forged', 'C1'), whole('C0', 'forged')].map((content) =>
      taken('an answer that bob did not give', 'K', content),
    ),
    ...['answer', 'refusal'].map((kind) =>
      taken('the answer to another request', kind, whole(told(other, kind, 1)('part0'))),
    ),
    taken(
      'the answer in another session',
      'K',
      whole(
        of('part0', repliedTo(of('sid', sessionOf('alice', 'bob', 'SLOT', 'run2')), 'SALT', 'answer', 1)),
      ),
    ),
    taken('a refusal, taken for an answer', 'answer', whole(refusal('part0'))),
    taken('an answer, taken for a refusal', 'refusal', whole(answer('part0'))),
    taken('a beginning, taken for the whole', 'answer', whole(long('part0'))),
    taken('more than bob wrote', 'answer', whole(answer('part0'), 'C1')),
  ];
}

/** Control: a request arrives, and the answer to it in two chunks. */
export function sessionArrives(scenario) {
  const one = asked('run1', 1);
  const open = Object.fromEntries(OPEN.map((name) => [name, one(name)]));
  const sid = of('sid', SESSION);
  const told = (name) => of(name, repliedTo(sid, one('salt'), 'answer', 2));
  return [
    ...inSessions({ ...scenario, replies: true }),
    bad('an honest run completes', [
      heard('alice', { ...open, sid, headers: one('headers'), content: whole(one('part0')) }),
      `told(${one('salt')},answer,${whole(told('part0'), told('part1'))})`,
    ]),
  ];
}
