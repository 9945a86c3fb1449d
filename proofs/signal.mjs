// Signal-style channels: prekeys, the handshake (PQXDH), and the first steps of the ratchet.
import { LATE } from './attacker.mjs';
import { fact, rule, rules } from './clauses.mjs';
import { of } from './envelope.mjs';
import { att, did, esig, hash, keysOf, kpub, lp, NONE, xpub } from './terms.mjs';

/** The X25519 identity key of Signal channels. */
const identityOf = (who) => `sig(seed(${who}))`;
/** The signed prekey, and the last resort. */
export const prekeyOf = (who) => of('prekey', `owner(${who})`);
export const lastResortOf = (who) => of('last_resort', `owner(${who})`);
/** The one-time keys of a slot. */
const onceOf = (who, slot) => of('once', `slot(${who},${slot})`);
const kemOnceOf = (who, slot) => of('kem_once', `slot(${who},${slot})`);

const signedBy = (who, statement) => att(esig(keysOf(who).ed25519, statement));

function statements({ transcript }) {
  const prekey = (kind, identity, key) =>
    transcript('signalPrekey', { label: 'label_prekey', kind, id: 'id', notAfter: 'end', identity, key });
  return {
    signedPrekey: (identity, key) => prekey('kind_x25519', identity, key),
    lastResort: (identity, key) => prekey('kind_kem', identity, key),
    batch: (identity, x25519, kem) =>
      transcript('signalBatch', {
        ...{ label: 'label_batch', notAfter: 'end', identity },
        root: hash(lp('label_leaf', 'id', x25519, kem)),
      }),
    identity: (who, identity) =>
      transcript('signalIdentity', { label: 'label_identity', did: did(who), identity }),
  };
}

/** Everybody publishes prekeys, and what the DID signed about the identity key. */
function published(scenario) {
  const say = statements(scenario);
  const own = xpub(identityOf('P'));
  const [prekey, last] = [xpub(prekeyOf('P')), kpub(lastResortOf('P'))];
  const [once, kem] = [xpub(onceOf('P', 'SLOT')), kpub(kemOnceOf('P', 'SLOT'))];
  return [
    ...[att, LATE].map((has) =>
      rule('the identity key of Signal channels follows from the seed', [has('S')], has('sig(S)')),
    ),
    ...rules(
      'P publishes prekeys',
      [],
      [
        signedBy('P', say.identity('P', own)),
        signedBy('P', say.signedPrekey(own, prekey)),
        signedBy('P', say.lastResort(own, last)),
        signedBy('P', say.batch(own, once, kem)),
        ...[own, prekey, last, once, kem].map(att),
      ],
    ),
  ];
}

/** A step of the root chain: the next root key, and the key of the one message that its chain has here. */
function step({ transcript, kemRatchet }, root, dh, kemSecret) {
  const from =
    kemRatchet && kemSecret
      ? transcript('signalKemRoot', { root, dh, kemSecret, label: 'label_kem_root' })
      : transcript('signalRoot', { root, dh, label: 'label_root' });
  return { root: `hkdf(${from},to_root)`, key: `hkdf(hkdf(${from},to_chain),to_message)` };
}

/** What stands in front of a message: the ratchet key, and of a KEM step a fresh key and the ciphertext to the last one. */
const headerOf = ({ kemRatchet }, key, kem = NONE, ciphertext = NONE) =>
  kemRatchet ? lp('label_header', xpub(key), kem, ciphertext) : lp('label_header', xpub(key));

/** The handshake, as both sides compute it from each other's keys. Secret keys of the other one are variables. */
function agreement(
  { transcript, oneTime = true },
  { caller, owner, callerKey, ephemeral, keys, encapsulation },
) {
  const { identity, prekey, once, kem } = keys;
  const secret = transcript('signalSecret', {
    identityPrekey: `dh(${callerKey},${prekey})`,
    ephemeralIdentity: `dh(${ephemeral},${identity})`,
    ephemeralPrekey: `dh(${ephemeral},${prekey})`,
    ephemeralOneTime: oneTime ? `dh(${ephemeral},${once})` : NONE,
    kemSecret: `kss(${kem},${encapsulation})`,
    label: 'label_pqxdh',
  });
  const associated = transcript('signalAssociated', {
    ...{ caller: did(caller), owner: did(owner) },
    ...{ callerIdentity: xpub(callerKey), ownerIdentity: xpub(identity), hash_kemPrekey: hash(kpub(kem)) },
  });
  return { secret: `hkdf(${secret},to_secret)`, associated };
}

