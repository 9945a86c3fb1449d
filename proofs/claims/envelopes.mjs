// Claims about envelopes between honest alice and bob: secrecy, agreement, kinds, attribution.
import { LATE } from '../attacker.mjs';
import { rule, rules } from '../clauses.mjs';
import { accepted, accepts, envelopes, formsOf, MEMBERS, nameOf, of, session } from '../envelope.mjs';
import { records, signedBy } from '../records.mjs';
import { att, hash, keysOf, xpub } from '../terms.mjs';

const ALL = [1, 2, 3];

const world = (scenario) => [...records(scenario), ...envelopes(scenario)];

const fromAliceToBob = ({ suite, kind }, run = 'R') => session('alice', 'bob', kind, suite, run);
const isSealed = ({ suite }) => suite.sealed;

/** What alice seals for bob stays secret. */
export function secrecy(scenario) {
  const learned = scenario.leakedLater ? LATE : att;
  const goals = formsOf(ALL)
    .filter(isSealed)
    .map((form) =>
      rule('the attacker learns a content', [learned(of('content', fromAliceToBob(form)))], 'attack'),
    );
  return [...world(scenario), ...goals];
}

/** What bob accepts as from alice, alice sent to bob, with these members and this content. */
export const agreement = (scenario) => [
  ...world(scenario),
  ...formsOf(accepts(scenario)).flatMap((form) => disagreements(scenario, form)),
];

/** These are in the name of the run, or in the sentence itself. */
const FIXED = ['version', 'suite', 'kind', 'from', 'to'];

function disagreements({ leaked }, form) {
  const [one, other] = ['run1', 'run2'].map((run) => fromAliceToBob(form, run));
  const shape = { version: `v${form.suite.version}`, suite: nameOf(form.suite), kind: form.kind };
  const bad = (why, members, content) =>
    rule(why, [accepted('alice', 'bob', { ...shape, ...members }, content)], 'attack');
  // Which epoch is the true one is what bob's record says, which is whoever has his seed to say.
  const isSaidByBob = (name) => name === 'keyEpoch' && leaked.includes('bob');
  const free = MEMBERS.filter((name) => !FIXED.includes(name) && !isSaidByBob(name));
  const nonce = of('nonce', one);
  return [
    bad('a content that alice did not send', {}, 'forged'),
    bad('the content of another envelope', { nonce }, of('content', other)),
    ...free.map((name) => bad(`${name} that alice did not send`, { [name]: 'forged' })),
    ...free
      .filter((name) => name !== 'nonce' && name !== 'keyEpoch') // all envelopes for bob have the same epoch
      .map((name) => bad(`${name} of another envelope`, { nonce, [name]: memberOf(name, other) })),
    ...['carol', 'eve'].map((to) =>
      bad(`an envelope for ${to}`, { nonce: of('nonce', session('alice', to, form.kind, form.suite, 'R')) }),
    ),
    ...formsOf(ALL, [form.kind])
      .filter(({ suite }) => suite !== form.suite)
      .map((another) => bad('an envelope of another suite', { nonce: of('nonce', fromAliceToBob(another)) })),
  ];
}

const memberOf = (name, run) => {
  if (name === 'ephemeralPub') return xpub(of('ephemeral', run));
  return name === 'kemCiphertext' ? `kct(K,${of('encapsulation', run)})` : of(name, run);
};

/** No envelope of alice's, for whomever, is taken for one of another kind. */
export function kinds(scenario) {
  const forms = formsOf(accepts(scenario));
  const goals = forms.flatMap(({ suite, kind }) =>
    forms
      .filter((sent) => sent.kind !== kind)
      .flatMap((sent) => ['bob', 'eve'].map((to) => ({ ...sent, to })))
      .map((sent) => {
        const nonce = of('nonce', session('alice', sent.to, sent.kind, sent.suite, 'R'));
        const taken = accepted('alice', 'bob', { kind, suite: nameOf(suite), nonce });
        return rule(`${sent.kind} taken for ${kind}`, [taken], 'attack');
      }),
  );
  return [...world(scenario), ...goals];
}

/** What alice sealed for bob is not taken for what another sent: no stripping of signatures and signing anew. */
export function attribution(scenario) {
  const goals = formsOf(accepts(scenario))
    .filter(isSealed)
    .flatMap((form) =>
      ['eve', 'carol'].map((another) =>
        rule(
          `what alice sealed is taken for what ${another} sent`,
          [accepted(another, 'bob', {}, of('content', fromAliceToBob(form)))],
          'attack',
        ),
      ),
    );
  return [...world(scenario), ...goals];
}

/** Agreement, where applications have alice and bob sign whatever the attacker wants: `agent.sign` is no oracle. */
export function applications(scenario) {
  const values = { label: 'label_application', context: 'X', hash_bytes: hash('M') };
  const statement = scenario.transcript('application', values);
  const signs = ['alice', 'bob'].flatMap((who) =>
    rules(`${who} signs what applications want`, [att('X'), att('M')], signedBy(keysOf(who), statement)),
  );
  return [...signs, ...agreement(scenario)];
}

/** Control: an honest envelope of this kind arrives. Without it, a claim could hold because nothing happens at all. */
export const arrives = (kind) => (scenario) => [
  ...world(scenario),
  ...formsOf(accepts(scenario), [kind]).map((form) => {
    const run = fromAliceToBob(form, 'run1');
    const whole = accepted('alice', 'bob', { nonce: of('nonce', run) }, of('content', run));
    return rule('an honest run completes', [whole], 'attack');
  }),
];
