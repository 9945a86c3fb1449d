// Claims about answers in several chunks: alice calls bob, who answers in one to three of them.
import { rule } from '../clauses.mjs';
import { accepted, accepts, formsOf, of, receiver, session } from '../envelope.mjs';
import { att } from '../terms.mjs';
import { longRun, replies, request, requests } from './http.mjs';

const LENGTHS = [1, 2, 3];
const PARTS = ['C0', 'C1', 'C2'];

/** What alice has: all of an answer in so many chunks, or so many chunks of its beginning. */
const whole = (...parts) => `whole${parts.length}(${parts.join(',')})`;
const begun = (...parts) => `begun${parts.length}(${parts.join(',')})`;

/** bob answers every request, in one, two and three chunks. */
const world = (scenario, lengths = LENGTHS) => [
  ...requests(scenario),
  ...lengths.flatMap((length) => replies(scenario, 'answer', { length })),
];

/** alice takes it for the answer to her request `run1`. */
const taken = (scenario, name, isWhole, lengths) =>
  lengths.flatMap((length) => {
    const as = name(...PARTS.slice(0, length));
    return [
      ...formsOf(accepts(scenario), ['answer']).map((form) =>
        receiver(scenario, form, 'alice', { parts: PARTS.slice(0, length), isWhole, as }),
      ),
      ...formsOf(accepts(scenario), ['request']).map((form) =>
        rule(
          'alice takes it for the answer to her request',
          [accepted('bob', 'alice', { kind: 'answer', inReplyTo: of('nonce', request(form, 'run1')) }, as)],
          `has(${as})`,
        ),
      ),
    ];
  });

/** A chunk of an answer of bob's: in how many chunks, to which run of which form. */
const part = (form, asked, number, length, run) => {
  const nonce = of('nonce', request(asked, run));
  return of(`part${number}`, session('bob', 'alice', 'answer', form.suite, longRun(length, nonce)));
};

const pairsOf = (scenario) =>
  formsOf(accepts(scenario), ['answer']).flatMap((form) =>
    formsOf(accepts(scenario), ['request']).map((asked) => [form, asked]),
  );

/**
 * What is had of an answer and is no answer of bob's: `taken` chunks that begin like one of `length`, where one is another's, at
 * another place or forged.
 */
function mixtures(name, [form, asked], taken, length) {
  const of = (number, run = 'run1') => part(form, asked, number, length, run);
  const fits = PARTS.slice(0, taken).map((_, number) => of(number));
  const bad = (why, parts) => rule(why, [`has(${name(...parts)})`], 'attack');
  const put = (at, one) => fits.map((fit, number) => (number === at ? one : fit));
  const places = [...fits.keys()];
  return [
    ...places.map((at) =>
      bad(
        'a chunk that bob did not write',
        PARTS.slice(0, taken).map((any, n) => (n === at ? 'forged' : any)),
      ),
    ),
    ...places.flatMap((at) => [
      bad('a chunk of the answer to another request', put(at, of(at, 'run2'))),
      ...LENGTHS.filter((other) => other !== length && at < other).map((other) =>
        bad('a chunk of another answer', put(at, part(form, asked, at, other, 'run1'))),
      ),
      ...[0, 1, 2]
        .filter((other) => other !== at && other < length)
        .map((other) => bad('a chunk at another place', put(at, of(other)))),
    ]),
  ];
}

/** What alice takes for all of an answer, bob wrote as all of it: nothing cut, put behind, swapped or mixed. */
export const wholeAnswers = (scenario) => [
  ...world(scenario),
  ...taken(scenario, whole, true, LENGTHS),
  ...pairsOf(scenario).flatMap((pair) => [
    ...LENGTHS.filter((length) => length > 1).flatMap((length) => mixtures(whole, pair, length, length)),
    ...LENGTHS.flatMap((length) =>
      LENGTHS.filter((other) => other !== length).map((other) =>
        rule(
          other < length ? 'a beginning, taken for the whole' : 'more than bob wrote',
          [`has(${whole(part(...pair, 0, length, 'run1'), ...PARTS.slice(1, other))})`],
          'attack',
        ),
      ),
    ),
  ]),
];

/** What alice hands over before the end is what bob wrote at this place. */
export const begunAnswers = (scenario) => [
  ...world(scenario),
  ...taken(scenario, begun, false, LENGTHS),
  ...pairsOf(scenario).flatMap((pair) => [2, 3].flatMap((length) => mixtures(begun, pair, length, 3))),
];

/** bob signs answers and their ends, and nothing else for alice but requests: she takes nothing else as from him. */
export const endsAreNoEnvelopes = (scenario) => [
  ...world(scenario),
  ...formsOf(accepts(scenario), ['message', 'receipt', 'refusal']).flatMap((form) => [
    receiver(scenario, form, 'alice'),
    rule(`a ${form.kind}`, [accepted('bob', 'alice', { kind: form.kind })], 'attack'),
  ]),
];

/** Nobody else learns a chunk. */
export const chunksSecret = (scenario) => [
  ...world(scenario),
  ...formsOf(accepts(scenario), ['answer']).flatMap(({ suite }) =>
    LENGTHS.flatMap((length) =>
      Array.from({ length }, (_, number) =>
        rule(
          'the attacker learns a chunk',
          [att(of(`part${number}`, session('bob', 'alice', 'answer', suite, longRun(length, 'N'))))],
          'attack',
        ),
      ),
    ),
  ),
];

/** Control: all of an answer in three chunks arrives, and its beginning. */
const arrives = (name, isWhole, length) => (scenario) => [
  ...world(scenario, [3]),
  ...taken(scenario, name, isWhole, [length]),
  ...pairsOf(scenario).map((pair) =>
    rule(
      'an honest run completes',
      [`has(${name(...PARTS.slice(0, length).map((_, number) => part(...pair, number, 3, 'run1')))})`],
      'attack',
    ),
  ),
];
export const wholeArrives = arrives(whole, true, 3);
export const begunArrives = arrives(begun, false, 2);
