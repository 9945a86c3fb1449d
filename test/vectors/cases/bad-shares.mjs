// Shares that do not become a message (docs/PROTOCOL.md, section 16).
import { envelopeText, SUITE, seal } from '../reference/envelope.mjs';
import { concat, EMPTY, LP, utf8 } from '../reference/notation.mjs';
import { bundleOf, split } from '../reference/shares.mjs';
import { alice, alices, fixed, mallories, NOW } from '../world.mjs';
import { HELLO } from './book.mjs';
import { atCoordinate, otherCopy } from './good-shares.mjs';
import { flip, flipAt, make, texts } from './share-maker.mjs';

const PENDING = 'INSUFFICIENT_SHARES:PENDING';
const COMPLETE = 'REPLAY_DETECTED:GROUP_COMPLETE';
const MIXED = 'INCONSISTENT_SHARES';
const PARSE = 'DECRYPT_FAILED:PARSE';
const DECRYPTION = 'DECRYPT_FAILED:DECRYPTION';

class BadShares {
  cases = [];

  add(name, envelopes, results, settings) {
    this.cases.push({ name, envelopes, results, ...(settings ? { settings } : {}) });
  }

  /** A message that is wrong in one thing. */
  wrong(name, results, more = {}, change = {}, settings = undefined) {
    this.add(name, texts(make(name, more, change)).slice(0, results.length), results, settings);
  }
}

export function badShares() {
  const bad = new BadShares();
  const plain = make('plain');
  arrival(bad, plain);
  bundles(bad);
  groups(bad, plain);
  tags(bad);
  passedOff(bad, plain);
  xchange(bad, plain);
  return bad.cases;
}

function arrival(bad, plain) {
  const [one, two] = texts(plain);
  const later = (member) => ({ member: (at) => (at ? member : {}) });
  bad.add('shares of two messages', [one, texts(make('another message'))[0]], [PENDING, PENDING]);
  bad.add('the same envelope twice', [one, one], [PENDING, 'REPLAY_DETECTED']);
  bad.add('a share at an HTTP request', [one], ['SHARES_NOT_ACCEPTED'], { request: 'POST /orders' });
  bad.add('below the minimum version', [one], ['VERSION_TOO_LOW'], { minVersion: 3 });
  bad.add('where another kind is taken', [one], ['KIND_NOT_ACCEPTED'], { kind: 'request' });
  bad.wrong('below the record of the sender', ['VERSION_TOO_LOW'], { sender: alice });
  bad.wrong('bound to a request', ['REQUEST_BINDING_MISMATCH'], { request: 'POST /orders' });
  bad.wrong('of a key epoch that the receiver does not have', ['KEY_EPOCH_UNKNOWN'], { keyEpoch: 1 });
  bad.wrong('shares of two senders under one group', [PENDING, PENDING], {}, later({ sender: mallories[2] }));
  bad.wrong('another scope', [PENDING, MIXED], {}, later({ scope: 'orders:write' }));
  bad.wrong('another timestamp', [PENDING, MIXED], {}, later({ timestamp: NOW + 1 }));
  bad.wrong(
    'an earlier message in one of them',
    [PENDING, MIXED],
    {},
    later({ inReplyTo: fixed('a nonce', 16) }),
  );
  bad.wrong('another content type', [PENDING, MIXED], {}, later({ contentType: 'text/plain' }));
  const version3 = texts(make('plain', { version: 3, sender: alice }, { nonces: 'version 3 ' }));
  const lower = texts(make('plain', { sender: alice }, { nonces: 'version 2 ' }));
  const shown = { versionFloor: 'shown' };
  bad.add('another version', [lower[0], version3[1]], [PENDING, MIXED], shown);
  bad.add(
    'too low a version after a higher one',
    [version3[0], lower[1]],
    [PENDING, 'VERSION_TOO_LOW'],
    shown,
  );
  bad.add(
    'of two senders, as many as are needed',
    [one, texts(make('plain', { sender: mallories[2] }))[1]],
    [PENDING, PENDING],
  );
  bad.add('the same shares in another version by another sender', [two, version3[0]], [PENDING, PENDING]);
}

