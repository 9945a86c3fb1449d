// The handshake of a session: what callers offer, what services grant, and the keys that both have then. Offers and grants travel
// in the open here: nothing rests on their being sealed.
import { rule, rules } from './clauses.mjs';
import { clear, formsOf, membersOf, nameOf, of } from './envelope.mjs';
import { signedBy } from './records.mjs';
import { att, did, dpub, hash, keysOf, kpub, xpub } from './terms.mjs';

/** The scope of all handshakes, and that of everything else. */
const SESSION = 'scope_session';
const OTHER = 'scope_other';

/** The offer that A makes to P; `run` tells it from others. */
export const offerOf = (from, to, run) => `offering(${from},${to},${run})`;
/** The grant of B for an offer, by what is in it: a nonce is used once. */
export const grantOf = (service, caller, nonce, x, k) => `granting(${service},${caller},${nonce},${x},${k})`;

export const formOf = ({ version }, kind) => formsOf([version], [kind]).find(({ suite }) => suite.sealed);

/** What the signatures of an envelope cover. */
export function statement({ transcript }, form, { from, to, members, payload }) {
  const label = `label(${form.kind},${nameOf(form.suite)})`;
  const hash_header = hash(transcript('header', { label, ...members(form, did(from), did(to)) }));
  return transcript('signed', { label, hash_header, hash_payload: hash(payload) });
}

/** The members that play a part have values of their own, or those that are given; the others are all alike. */
export const members = (value, given) => (form, from, to) => ({
  ...membersOf(form, from, to, (name) => (name === 'nonce' ? value(name) : 'any')),
  ...given,
});

export const signed = (who, { version, coSigned }, said) => {
  const { ed25519, mlDsa65 } = keysOf(who);
  return signedBy({ ed25519, mlDsa65: version >= 3 && mlDsa65 }, said, { coSignature: coSigned });
};
/** What was verified, or not. */
const verified = (who, scenario, said, isVerified = true) =>
  isVerified ? signed(who, scenario, said) : [att(said)];

/** The offer with these shares, as an envelope. */
function offer(scenario, from, to, { x, k, value, given }) {
  const payload = scenario.transcript('offer', { x25519: xpub(x), mlKem768: kpub(k) });
  const all = members(value, { scope: SESSION, ...given });
  return {
    payload,
    said: statement(scenario, formOf(scenario, 'request'), { from, to, members: all, payload }),
  };
}

/** The shares of one offer of A's, and its envelope. */
function ownOffer(scenario, from, to, run) {
  const own = (name) => of(name, offerOf(from, to, run));
  const shares = { x: own('share_x'), k: own('share_k') };
  return { ...shares, nonce: own('nonce'), ...offer(scenario, from, to, { ...shares, value: own }) };
}

/** The key that all others of a session come from. `caller` and `service` are names, shares are public. */
export function master({ transcript }, { caller, service, sid, offered, ssX, ssK, shares }) {
  const suite = 'suite_session';
  const { serviceX25519, kemCiphertext } = shares;
  const label = 'label_session';
  const salt = hash(
    transcript('sessionSalt', { label, suite, hash_offer: hash(offered), serviceX25519, kemCiphertext, sid }),
  );
  const ikm = transcript('sessionIkm', { kemSecret: ssK, x25519Secret: ssX, ...shares, label });
  const info = { label: 'label_session_master', suite, from: did(caller), to: did(service), sid };
  return `hkdf(hkdf(${ikm},${salt}),${transcript('sessionMaster', info)})`;
}

/** A offers P a session, and has applications send whatever the attacker wants. */
function callers(scenario) {
  const { x, k, payload, said } = ownOffer(scenario, 'A', 'P', 'R');
  const request = formOf(scenario, 'request');
  const own = (name) => of(name, 'sending(A,P,R)');
  const all = members(own, { scope: OTHER });
  const other = statement(scenario, request, { from: 'A', to: 'P', members: all, payload: 'C' });
  return [
    ...rules('A offers P a session', [], [att(payload), ...signed('A', scenario, said)]),
    ...rules('public keys are public', [], [att(xpub(x)), att(kpub(k)), att(dpub(keysOf('A').mlDsa65))]),
    ...rules('A sends P anything, under another scope', [att('C')], signed('A', scenario, other)),
  ];
}

