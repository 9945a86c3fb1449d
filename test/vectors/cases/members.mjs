// Each member changed, removed, repeated, of another type, in another spelling, added (5.1 to 5.3).
import { envelopeText, labelOf, MEMBERS } from '../reference/envelope.mjs';
import { b64u, concat, fromB64u } from '../reference/notation.mjs';
import { alice, bob, fixed } from '../world.mjs';
import { flipMember, isBase64url, NUMBERS, TEXT_MEMBERS, unusedBitsSet } from './edits.mjs';

const PARSE = 'PARSE_FAILED';
const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';

/** `full`: the good case with every member that a message may have; `request`: one that covers headers. */
export function memberFaults(book, full, request) {
  for (const name of Object.keys(JSON.parse(full.envelope))) oneMember(book, full, name);
  if (!book.sealed) for (const name of ['fields', 'fieldsDigest']) oneMember(book, request, name);
  invalidValues(book, full, request);
  addedMembers(book, request);
}

function oneMember(book, base, name) {
  const members = JSON.parse(base.envelope);
  const value = members[name];
  const edit = (what, changed, error) =>
    book.refuseEdit(`${name}: ${what}`, envelopeText({ ...members, [name]: changed }), error, {}, base);
  edit('one bit flipped', flipMember(name, value), FLIPPED[name] ?? MISMATCH);
  edit('removed', undefined, removedError(name, book.sealed));
  book.refuseEdit(
    `${name}: given twice`,
    base.envelope.replace(`"${name}":`, `"${name}":${JSON.stringify(value)},"${name}":`),
    'PARSE_FAILED:DUPLICATE_FIELD',
    {},
    base,
  );
  edit('wrong type', NUMBERS.includes(name) ? String(value) : 7, PARSE);
  edit('null', null, 'PARSE_FAILED:SYNTAX');
  if (NUMBERS.includes(name)) return;
  edit('empty text', '', name === 'suite' ? 'PARSE_FAILED:UNKNOWN_VERSION' : PARSE);
  if (TEXT_MEMBERS.includes(name)) return;
  edit('with padding', `${value}${'='.repeat((4 - (value.length % 4)) % 4 || 4)}`, PARSE);
  edit('base64 alphabet', `+/${value.slice(2)}`, PARSE);
  const cut = value.slice(0, -1);
  // A payload has no fixed length, so a cut one may still be base64url.
  edit('last character cut', cut, name === 'payload' && isBase64url(cut) ? MISMATCH : PARSE);
  if (value.length % 4 !== 0) edit('unused bits set', unusedBitsSet(value), PARSE);
  if (name === 'payload') return;
  const bytes = fromB64u(value);
  edit('one byte too short', b64u(bytes.slice(0, -1)), PARSE);
  edit('one byte too long', b64u(concat(bytes, Uint8Array.of(0))), PARSE);
}

const FLIPPED = {
  version: 'PARSE_FAILED:UNKNOWN_VERSION',
  suite: 'PARSE_FAILED:UNKNOWN_VERSION',
  kind: PARSE,
  from: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
  to: 'RECIPIENT_MISMATCH',
  request: 'REQUEST_BINDING_MISMATCH',
  pqSignature: 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH',
};

function removedError(name, sealed) {
  if (name === 'request') return 'REQUEST_BINDING_REQUIRED';
  const optional = ['contentType', 'inReplyTo', ...(sealed ? [] : ['payload'])];
  if (optional.includes(name)) return MISMATCH;
  return name === 'pqSignature' ? 'PARSE_FAILED:PQ_SIGNATURE_MISSING' : 'PARSE_FAILED:MISSING_FIELD';
}

/** Values that no signature can make good. */
function invalidValues(book, full, request) {
  const { version, sealed, suite } = book;
  const label = Buffer.from(labelOf({ version, suite, kind: 'message' })).toString();
  const invalid = {
    version: [0, 4, 255],
    suite: ['none', 'ED25519', label],
    kind: ['Message', 'session', 'message '],
    from: [
      alice.did.slice(0, -1),
      `${alice.did}a`,
      alice.did.replace('z6Mk', 'z6LS'),
      `${alice.did}#key-1`,
      'did:web:example.com',
    ],
    to: [bob.did.toUpperCase(), bob.did.slice(0, -1)],
    timestamp: [0, 2 ** 53],
    ...(sealed ? { keyEpoch: [2 ** 53] } : {}),
    scope: ['-read', 'a b', 'orders:*', '**', 'a'.repeat(129)],
    request: [
      'get /orders',
      'GET',
      'GET ',
      'GET  /orders',
      '/orders',
      ...(version === 1 && sealed ? [`GET /${'a'.repeat(8192)}`] : []),
      `${'A'.repeat(33)} /`,
    ],
    ...(sealed ? {} : { contentType: ['a'.repeat(257)] }),
  };
  refuseValues(book, full, invalid);
  const names = ['Accept', 'a,b', 'a:b', 'a  b', ' a', 'a ', 'a;b', 'a'.repeat(4097)];
  if (!sealed) refuseValues(book, request, { fields: names });
}

