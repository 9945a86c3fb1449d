// Each kind where it belongs, each where another one belongs, and each passed off as another one.
import { envelopeText, headerBlock, KINDS, KINDS_OF, labelOf } from '../reference/envelope.mjs';
import { b64u, sha256, utf8 } from '../reference/notation.mjs';
import { fixed } from '../world.mjs';

const REQUEST = 'POST /orders?dry-run=1';
const ASKED = fixed('a request', 16);
const HEADERS = [
  ['accept', 'application/json'],
  ['idempotency-key', 'order-17'],
];
const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';

/** What a receiver says that takes this kind. */
const expecting = (kind) => ({
  kind,
  ...(kind === 'answer' || kind === 'refusal' ? { inReplyTo: b64u(ASKED) } : {}),
  ...(kind === 'receipt' ? {} : { request: REQUEST, requireRequestBinding: kind !== 'message' }),
});

function draftOf(kind, sealed) {
  const bound = { kind, request: REQUEST };
  if (kind === 'message') return { ...bound, inReplyTo: ASKED };
  if (kind === 'receipt') return { kind, scope: 'admin', inReplyTo: ASKED };
  if (kind === 'refusal')
    return { ...bound, scope: '*', inReplyTo: ASKED, content: utf8('{"status":429,"code":"SLOW_DOWN"}') };
  if (sealed) return { ...bound, scope: '*', headers: HEADERS };
  const body = utf8('id,amount\n1,100\n');
  return {
    ...{ ...bound, scope: '*', content: undefined },
    fields: HEADERS.map(([name]) => name).join(' '),
    fieldsDigest: sha256(headerBlock(HEADERS)),
    contentDigest: sha256(body),
    contentType: 'text/csv',
  };
}

/** Good cases of every kind of the form, by kind. Those of answers, which are more than their envelope, are in a file of their own. */
export function goodKinds(book) {
  const kinds = KINDS_OF[book.sealed ? 'sealed' : 'signedOnly'].filter((kind) => kind !== 'answer');
  const good = kinds.map((kind) => {
    const made = book.make(`kind ${kind}`, draftOf(kind, book.sealed));
    const scopes = ['orders:read', 'orders:write'];
    return [kind, book.accept(`kind ${kind}`, made, expecting(kind), { withSteps: true, scopes })];
  });
  if (!book.sealed) {
    const name = 'kind receipt, with a payload';
    const made = book.make(name, { ...draftOf('receipt'), content: utf8('{"read":true}') });
    book.accept(name, made, expecting('receipt'));
  }
  return Object.fromEntries(good);
}

export function kindFaults(book, byKind) {
  for (const [kind, base] of Object.entries(byKind)) {
    for (const other of KINDS.filter((one) => one !== kind)) offered(book, byKind, kind, other);
    presence(book, kind, base, JSON.parse(base.envelope));
  }
  labels(book, Object.keys(byKind));
}

const NOTHING_EXPECTED = { inReplyTo: undefined, request: undefined, requireRequestBinding: undefined };

/** As it is, and passed off as the other kind. */
function offered(book, byKind, kind, other) {
  const base = byKind[kind];
  const members = JSON.parse(base.envelope);
  const settings = { ...NOTHING_EXPECTED, ...expecting(other) };
  const edit = (name, text, error) => book.refuseEdit(`kind ${kind}${name}`, text, error, settings, base);
  edit(`, where kind ${other} is taken`, base.envelope, 'KIND_NOT_ACCEPTED');
  const name = ` passed off as kind ${other}`;
  if (other in byKind) edit(name, envelopeText(fitted(members, other)), MISMATCH);
  else if (other === 'answer' && book.sealed) {
    const { payload: _, ...bare } = fitted(members, other);
    edit(name, envelopeText(fitted(members, other)), 'PARSE_FAILED:UNKNOWN_FIELD');
    edit(`${name}, without its payload`, envelopeText(bare), 'PARSE_FAILED:MISSING_FIELD');
  } else edit(name, envelopeText({ ...members, kind: other }), 'PARSE_FAILED');
}

function labels(book, kinds) {
  const { version, suite, sealed } = book;
  const labelFor = (kind) => labelOf({ version, suite, kind });
  const [request, withoutKind] = [labelFor('request'), utf8(`xlink/1 v${version} ${suite}`)];
  const signed = (kind, other) =>
    book.refuse(
      `kind ${kind}, signed with the label of kind ${other}`,
      MISMATCH,
      draftOf(kind, sealed),
      { signatureLabel: labelFor(other) },
      expecting(kind),
    );
  for (const other of KINDS.slice(1)) signed('message', other);
  for (const kind of kinds.slice(1)) signed(kind, 'message');
  book.refuse('signed with a label without kind', MISMATCH, {}, { signatureLabel: withoutKind });
  const pq = 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH';
  if (version === 3) book.refuse('ML-DSA with the context of another kind', pq, {}, { pqContext: request });
  if (!sealed) return;
  const decryption = 'DECRYPT_FAILED:DECRYPTION';
  book.refuse('key derived with the label of another kind', decryption, {}, { keyLabel: request });
  book.refuse('key derived with a label without kind', decryption, {}, { keyLabel: withoutKind });
}

/** 5.1: which kind must (+), may (o) and must not (-) have a member. */
const PRESENCE = {
  request: { message: 'o', request: '+', answer: 'o', receipt: '-', refusal: '+' },
  inReplyTo: { message: 'o', request: '-', answer: '+', receipt: '+', refusal: '+' },
  fields: { message: '-', request: 'o', answer: '-', receipt: '-', refusal: '-' },
  contentDigest: { message: 'o', request: 'o', answer: '-', receipt: '-', refusal: '-' },
};
const VALUES = {
  request: { request: REQUEST },
  inReplyTo: { inReplyTo: b64u(ASKED) },
  fields: { fields: 'accept', fieldsDigest: b64u(fixed('a digest')) },
  contentDigest: { contentDigest: b64u(fixed('a digest')), contentType: 'text/csv' },
};
const isBeside = (name) => name === 'fields' || name === 'contentDigest';

const mayHave = (kind, name) => PRESENCE[name][kind] !== '-';

/** The members as the other kind may have them, neither more nor less. */
function fitted(members, kind) {
  const out = { ...members, kind };
  if (out.scope === '*' && (kind === 'message' || kind === 'receipt')) out.scope = 'orders:read';
  for (const [name, values] of Object.entries(VALUES)) {
    const must = PRESENCE[name][kind] === '+';
    if (must) Object.assign(out, { ...values, [name]: out[name] ?? values[name] });
    else if (!mayHave(kind, name)) for (const each of Object.keys(values)) out[each] = undefined;
  }
  return out;
}

function presence(book, kind, base, members) {
  for (const [name, values] of Object.entries(VALUES)) {
    if (PRESENCE[name][kind] === '+')
      book.refuseEdit(
        `kind ${kind}, ${name} removed`,
        envelopeText({ ...members, [name]: undefined }),
        'PARSE_FAILED:MISSING_FIELD',
        {},
        base,
      );
    if (mayHave(kind, name) && !(book.sealed && isBeside(name))) continue;
    for (const [each, value] of Object.entries(values))
      book.refuseEdit(
        `kind ${kind}, ${each} added`,
        envelopeText({ ...members, [each]: value }),
        'PARSE_FAILED:UNKNOWN_FIELD',
        {},
        base,
      );
  }
  if (kind === 'message' || kind === 'receipt')
    book.refuseEdit(
      `kind ${kind}, scope *`,
      envelopeText({ ...members, scope: '*' }),
      'PARSE_FAILED',
      {},
      base,
    );
}