/** The keys that a caller takes for those of P, each named by its secret half. */
const BUNDLE = { identity: 'I', prekey: 'S', once: 'O', kem: 'K' };

function taken(scenario) {
  const { checksPrekeys = true, oneTime = true } = scenario;
  const say = statements(scenario);
  const publics = [xpub('I'), xpub('S'), ...(oneTime ? [xpub('O')] : []), kpub('K')];
  const kem = oneTime ? say.batch(xpub('I'), xpub('O'), kpub('K')) : say.lastResort(xpub('I'), kpub('K'));
  const signed = [signedBy('P', say.signedPrekey(xpub('I'), xpub('S'))), signedBy('P', kem)];
  return [...publics.map(att), ...(checksPrekeys ? signed : [])];
}

/** The session that A begins with P, by the keys that it took. */
const beginning = (a, p, run, { once = 'O', identity = 'I', prekey = 'S', kem = 'K' } = {}, oneTime = true) =>
  `begins(${a},${p},${run},${identity},${prekey},${oneTime ? once : NONE},${kem})`;
/** What A says first. */
export const firstOf = (a, p, run, { oneTime = true } = {}) =>
  of('content', beginning(a, p, run, {}, oneTime));

/** A begins a session with P, and sends a message. */
function calls(scenario, a, p) {
  const { oneTime = true } = scenario;
  const run = beginning(a, p, 'R', {}, oneTime);
  const [ephemeral, encapsulation] = [of('ephemeral', run), of('encapsulation', run)];
  const [ratchet, kemRatchet] = [of('ratchet', run), of('kem_ratchet', run)];
  const parties = { caller: a, owner: p, callerKey: identityOf(a), ephemeral, keys: BUNDLE, encapsulation };
  const { secret, associated } = agreement(scenario, parties);
  const first = step(scenario, secret, `dh(${ratchet},S)`);
  const header = headerOf(scenario, ratchet, kpub(kemRatchet));
  return { run, ephemeral, encapsulation, ratchet, kemRatchet, associated, first, header };
}

function callers(scenario) {
  const { ephemeral, encapsulation, ratchet, kemRatchet, associated, first, header, run } = calls(
    scenario,
    'A',
    'P',
  );
  return rules('A begins a session with P', taken(scenario), [
    ...[xpub(ephemeral), `kct(K,${encapsulation})`, xpub(ratchet), kpub(kemRatchet)].map(att),
    att(`enc(${first.key},${lp(associated, header)},${of('content', run)})`),
  ]);
}

/** B takes the first message of a session from P, and answers in the next chain. */
function owners(scenario) {
  const { checksIdentity = true, oneTime = true, kemRatchet } = scenario;
  const say = statements(scenario);
  const keys = {
    ...{ identity: identityOf('B'), prekey: prekeyOf('B'), once: onceOf('B', 'SLOT') },
    kem: oneTime ? kemOnceOf('B', 'SLOT') : lastResortOf('B'),
  };
  const parties = { caller: 'P', owner: 'B', callerKey: 'C', ephemeral: 'X', keys, encapsulation: 'E' };
  const { secret, associated } = agreement(scenario, parties);
  const first = step(scenario, secret, `dh(R1,${keys.prekey})`);
  const run = `answers(B,P,SLOT,C,X,E,R1,M)`;
  const [ratchet, encapsulation, kem] = ['answer_ratchet', 'answer_encapsulation', 'answer_kem'].map((one) =>
    of(one, run),
  );
  const second = step(scenario, first.root, `dh(R1,${ratchet})`, `kss(K1,${encapsulation})`);
  const header = headerOf(scenario, ratchet, kpub(kem), `kct(K1,${encapsulation})`);
  const known = checksIdentity ? [signedBy('P', say.identity('P', xpub('C')))] : [att(xpub('C'))];
  const seen = [xpub('X'), xpub('R1'), `kct(${keys.kem},E)`, ...(kemRatchet ? [kpub('K1')] : [])].map(att);
  const sealed = att(`enc(${first.key},${lp(associated, headerOf(scenario, 'R1', kpub('K1')))},M)`);
  return rules(
    'B takes the first message as from P, and answers',
    [...known, ...seen, sealed],
    [
      'took(B,P,M)',
      ...[xpub(ratchet), kpub(kem), `kct(K1,${encapsulation})`].map(att),
      att(`enc(${second.key},${lp(associated, header)},${of('answer', run)})`),
    ],
  );
}

