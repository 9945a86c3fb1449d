// Envelopes: what honest participants send, and what they accept.
import { fact, rule, rules } from './clauses.mjs';
import { code, transcripts } from './read-code.mjs';
import { known, upTo } from './records.mjs';
import {
  att,
  did,
  dpub,
  dsig,
  encryptionKeysOf,
  esig,
  hash,
  keysOf,
  kpub,
  lp,
  NONE,
  xpub,
} from './terms.mjs';

const { FIELDS, KINDS, SUITES, suiteHasKind } = code;

/** Members of the header, without the label in front. */
export const MEMBERS = transcripts.header.slice(1);

/** Suites of whole messages; those of shares differ from them in the label. */
export const suitesOf = (versions) =>
  SUITES.filter(({ form, version }) => form === 'message' && versions.includes(version));
/** All pairs of a suite and a kind that it has. */
export const formsOf = (versions, kinds = KINDS) =>
  suitesOf(versions).flatMap((suite) =>
    kinds.filter((kind) => suiteHasKind(suite, kind)).map((kind) => ({ suite, kind })),
  );

export const nameOf = ({ sealed, version }) => `${sealed ? 'sealed' : 'signed'}_v${version}`;

/** One envelope that an honest participant makes; `run` tells it from others. */
export const session = (from, to, kind, suite, run) =>
  `session(${from},${to},${kind},${nameOf(suite)},${run})`;
/** A value that belongs to this one envelope, such as its nonce. */
export const of = (name, run) => `of(the_${name.toLowerCase()},${run})`;

/** The recipient takes this as from the sender. Members that are not given are variables. */
export const accepted = (from, to, members, content = 'C') =>
  `accepted(${from},${to},members(${MEMBERS.map((name) => members[name] ?? `V_${name}`)}),${content})`;

/** What both ends compute alike. */
function envelope(
  { transcript },
  { suite, kind, from, to, members, agreement, content, contentType, headers },
) {
  const label = `label(${kind},${nameOf(suite)})`;
  const header = transcript('header', { label, ...members });
  const payload = suite.sealed ? sealed() : content;
  const signed = transcript('signed', { label, hash_header: hash(header), hash_payload: hash(payload) });
  return { payload, signed };

  function sealed() {
    const okm = `hkdf(${transcript('ikm', { ...agreement, label })},${transcript('info', { label, from, to })})`;
    const frame =
      kind === 'request'
        ? transcript('requestFrame', { from, contentType, headers })
        : transcript('frame', { from, contentType });
    return lp(`com(${okm})`, `enc(${okm},${header},${lp(frame, content)})`);
  }
}

/** The members that this suite and kind have, each with a value; the others are absent. */
const membersOf = ({ suite, kind }, from, to, value) => ({
  ...Object.fromEntries(
    MEMBERS.map((name) => [name, FIELDS[name].presence(suite, kind) === 'forbidden' ? NONE : value(name)]),
  ),
  version: `v${suite.version}`,
  suite: nameOf(suite),
  kind,
  from,
  to,
});

/**
 * A sends to P, with keys from a record that it took. `when`, `run`, `members` and `content` say
 * more where an envelope follows another one.
 */
export function sender(scenario, form, { when = [], run = 'R', members: given = {}, content } = {}) {
  const { suite, kind } = form;
  const own = (name) => of(name, session('A', 'P', kind, suite, run));
  const [from, to] = [did('A'), did('P')];
  const ephemeralPub = xpub(own('ephemeral'));
  const mlKem768 = suite.kem ? kpub('K') : NONE;
  const members = {
    ...membersOf(form, from, to, own),
    ...(suite.agreed ? { keyEpoch: 'KE', ephemeralPub } : {}),
    ...(suite.kem ? { kemCiphertext: `kct(K,${own('encapsulation')})` } : {}),
    ...given,
  };
  const agreement = {
    ssX: `dh(${own('ephemeral')},X)`,
    ssK: suite.kem ? `kss(K,${own('encapsulation')})` : NONE,
    ephemeralPub,
    kemCiphertext: members.kemCiphertext,
    x25519: xpub('X'),
    mlKem768,
  };
  const { payload, signed } = envelope(scenario, {
    ...{ suite, kind, from, to, members, agreement },
    content: content ?? own('content'),
    contentType: own('type'),
    headers: own('headers'),
  });
  const { ed25519, mlDsa65 } = keysOf('A');
  const mlDsaOfP = suite.version >= 3 ? 'DP' : NONE;
  const record = known(suite.version, 'P', {
    x25519: xpub('X'),
    mlKem768,
    mlDsa65: mlDsaOfP,
    keyEpoch: 'KE',
  });
  const sent = [
    payload,
    ...(suite.kem ? [members.kemCiphertext] : []),
    esig(ed25519, signed),
    ...(suite.pqSignature ? [dsig(mlDsa65, signed)] : []),
  ];
  return rules(
    `${kind}, ${nameOf(suite)}: A sends it to P`,
    [...(suite.agreed ? [record] : []), ...when],
    sent.map(att),
  );
}

/** `b` takes what says that it is from P. */
export function receiver(scenario, form, b) {
  const { suite, kind } = form;
  const [from, to] = [did('P'), did(b)];
  const keys = encryptionKeysOf(b, scenario);
  const ephemeralPub = xpub('EPH');
  const members = {
    ...membersOf(form, from, to, (name) => `M_${name}`),
    ...(suite.agreed ? { ephemeralPub } : {}),
    ...(suite.kem ? { kemCiphertext: `kct(${keys.mlKem768},ENC)` } : {}),
  };
  const agreement = {
    ssX: `dh(EPH,${keys.x25519})`,
    ssK: suite.kem ? `kss(${keys.mlKem768},ENC)` : NONE,
    ephemeralPub,
    kemCiphertext: members.kemCiphertext,
    x25519: xpub(keys.x25519),
    mlKem768: suite.kem ? kpub(keys.mlKem768) : NONE,
  };
  const { payload, signed } = envelope(scenario, {
    ...{ suite, kind, from, to, members, agreement },
    ...{ content: 'C', contentType: 'T', headers: 'H' },
  });
  const record = known(suite.version, 'P', {
    ...{ x25519: 'X', mlKem768: 'KP', mlDsa65: dpub('D'), keyEpoch: 'KE' },
  });
  return rule(
    `${kind}, ${nameOf(suite)}: ${b} accepts it as from P`,
    [
      ...(suite.pqSignature ? [record, att(dsig('D', signed))] : []),
      att(esig(keysOf('P').ed25519, signed)),
      att(payload),
    ],
    accepted('P', b, members),
  );
}

/** The versions that receivers take from a sender with keys of `version`: this one, unless the floor is missing. */
export const accepts = ({ version, memory, floor = memory }) => (floor ? [version] : upTo(version));

/** The versions that senders use: those of the records that they take. A record seen before may not lack keys later. */
const sends = ({ version, memory, mayShrink = false }) => (memory && !mayShrink ? [version] : upTo(version));

/** Headers travel in the clear. */
const clear = [
  ...MEMBERS.map((name) => fact('headers travel in the clear', att(of(name, 'S')))),
  fact('headers travel in the clear', att(xpub(of('ephemeral', 'S')))),
  fact('labels are public', att('label(K,S)')),
];

/** All participants send envelopes of these kinds to each other; bob takes them. */
export const envelopes = (scenario, kinds = KINDS) => [
  ...clear,
  ...formsOf(sends(scenario), kinds).flatMap((form) => sender(scenario, form)),
  ...formsOf(accepts(scenario), kinds).map((form) => receiver(scenario, form, 'bob')),
];