function bundles(bad) {
  const bundled = (name, change) =>
    bad.wrong(`bundle: ${name}`, [MIXED], {}, { bundle: (s, route) => bundleOf(s, route, change) });
  bundled('another format', { format: 2 });
  bundled('no shares', { m: 0 });
  bundled('more shares than there are', { m: 2 });
  bundled('n of 0', { n: 0 });
  bundled('n of 1', { n: 1, k: 1 });
  bad.wrong('bundle: n of 17', [MIXED], { totalShares: 17, threshold: 17 });
  bundled('k of 1', { k: 1 });
  bundled('k above n', { k: 4 });
  bundled('index beyond n', { i: 3 });
  bundled('longer than it says', { length: HELLO.length - 1 });
  bundled('shorter than it says', { length: HELLO.length + 1 });
  bundled('longer than allowed', { length: 2 ** 26 + 1 });
  bad.wrong('bundle: indexes falling', [MIXED], { routes: [[1, 0]] });
  const made = (name, bundle) => bad.wrong(`bundle: ${name}`, [MIXED], {}, { bundle });
  made('an index twice', (sharing) => bundleOf(sharing, [0, 0]));
  made('a byte behind it', (sharing, route) => concat(bundleOf(sharing, route), Uint8Array.of(0)));
  made('cut', (sharing, route) => bundleOf(sharing, route).slice(0, -1));
  made('cut within its head', (sharing, route) => bundleOf(sharing, route).slice(0, 23));
  made('empty', () => EMPTY);
  made('a whole message', () => HELLO);
}

const flipAll = ({ pieces }) => ({ pieces: pieces.map(flip) });

function groups(bad, plain) {
  const [one, two, three] = texts(plain);
  const differing = (name, change) =>
    bad.wrong(
      `group: ${name}`,
      [PENDING, MIXED],
      {},
      { bundle: (s, route, at) => bundleOf(s, route, at ? change(s) : {}) },
    );
  differing('another k', () => ({ k: 3 }));
  differing('another length', ({ pieces }) => ({
    length: HELLO.length - 1,
    pieces: pieces.map((piece) => piece.slice(1)),
  }));
  const anew = texts(
    make('plain', {}, { nonces: 'altered ', bundle: (s, route) => bundleOf(s, route, flipAll(s)) }),
  );
  bad.add('group: the same share with other pieces', [one, anew[0]], [PENDING, MIXED]);
  bad.add(
    'group: complete, then sealed anew',
    [one, two, anew[2], three],
    [PENDING, 'message', COMPLETE, COMPLETE],
  );
}

function tags(bad) {
  const failed = [PENDING, PENDING, 'HMAC_VERIFICATION_FAILED'];
  const all = (change) => ({ bundle: (sharing, route) => bundleOf(sharing, route, change(sharing)) });
  const swapped = ({ shares }) => ({ shares: shares.map(({ i, tag }) => ({ i, tag: flip(tag).reverse() })) });
  bad.wrong('tags: all shares altered', failed, {}, all(flipAll));
  bad.wrong('tags: all tags altered', failed, {}, all(swapped));
  const copies = 'tags: two shares with different copies of one piece';
  bad.wrong(`${copies}, in the key of the tags`, [PENDING, PENDING], {}, otherCopy(0));
  bad.wrong(`${copies}, in the content`, [PENDING, PENDING], {}, otherCopy(40));
  const polynomials = { totalShares: 7, threshold: 3 };
  const waiting = [PENDING, PENDING, PENDING];
  const at = (index, coordinate) => ({
    sharing: (s) => ({
      ...s,
      pieces: s.pieces.map((piece, i) => (i === index ? atCoordinate(coordinate)(piece) : piece)),
    }),
  });
  bad.wrong('tags: by polynomials, two shares at one coordinate', waiting, polynomials, at(1, 1));
  bad.wrong('tags: by polynomials, a share at coordinate 0', waiting, polynomials, at(1, 0));
  const together = { ...polynomials, routes: [[0, 1, 2]] };
  bad.wrong('tags: by polynomials, one bundle, two shares at one coordinate', [PENDING], together, at(1, 1));
  bad.wrong('tags: by polynomials, one bundle, a share at coordinate 0', [PENDING], together, at(1, 0));
  bad.wrong('tags: by polynomials, a share at coordinate 0 that is the secret', waiting, polynomials, {
    sharing: secretAtZero,
  });
  bad.wrong('content not JSON', [PENDING, PARSE], { content: utf8('hello') });
}

