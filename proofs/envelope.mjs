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

/** What both ends compute alike. Of an answer `parts` are the contents of its chunks; `isWhole`: there are no more. */
function envelope(
  { transcript },
  { suite, kind, from, to, members, agreement, content, contentType, headers, status, parts, isWhole = true },
) {
  const label = `label(${kind},${nameOf(suite)})`;
  const header = transcript('header', { label, ...members });
  const hash_header = hash(header);
  const ikm = suite.sealed ? transcript('ikm', { ...agreement, label }) : NONE;
  const chunks = kind === 'answer' ? (parts ?? [content]).map(chunk) : [];
  const payload = suite.sealed ? sealed() : content;
  const signed = transcript('signed', { label, hash_header, hash_payload: hash(payload) });
  return { payload, signed, later: chunks.slice(1), end: chunks.length > 1 && isWhole ? end() : undefined };

  function sealed() {
    const okm = `hkdf(${ikm},${transcript('info', { label, from, to })})`;
    if (kind === 'answer') return lp(`com(${okm})`, chunks[0]);
    const frame =
      kind === 'request'
        ? transcript('requestFrame', { from, contentType, headers })
        : transcript('frame', { from, contentType });
    return lp(`com(${okm})`, `enc(${okm},${header},${lp(frame, content)})`);
  }

  function chunk(part, number, { length }) {
    const key = `hkdf(${ikm},${transcript('chunkInfo', { label, what: 'chunks', hash_header })})`;
    const final = isWhole && number === length - 1 ? 'last' : 'more';
    const iv = transcript('chunkIv', { final, number: `n${number}` });
    const aad = lp(iv, transcript('chunkAad', { hash_header }));
    const frame = transcript('answerFrame', { from, contentType, headers, status });
    return `enc(${key},${aad},${number === 0 ? lp(frame, part) : part})`;
  }

  function end() {
    const values = { label: `label(answer_end,${nameOf(suite)})`, hash_header, count: `n${chunks.length}` };
    return transcript('end', { ...values, hash_chunks: hash(lp(...chunks)) });
  }
}

/** The members that this suite and kind have, each with a value; the others are absent. */
export const membersOf = ({ suite, kind }, from, to, value) => ({
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
 * more where an envelope follows another one; `length` is the number of chunks of an answer.
 */
export function sender(scenario, form, { when = [], run = 'R', members: given = {}, content, length } = {}) {
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
  const { payload, signed, later, end } = envelope(scenario, {
    ...{ suite, kind, from, to, members, agreement },
    content: content ?? own('content'),
    contentType: own('type'),
    headers: own('headers'),
    status: own('status'),
    parts: length && Array.from({ length }, (_, number) => own(`part${number}`)),
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
    ...later,
    ...(end ? [esig(ed25519, end), ...(suite.pqSignature ? [dsig(mlDsa65, end)] : [])] : []),
  ];
  return rules(
    `${kind}, ${nameOf(suite)}: A sends it to P`,
    [...(suite.agreed ? [record] : []), ...when],
    sent.map(att),
  );
}

/**
 * `b` takes what says that it is from P; of an answer in several chunks the contents `parts`, as `isWhole` says all of it or its
 * beginning. `as` is the content in the conclusion.
 */
export function receiver(scenario, form, b, { parts, isWhole, as = 'C' } = {}) {
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
  const { payload, signed, later, end } = envelope(scenario, {
    ...{ suite, kind, from, to, members, agreement },
    ...{ content: 'C', contentType: 'T', headers: 'H', status: 'ST', parts, isWhole },
  });
  const signatures = [signed, ...(end && scenario.checksEnd !== false ? [end] : [])].flatMap((statement) => [
    ...(suite.pqSignature ? [att(dsig('D', statement))] : []),
    att(esig(keysOf('P').ed25519, statement)),
  ]);
  const record = known(suite.version, 'P', {
    ...{ x25519: 'X', mlKem768: 'KP', mlDsa65: dpub('D'), keyEpoch: 'KE' },
  });
  return rule(
    `${kind}, ${nameOf(suite)}: ${b} accepts it as from P`,
    [...(suite.pqSignature ? [record] : []), ...signatures, ...[payload, ...later].map(att)],
    accepted('P', b, members, as),
  );
}

/** The versions that receivers take from a sender with keys of `version`: this one, unless the floor is missing. */
export const accepts = ({ version, memory, floor = memory }) => (floor ? [version] : upTo(version));

/** The versions that senders use: those of the records that they take. A record seen before may not lack keys later. */
const sends = ({ version, memory, mayShrink = false }) => (memory && !mayShrink ? [version] : upTo(version));

/** Headers travel in the clear. */
export const clear = [
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