function refuseValues(book, base, invalid) {
  const members = JSON.parse(base.envelope);
  for (const [name, values] of Object.entries(invalid)) {
    for (const value of values) {
      const error = name === 'version' || name === 'suite' ? 'PARSE_FAILED:UNKNOWN_VERSION' : PARSE;
      const shown = String(value).length > 60 ? `${String(value).length} characters` : value;
      book.refuseEdit(`${name}: ${shown}`, envelopeText({ ...members, [name]: value }), error, {}, base);
    }
  }
}

const DIGEST = b64u(fixed('a digest'));

function addedMembers(book, request) {
  const bare = JSON.parse(book.minimal.envelope);
  const add = (name, more, error = MISMATCH, settings = {}) =>
    book.refuseEdit(`${name} added after signing`, envelopeText({ ...bare, ...more }), error, settings);
  add('request', { request: 'GET /orders' }, MISMATCH, { request: 'GET /orders' });
  add('inReplyTo', { inReplyTo: b64u(fixed('a nonce', 16)) });
  if (!book.sealed) {
    add('contentDigest', { contentDigest: DIGEST });
    add('contentType', { contentType: 'text/plain' }, 'PARSE_FAILED:MISSING_FIELD');
    const members = JSON.parse(request.envelope);
    const edit = (name, changes) =>
      book.refuseEdit(`request: ${name}`, envelopeText({ ...members, ...changes }), MISMATCH, {}, request);
    edit('fields and fieldsDigest removed', { fields: undefined, fieldsDigest: undefined });
    edit('a header less in fields', { fields: members.fields.split(' ')[0] });
    edit('headers in fields swapped', { fields: members.fields.split(' ').reverse().join(' ') });
    edit('fieldsDigest and contentDigest swapped', {
      fieldsDigest: members.contentDigest,
      contentDigest: members.fieldsDigest,
    });
  }
  foreignMembers(book, bare);
}

function foreignMembers(book, bare) {
  const foreign = {
    unknown: '"colour":"blue"',
    'unknown, with another case': '"From":"x"',
    __proto__: '"__proto__":"x"',
    constructor: '"constructor":"x"',
    toString: '"toString":"x"',
    'of a key record': '"epoch":1',
  };
  for (const [name, value] of Object.entries(FORBIDDEN)) {
    if (!(name in bare))
      foreign[`${name}, which this suite does not have`] = `"${name}":${JSON.stringify(value)}`;
  }
  for (const [name, member] of Object.entries(foreign))
    book.refuseEdit(
      `member ${name}`,
      `{${member},${book.minimal.envelope.slice(1)}`,
      'PARSE_FAILED:UNKNOWN_FIELD',
    );
}

/** Members that some suites have and others must not. */
export const FORBIDDEN = {
  keyEpoch: 0,
  ephemeralPub: b64u(fixed('forbidden', 32)),
  kemCiphertext: b64u(fixed('forbidden', 1088)),
  pqSignature: b64u(fixed('forbidden', 3309)),
};

/** What decides where several faults are in the form (5.3). */
export function formOrder(book) {
  const { envelope } = book.minimal;
  const members = JSON.parse(envelope);
  const order = (name, text, error) => book.refuseEdit(`form: ${name}`, text, error);
  const edit = (name, changes, error) => order(name, envelopeText({ ...members, ...changes }, NAMES), error);
  order(
    'a name twice before one that is unknown',
    `{"x":1,"x":1,${envelope.slice(1)}`,
    'PARSE_FAILED:DUPLICATE_FIELD',
  );
  order(
    'a name twice before a fault of the grammar behind it',
    `{"x":1,"x":1,${envelope.slice(1, -1)}`,
    'PARSE_FAILED:DUPLICATE_FIELD',
  );
  order(
    'a fault of the grammar before a name twice behind it',
    `{"x":1.5,"y":1,"y":1,${envelope.slice(1)}`,
    'PARSE_FAILED:SYNTAX',
  );
  edit(
    'a name that is unknown before the version',
    { colour: 'blue', version: 4 },
    'PARSE_FAILED:UNKNOWN_FIELD',
  );
  edit('version before suite', { version: 4, suite: 7 }, 'PARSE_FAILED:UNKNOWN_VERSION');
  edit('suite before kind', { suite: 'none', kind: 'none' }, 'PARSE_FAILED:UNKNOWN_VERSION');
  edit('kind before other members', { kind: undefined, from: 'x' }, 'PARSE_FAILED:MISSING_FIELD');
  edit('members in their order', { from: 'x', timestamp: undefined }, PARSE);
  edit('a member that must not be there at its place', { nonce: 'x', fields: 'x' }, PARSE);
  edit(
    'a member that must not be there before one behind it',
    { fields: 'x', signature: 'x' },
    'PARSE_FAILED:UNKNOWN_FIELD',
  );
  if (!book.sealed)
    edit('the signature before a digest that is missing', { contentType: 'a/b', signature: 'x' }, PARSE);
  edit('the signature before the scope *', { scope: '*', signature: 'x' }, PARSE);
}

const NAMES = [...MEMBERS, 'colour'];