/** B grants a session for every offer that P signed, and answers everything else with whatever the attacker wants. */
function services(scenario) {
  const { checksScope = true, checksOffer } = scenario;
  const value = (name) => `M_${name}`;
  const given = checksScope ? {} : { scope: 'M_scope' };
  const { said: offered } = offer(scenario, 'P', 'B', { x: 'X', k: 'K', value, given });
  const own = (name) => of(name, grantOf('B', 'P', 'M_nonce', 'X', 'K'));
  const shares = {
    callerX25519: xpub('X'),
    callerMlKem768: kpub('K'),
    serviceX25519: xpub(own('share_y')),
    kemCiphertext: `kct(K,${own('encapsulation')})`,
  };
  const [ssX, ssK] = [`dh(X,${own('share_y')})`, `kss(K,${own('encapsulation')})`];
  const parties = { caller: 'P', service: 'B', sid: own('sid'), offered, ssX, ssK, shares };
  const payload = scenario.transcript('grant', {
    sid: own('sid'),
    x25519: shares.serviceX25519,
    kemCiphertext: shares.kemCiphertext,
    offerHash: hash(offered),
    ticket: own('ticket'),
  });
  const grant = reply(scenario, 'B', 'P', { value: own, inReplyTo: 'M_nonce', payload });
  const anything = reply(scenario, 'B', 'P', {
    value: (name) => of(name, 'answering(B,P,R,C)'),
    inReplyTo: of('nonce', 'sending(P,B,R)'),
    payload: 'C',
  });
  return [
    ...rules('B grants it', verified('P', scenario, offered, checksOffer), [
      ...signed('B', scenario, grant),
      att(payload),
      ...['sid', 'ticket'].map((name) => att(own(name))),
      ...[shares.serviceX25519, shares.kemCiphertext].map(att),
      `serves(B,P,M_nonce,X,K,${master(scenario, parties)})`,
    ]),
    ...rules('B answers anything to anything else', [att('C')], signed('B', scenario, anything)),
  ];
}

/** An answer of B to P, as an envelope. */
const reply = (scenario, from, to, { value, inReplyTo, payload }) =>
  statement(scenario, formOf(scenario, 'answer'), {
    ...{ from, to, payload },
    members: members(value, { inReplyTo }),
  });

/** alice takes what answers her offer to P. With a ciphertext that is not for her key she has a key that nobody else has. */
function takes(scenario) {
  const { checksGrant, checksReply = true, checksHash = true } = scenario;
  const { x, k, nonce, said: offered } = ownOffer(scenario, 'alice', 'P', 'R');
  const taken = (kemCiphertext) => {
    const grant = { sid: 'SID', x25519: xpub('Y'), kemCiphertext, ticket: 'T' };
    const offerHash = checksHash ? hash(offered) : 'H';
    const payload = scenario.transcript('grant', { ...grant, offerHash });
    const inReplyTo = checksReply ? nonce : 'N';
    const value = (name) => `M_${name}`;
    const said = reply(scenario, 'P', 'alice', { value, inReplyTo, payload });
    return verified('P', scenario, said, checksGrant);
  };
  const shares = {
    callerX25519: xpub(x),
    callerMlKem768: kpub(k),
    serviceX25519: xpub('Y'),
    kemCiphertext: `kct(${k},E)`,
  };
  const secrets = { ssX: `dh(${x},Y)`, ssK: `kss(${k},E)` };
  const parties = { caller: 'alice', service: 'P', sid: 'SID', offered, ...secrets, shares };
  return [
    rule('alice takes the grant', taken('C'), 'granted(P,R,SID,Y,C)'),
    rule('and has a key', taken(`kct(${k},E)`), `calls(P,R,${master(scenario, parties)})`),
  ];
}

/** All participants open sessions with each other. */
export const handshakes = (scenario) => [
  ...clear,
  ...callers(scenario),
  ...services(scenario),
  ...takes(scenario),
];
