// Messages in shares (docs/PROTOCOL.md, section 16): what one receiver gets, one after the other, and what it answers.
import {
  b64u,
  bundleOf,
  concat,
  envelopeText,
  frameOf,
  SUITE,
  seal,
  sha256,
  signXchange,
  split,
  utf8,
  xchangeCiphertext,
} from './reference.mjs';
import { alice, bob, fixed, mallory, NOW, receiver, registry } from './world.mjs';

const PENDING = 'INSUFFICIENT_SHARES:PENDING';
const COMPLETE = 'REPLAY_DETECTED:GROUP_COMPLETE';
const MIXED = 'INCONSISTENT_SHARES';
const HELLO = utf8('{"hello":"world"}');

export function shareFile() {
  return {
    about:
      'Byte strings are hexadecimal, envelopes are JSON text as it travels. How to use this file: docs/PROTOCOL.md, section "Test vectors".',
    now: NOW,
    receiver: { ...receiver, allowCleartext: false, xchange: true },
    registry,
    good: goodCases(),
    bad: badCases(),
  };
}

/**
 * A message from alice to bob in shares. `more`: members, and `totalShares`, `threshold`, `routes` (which indexes travel
 * together); `change`: what is wrong with it (see reference.mjs).
 */
function make(name, more = {}, change = {}) {
  const { totalShares: n = 3, threshold: k = 2, xchange = false, version = 2, ...members } = more;
  const { routes = Array.from({ length: n }, (_, i) => [i]), content = HELLO, ...rest } = members;
  const label = (what) => `shares ${change.as ?? name} ${what}`;
  const message = {
    ...{ version, sender: alice, recipient: bob, timestamp: NOW, scope: 'orders:read', content },
    ...rest,
  };
  const contentKey = xchange ? fixed(label('content key')) : undefined;
  const groupId = fixed(label('group'), 16);
  const sharing = split(contentKey ?? content, {
    ...{ n, k, groupId, tagKey: fixed(label('tag key')) },
    random: (at, length) => fixed(label(`piece ${at}`), length),
  });
  const altered = change.sharing?.(sharing) ?? sharing;
  const bundles = routes.map((route, at) => change.bundle?.(altered, route, at) || bundleOf(altered, route));
  const common = xchange ? xchangeCiphertext(message, groupId, contentKey, change) : undefined;
  const randomness = routes.map((_, at) => ({
    nonce: fixed(label(`nonce ${change.nonces ?? ''}${at}`), 16),
    ...(xchange ? {} : { ephemeralSecret: fixed(label(`ephemeral ${at}`)) }),
    ...(!xchange && version >= 2 ? { kemCoins: fixed(label(`kem ${at}`)) } : {}),
    ...(version >= 3 ? { mlDsaRandom: fixed(label(`ml-dsa ${at}`)) } : {}),
  }));
  const made = bundles.map((bundle, at) => {
    const draft = { ...message, nonce: randomness[at].nonce, ...change.member?.(at) };
    if (!common) return seal({ ...draft, form: change.form ?? 'shares', content: bundle }, randomness[at]);
    return signXchange(draft, bundle, change.ciphertext?.(common.ciphertext, at) ?? common.ciphertext, {});
  });
  return { name, message, xchange, routes, sharing, bundles, common, contentKey, randomness, made };
}

const texts = ({ made }) => made.map(({ text }) => text);

// ---------------------------------------------------------------------------------------------------------------- good

