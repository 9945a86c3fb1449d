// Claims about what a client makes of answers and refusals: alice calls bob, who is a service.
import { rule } from '../clauses.mjs';
import {
  accepted,
  accepts,
  envelopes,
  formsOf,
  nameOf,
  of,
  receiver,
  sender,
  session,
} from '../envelope.mjs';
import { records } from '../records.mjs';
import { att } from '../terms.mjs';

/** All requests are to the same route: only nonces tell them apart. */
const ROUTE = 'route';
/** The content of the refusal that lets a client use its API key. */
const NOT_SUPPORTED = 'not_supported';

/** Requests, as in all other claims but for the route, and bob who takes them. */
export const requests = (scenario) => [
  ...records(scenario),
  ...envelopes(scenario, []),
  ...formsOf(accepts(scenario), ['request']).flatMap((form) => [
    ...sender(scenario, form, { members: { request: ROUTE } }),
    receiver(scenario, form, 'bob'),
  ]),
];

/**
 * bob replies to every request that he accepted, or to those of one run, in the name of its nonce; `length`: with an answer in so
 * many chunks.
 */
export const replies = (scenario, kind, { run = 'N', content, length } = {}) =>
  formsOf(accepts(scenario), [kind]).flatMap((form) =>
    formsOf(accepts(scenario), ['request']).flatMap((request) => {
      const nonce = run === 'N' ? 'N' : of('nonce', session('P', 'bob', 'request', request.suite, run));
      const when = [
        accepted('P', 'bob', { kind: 'request', suite: nameOf(request.suite), nonce, request: 'Q' }),
      ];
      const members = { inReplyTo: nonce, request: 'Q' };
      const named = length === undefined ? nonce : longRun(length, nonce);
      return sender(scenario, form, { when, run: named, members, content, length }).map((one) =>
        as(one, 'bob'),
      );
    }),
  );

/** What a rule says of any sender A, said of one. */
const as = ({ why, premises, conclusion }, who) => {
  const put = (atom) => atom.replace(/\bA\b/g, who);
  return rule(why, premises.map(put), put(conclusion));
};

/** The answer in so many chunks to the request of this nonce. */
export const longRun = (length, nonce) => `long${length}(${nonce})`;

export const request = (form, run) => session('alice', 'bob', 'request', form.suite, run);

/** What alice takes as the reply to her request `run1`. */
function taken(scenario, kind, conclude) {
  const { checksSender = true, checksReply = true } = scenario;
  return [
    ...formsOf(accepts(scenario), [kind]).map((form) => receiver(scenario, form, 'alice')),
    ...formsOf(accepts(scenario), ['request']).map((form) => {
      const inReplyTo = checksReply ? of('nonce', request(form, 'run1')) : 'ANY';
      const from = checksSender ? 'bob' : 'P';
      const reply = accepted(from, 'alice', { kind, inReplyTo, request: ROUTE }, 'C');
      return rule('alice takes it for the reply', [reply], conclude(form));
    }),
  ];
}

/** What alice takes as the answer to her request, bob answered to this request. */
export function answers(scenario) {
  const forms = formsOf(accepts(scenario), ['answer']);
  const asked = formsOf(accepts(scenario), ['request']);
  const answer = (from, to, form, nonce) => of('content', session(from, to, 'answer', form.suite, nonce));
  const bad = (why, content) => rule(why, [`answered(${content})`], 'attack');
  return [
    ...requests(scenario),
    ...replies(scenario, 'answer'),
    ...taken(scenario, 'answer', () => 'answered(C)'),
    bad('an answer that bob did not give', 'forged'),
    ...forms.flatMap((form) => [
      bad('an answer to another client', answer('bob', 'carol', form, 'N')),
      bad('an answer of the attacker', answer('eve', 'alice', form, 'N')),
      ...asked.map((one) =>
        bad('the answer to another request', answer('bob', 'alice', form, of('nonce', request(one, 'run2')))),
      ),
    ]),
  ];
}

/** What bob answers to alice stays between them. */
export const answersSecret = (scenario) => [
  ...requests(scenario),
  ...replies(scenario, 'answer'),
  ...formsOf(accepts(scenario), ['answer']).map(({ suite }) =>
    rule(
      'the attacker learns an answer',
      [att(of('content', session('bob', 'alice', 'answer', suite, 'N')))],
      'attack',
    ),
  ),
];

/**
 * alice uses her API key in place of an envelope only if the service refused this one. bob refuses those of `run2`, and never
 * the one of `run1`.
 */
export const refusals = (scenario) => [
  ...requests(scenario),
  ...replies(scenario, 'refusal', { run: scenario.refused ?? 'run2', content: NOT_SUPPORTED }),
  ...taken(scenario, 'refusal', () => 'reply(C)'),
  rule('alice uses the key', [`reply(${NOT_SUPPORTED})`], 'attack'),
  ...(scenario.unsigned ? [rule('an answer that is not signed is believed', [att('C')], 'reply(C)')] : []),
];

/** Control: an answer arrives. */
export const answerArrives = (scenario) => [
  ...requests(scenario),
  ...replies(scenario, 'answer'),
  ...taken(scenario, 'answer', () => 'answered(C)'),
  ...formsOf(accepts(scenario), ['request']).flatMap((one) =>
    formsOf(accepts(scenario), ['answer']).map(({ suite }) =>
      rule(
        'an honest run completes',
        [
          `answered(${of('content', session('bob', 'alice', 'answer', suite, of('nonce', request(one, 'run1'))))})`,
        ],
        'attack',
      ),
    ),
  ),
];