/** Share 1 is what the polynomials are at 0, with a tag that holds. */
function secretAtZero(sharing) {
  const piece = concat(sharing.secret, Uint8Array.of(0));
  const replaced = (list, with1) => list.map((one, i) => (i === 1 ? with1 : one));
  return {
    ...sharing,
    pieces: replaced(sharing.pieces, piece),
    shares: replaced(sharing.shares, { i: 1, tag: sharing.tagOf(1, [piece]) }),
  };
}

/** What the label keeps apart. */
function passedOff(bad, plain) {
  const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
  const [first] = plain.made;
  const edit = (members, more) => envelopeText({ ...members, ...more });
  bad.add('a share passed off as a message', [edit(first.members, { suite: SUITE.sealed[2] })], [MISMATCH]);
  bad.wrong('a bundle as the content of a message', [PARSE], {}, { form: 'sealed' });
  const draft = { ...plain.message, nonce: fixed('shares whole', 16), form: 'sealed' };
  const whole = seal(draft, plain.randomness[0]);
  bad.add('a message passed off as a share', [edit(whole.members, { suite: SUITE.shares[2] })], [MISMATCH]);
  for (const kind of ['request', 'answer', 'receipt', 'refusal'])
    bad.add(`a share of kind ${kind}`, [edit(first.members, { kind })], ['PARSE_FAILED'], { kind });
}

function xchange(bad, plain) {
  const x = { xchange: true };
  const wrong = (name, results, change, settings) =>
    bad.wrong(`Xchange: ${name}`, results, x, change, settings);
  wrong('not taken', ['XCHANGE_REFUSED'], {}, { xchange: false });
  wrong('at an HTTP request', ['SHARES_NOT_ACCEPTED'], {}, { request: 'POST /orders' });
  wrong('below the minimum version', ['VERSION_TOO_LOW'], {}, { minVersion: 3 });
  wrong('two ciphertexts', [PENDING, MIXED], { ciphertext: (bytes, at) => (at ? flip(bytes) : bytes) });
  const closed = (name, change) => wrong(name, [PENDING, DECRYPTION], change);
  closed('a wrong ciphertext', { ciphertext: flip });
  closed('a wrong commitment', { ciphertext: flipAt(0) });
  closed('commitment to another key', { commitment: () => fixed('another key') });
  closed('no ciphertext', { ciphertext: () => EMPTY });
  closed('no commitment', { commitment: () => EMPTY });
  closed('associated data without the group', { aad: utf8('x') });
  const type = utf8('application/json');
  const frame = (name, error, plaintext) => wrong(name, [PENDING, error], { plaintext });
  frame(
    'another sender inside',
    'DECRYPT_FAILED:SENDER_MISMATCH',
    concat(LP(utf8(mallories[2].did), type), HELLO),
  );
  frame('frame ends behind the sender', PARSE, LP(utf8(alices[2].did)));
  bad.wrong('Xchange: content not JSON', [PENDING, PARSE], { ...x, content: utf8('hello') });
  for (const length of [31, 33])
    closed(`a content key of ${length} bytes`, { contentKey: fixed('content key', length) });
  closed('a message is shared in place of a key', { sharing: sharedInstead(HELLO) });
  const asXchange = { ...plain.made[0].members, suite: SUITE.xchange };
  bad.add(
    'Xchange: sealed shares passed off as it',
    [envelopeText(asXchange)],
    ['PARSE_FAILED:UNKNOWN_FIELD'],
  );
  const open = { ...asXchange, keyEpoch: undefined, ephemeralPub: undefined, kemCiphertext: undefined };
  bad.add(
    'Xchange: sealed shares stripped and passed off as it',
    [envelopeText(open)],
    ['VERIFICATION_FAILED:SIGNATURE_MISMATCH'],
  );
}

const sharedInstead =
  (data) =>
  ({ n, k, groupId, secret }) =>
    split(data, {
      ...{ n, k, groupId, tagKey: secret.slice(0, 32) },
      random: (at, length) => fixed(`else ${at}`, length),
    });