function goodCases() {
  const optional = {
    scope: 'orders:write',
    request: 'POST /orders?dry-run=1',
    contentDigest: sha256(utf8('a body')),
    contentType: 'text/csv; charset=utf-8',
    inReplyTo: fixed('an earlier message', 16),
  };
  const two = [PENDING, 'message', COMPLETE];
  const three = [PENDING, PENDING, 'message', COMPLETE, COMPLETE];
  const fiveOf = { totalShares: 5, threshold: 3 };
  const cases = [
    ...[1, 2, 3].map((version) => describeGood(make(`2 of 3, version ${version}`, { version }), two)),
    describeGood(make('2 of 3, the last two first'), two, [2, 1, 0]),
    describeGood(make('3 of 5, version 3', { ...fiveOf, version: 3 }), three, [4, 0, 2, 1, 3]),
    describeGood(make('all optional members', optional), two),
    describeGood(make('2 of 2', { totalShares: 2 }), [PENDING, 'message']),
    describeGood(make('5 of 5', { totalShares: 5, threshold: 5 }), [...Array(4).fill(PENDING), 'message']),
    describeGood(make('one channel', { routes: [[0, 1, 2]] }), ['message']),
    describeGood(make('two channels', { routes: [[0, 2], [1]] }), [PENDING, 'message'], [1, 0]),
    describeGood(
      make('3 of 5 over two channels', {
        ...fiveOf,
        routes: [
          [0, 2, 4],
          [1, 3],
        ],
      }),
      [PENDING, 'message'],
      [1, 0],
    ),
    describeGood(make('2 of 11', { totalShares: 11 }), [PENDING, 'message'], [10, 3]),
    describeGood(
      make('by polynomials, 3 of 7', { totalShares: 7, threshold: 3 }),
      three.slice(0, 3),
      [6, 0, 3],
    ),
    describeGood(make('by polynomials, 2 of 16', { totalShares: 16 }), two.slice(0, 2), [15, 7]),
    describeGood(make('payload null', { content: utf8('null') }), two),
    describeGood(make('Xchange, 2 of 3', { xchange: true }), two),
    describeGood(make('Xchange, 3 of 5', { ...fiveOf, xchange: true }), three, [3, 1, 4, 0, 2]),
    describeGood(make('Xchange, all optional members', { ...optional, xchange: true }), two),
    describeGood(make('Xchange, one channel', { xchange: true, routes: [[0, 1, 2]] }), ['message']),
  ];
  const flipped = (sharing) => ({ ...sharing, pieces: sharing.pieces.map(flip) });
  const bad = make(
    'one share altered',
    {},
    { bundle: (sharing, route, at) => at === 0 && bundleOf(flipped(sharing), route) },
  );
  cases.push({ ...describeGood(bad, [PENDING, PENDING, 'message']), ...withoutMaking });
  const again = make('shares sealed anew under new nonces', {}, { nonces: 'second ' });
  const first = make('shares sealed anew under new nonces');
  cases.push({
    ...describeGood(first, [PENDING, PENDING, 'message']),
    envelopes: [texts(first)[0], texts(again)[0], texts(again)[1]],
    ...withoutMaking,
  });
  return cases;
}

/** For cases whose envelopes are not what a sender makes. */
const withoutMaking = { made: undefined, randomness: undefined, steps: undefined };

const flip = (bytes) => bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte));

function describeGood(made, results, order = made.routes.map((_, at) => at)) {
  const { name, message, xchange, routes, sharing, bundles, common, contentKey, randomness } = made;
  const { n, k, fresh, groupId, secret, pieces } = sharing;
  const all = texts(made);
  return {
    name,
    senderSeed: message.sender.seed,
    version: message.version,
    xchange,
    content: message.content,
    totalShares: n,
    threshold: k,
    routes: routes.map(String),
    randomness: fresh && {
      groupId,
      tagKey: secret.slice(0, 32),
      pieces: fresh.map((piece) => Buffer.from(piece).toString('hex')),
      contentKey,
      envelopes: randomness,
    },
    steps: {
      secret,
      allPieces: pieces.map((piece) => Buffer.from(piece).toString('hex')),
      bundles: bundles.map((bundle) => Buffer.from(bundle).toString('hex')),
      groupTranscript: common?.group,
      ciphertext: common?.ciphertext,
    },
    made: fresh && all,
    envelopes: results.map((_, at) => all[order[at]]),
    results,
    message: {
      sender: message.sender.did,
      payload: JSON.parse(Buffer.from(message.content).toString()),
      scope: message.scope,
      version: xchange ? 2 : message.version,
      encrypted: true,
      timestamp: message.timestamp,
      envelopeId: b64u(groupId),
      request: message.request,
      contentDigest: message.contentDigest && b64u(message.contentDigest),
      contentType: message.contentType,
      inReplyTo: message.inReplyTo && b64u(message.inReplyTo),
      shares: { total: n, threshold: k },
      xchange: xchange || undefined,
    },
  };
}