/** alice takes the answer of P to her first message. */
function answered(scenario) {
  const { run, ratchet, kemRatchet, associated, first } = calls(scenario, 'alice', 'P');
  const second = step(scenario, first.root, `dh(${ratchet},Y)`, `kss(${kemRatchet},E2)`);
  const header = headerOf(scenario, 'Y', kpub('K2'), `kct(${kemRatchet},E2)`);
  const premises = [
    ...taken(scenario),
    att(xpub('Y')),
    att(`enc(${second.key},${lp(associated, header)},M)`),
  ];
  return rule('alice takes the answer', premises, `answered(P,${run},M)`);
}

/** What a later look at the memory of alice or bob shows of a session: what was left after the first message. */
function laterStates(scenario) {
  if (!scenario.stateLater) return [];
  const { first, ratchet } = calls(scenario, 'alice', 'bob');
  return rules(
    'the state of alice is read later',
    taken(scenario).map((one) => one.replaceAll('seed(P)', 'seed(bob)')),
    [LATE(first.root), LATE(ratchet)],
  );
}

/** All participants begin sessions with each other. */
export const signalSessions = (scenario) => [
  ...published(scenario),
  ...callers(scenario),
  ...owners(scenario),
  ...laterStates(scenario),
  ...(scenario.secrets ?? []).map((one) => fact('keys that were read', att(one))),
  ...(scenario.lateSecrets ?? []).map((one) => fact('keys that are read later', LATE(one))),
];
export const signalAnswers = (scenario) => [...signalSessions(scenario), answered(scenario)];

/**
 * Somebody has read everything that alice and bob knew of a session, after bob's last turn, and their seeds. Then alice turns, then bob.
 * The attacker hears that, or, with `interferes`, has bob take a turn of its own.
 */
export function broken(scenario) {
  const { interferes, kemRatchet } = scenario;
  const own = (name) => of(name, 'the_session');
  const [root, rb, kb] = ['root', 'rb', 'kb'].map(own);
  const [ra, ka, ea, rb2, kb2, eb] = ['ra', 'ka', 'ea', 'rb_next', 'kb_next', 'eb'].map(own);
  const [turned, sealed] = interferes ? ['X', 'K3'] : [ra, ka];
  const third = step(scenario, root, `dh(${turned},${rb})`, `kss(${kb},${interferes ? 'E3' : ea})`);
  const fourth = step(scenario, third.root, `dh(${turned},${rb2})`, `kss(${sealed},${eb})`);
  const kem = kemRatchet ? [kpub(sealed)] : [];
  const hears = [
    LATE(`enc(${fourth.key},associated,${own('fourth')})`),
    ...[xpub(rb2), kpub(kb2), `kct(${sealed},${eb})`].map(LATE),
  ];
  const honest = step(scenario, root, `dh(${ra},${rb})`, `kss(${kb},${ea})`);
  return [
    ...[root, rb, kb].map((one) => fact('the state that was read', LATE(one))),
    ...[xpub(ra), kpub(ka), `kct(${kb},${ea})`].map((one) => fact('the turn of alice is heard', LATE(one))),
    fact('and her message', LATE(`enc(${honest.key},associated,${own('third')})`)),
    ...(interferes
      ? rules(
          'bob takes a turn of whoever has the keys',
          [LATE(xpub('X')), ...kem.map(LATE), LATE(`enc(${third.key},associated,M)`)],
          hears,
        )
      : rules('the turn of bob is heard', [], hears)),
  ];
}