// ----------------------------------------------------------------------------------------------------------------- bad

function badCases() {
  const cases = [];
  const add = (name, envelopes, results, settings) =>
    cases.push({ name, envelopes, results, ...(settings ? { settings } : {}) });
  /** A message that is wrong in one thing. */
  const wrong = (name, results, more = {}, change = {}, settings = undefined) =>
    add(name, texts(make(name, more, change)).slice(0, results.length), results, settings);
  const plain = make('plain');
  const [one, two, three] = texts(plain);
  const [other] = texts(make('another message'));

  add('shares of two messages', [one, other], [PENDING, PENDING]);
  add('the same envelope twice', [one, one], [PENDING, 'REPLAY_DETECTED']);
  add('a share at an HTTP request', [one], ['SHARES_NOT_ACCEPTED'], { request: 'POST /orders' });
  add('below the minimum version', [one], ['VERSION_TOO_LOW'], { minVersion: 3 });
  wrong(
    'shares of two senders under one group',
    [PENDING, PENDING],
    {},
    { member: (at) => (at ? { sender: mallory } : {}) },
  );
  wrong('another scope', [PENDING, MIXED], {}, { member: (at) => (at ? { scope: 'orders:write' } : {}) });
  wrong('another timestamp', [PENDING, MIXED], {}, { member: (at) => ({ timestamp: NOW + at }) });
  wrong(
    'a request in one of them',
    [PENDING, MIXED],
    {},
    { member: (at) => (at ? { request: 'GET /' } : {}) },
  );
  const version3 = texts(make('plain', { version: 3 }, { nonces: 'version 3 ' }));
  add('another version', [one, version3[1]], [PENDING, MIXED]);
  add('too low a version after a higher one', [version3[0], two], [PENDING, 'VERSION_TOO_LOW']);

  const bundled = (name, change, result = MIXED) =>
    wrong(`bundle: ${name}`, [result], {}, { bundle: (sharing, route) => bundleOf(sharing, route, change) });
  bundled('another format', { format: 2 });
  bundled('no shares', { m: 0 });
  bundled('more shares than there are', { m: 2 });
  bundled('n of 0', { n: 0 });
  bundled('n of 1', { n: 1, k: 1 });
  wrong('bundle: n of 17', [MIXED], { totalShares: 17, threshold: 17 });
  bundled('k of 1', { k: 1 });
  bundled('k above n', { k: 4 });
  bundled('index beyond n', { i: 3 });
  bundled('longer than it says', { length: HELLO.length - 1 });
  bundled('shorter than it says', { length: HELLO.length + 1 });
  bundled('longer than allowed', { length: 2 ** 26 + 1 });
  wrong('bundle: indexes falling', [MIXED], { routes: [[1, 0]] });
  wrong('bundle: an index twice', [MIXED], {}, { bundle: (sharing) => bundleOf(sharing, [0, 0]) });
  wrong(
    'bundle: a byte behind it',
    [MIXED],
    {},
    { bundle: (s, route) => concat(bundleOf(s, route), Uint8Array.of(0)) },
  );
  wrong('bundle: cut', [MIXED], {}, { bundle: (sharing, route) => bundleOf(sharing, route).slice(0, -1) });
  wrong(
    'bundle: cut within its head',
    [MIXED],
    {},
    { bundle: (s, route) => bundleOf(s, route).slice(0, 23) },
  );
  wrong('bundle: empty', [MIXED], {}, { bundle: () => new Uint8Array(0) });
  wrong('bundle: a whole message', [MIXED], {}, { bundle: () => HELLO });

  const differing = (name, change) =>
    wrong(
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
  const flipAll = ({ pieces }) => ({ pieces: pieces.map(flip) });
  const anew = texts(
    make('plain', {}, { nonces: 'altered ', bundle: (s, route) => bundleOf(s, route, flipAll(s)) }),
  );
  add('group: the same share with other pieces', [one, anew[0]], [PENDING, MIXED]);
  add(
    'group: complete, then sealed anew',
    [one, two, anew[2], three],
    [PENDING, 'message', COMPLETE, COMPLETE],
  );
  wrong(
    'tags: all shares altered',
    [PENDING, PENDING, 'HMAC_VERIFICATION_FAILED'],
    {},
    { bundle: (sharing, route) => bundleOf(sharing, route, flipAll(sharing)) },
  );
  const swapped = ({ shares }) => ({ shares: shares.map(({ i, tag }) => ({ i, tag: flip(tag).reverse() })) });
  wrong(
    'tags: all tags altered',
    [PENDING, PENDING, 'HMAC_VERIFICATION_FAILED'],
    {},
    { bundle: (sharing, route) => bundleOf(sharing, route, swapped(sharing)) },
  );
  wrong(
    'tags: by polynomials, two shares at one coordinate',
    [PENDING, PENDING, PENDING],
    { totalShares: 7, threshold: 3 },
    { sharing: sameCoordinate },
  );
  wrong('content not JSON', [PENDING, 'DECRYPT_FAILED:PARSE'], { content: utf8('hello') });

  const label = { suite: SUITE.sealed[2] };
  const relabelled = envelopeText({ ...plain.made[0].members, ...label });
  add('a share passed off as a message', [relabelled], ['VERIFICATION_FAILED:SIGNATURE_MISMATCH']);
  wrong('a bundle as the content of a message', ['DECRYPT_FAILED:PARSE'], {}, { form: 'sealed' });
  const whole = seal(
    { ...plain.message, nonce: fixed('shares whole', 16), form: 'sealed' },
    plain.randomness[0],
  );
  add(
    'a message passed off as a share',
    [envelopeText({ ...whole.members, suite: SUITE.shares[2] })],
    ['VERIFICATION_FAILED:SIGNATURE_MISMATCH'],
  );

  const x = { xchange: true };
  wrong('Xchange: not taken', ['XCHANGE_REFUSED'], x, {}, { xchange: false });
  wrong('Xchange: at an HTTP request', ['SHARES_NOT_ACCEPTED'], x, {}, { request: 'POST /orders' });
  wrong('Xchange: below the minimum version', ['VERSION_TOO_LOW'], x, {}, { minVersion: 3 });
  wrong('Xchange: two ciphertexts', [PENDING, MIXED], x, {
    ciphertext: (bytes, at) => (at ? flip(bytes) : bytes),
  });
  wrong('Xchange: a wrong ciphertext', [PENDING, 'DECRYPT_FAILED:DECRYPTION'], x, { ciphertext: flip });
  wrong('Xchange: no ciphertext', [PENDING, 'DECRYPT_FAILED:DECRYPTION'], x, {
    ciphertext: () => new Uint8Array(0),
  });
  wrong('Xchange: associated data without the group', [PENDING, 'DECRYPT_FAILED:DECRYPTION'], x, {
    aad: utf8('x'),
  });
  wrong('Xchange: another sender inside', [PENDING, 'DECRYPT_FAILED:SENDER_MISMATCH'], x, {
    frame: frameOf(mallory.did, HELLO),
  });
  wrong('Xchange: content not JSON', [PENDING, 'DECRYPT_FAILED:PARSE'], { ...x, content: utf8('hello') });
  wrong('Xchange: something else is shared than a key', [PENDING, 'DECRYPT_FAILED:DECRYPTION'], x, {
    sharing: ({ n, k, groupId, secret }) =>
      split(HELLO, {
        n,
        k,
        groupId,
        tagKey: secret.slice(0, 32),
        random: (at, length) => fixed(`else ${at}`, length),
      }),
  });
  const asXchange = { ...plain.made[0].members, suite: SUITE.xchange };
  add('Xchange: sealed shares passed off as it', [envelopeText(asXchange)], ['PARSE_FAILED:UNKNOWN_FIELD']);
  const open = { ...asXchange, ephemeralPub: undefined, kemCiphertext: undefined };
  add(
    'Xchange: sealed shares stripped and passed off as it',
    [envelopeText(open)],
    ['VERIFICATION_FAILED:SIGNATURE_MISMATCH'],
  );
  return cases;
}

/** The first two shares claim the coordinate of the first. */
const sameCoordinate = (sharing) => ({
  ...sharing,
  pieces: sharing.pieces.map((piece, at) =>
    at === 1 ? concat(piece.slice(0, -1), Uint8Array.of(1)) : piece,
  ),
});
