// Envelopes that must be accepted and envelopes that must be refused, each with the id of the error.
import { ed25519 } from '@noble/curves/ed25519.js';
import { base64urlnopad } from '@scure/base';
import {
  b64u,
  concat,
  envelopeText,
  frameOf,
  fromHex,
  headerTranscript,
  LP,
  labelOf,
  MEMBERS,
  SUITE,
  seal,
  sha256,
  sign,
  signOnly,
  toHex,
  utf8,
} from './reference.mjs';
import { alice, bob, carol, dave, erin, fixed, mallory, NOW, receiver, registry } from './world.mjs';

const L = ed25519.Point.Fn.ORDER;
const TEXT_MEMBERS = ['suite', 'from', 'to', 'scope', 'request', 'contentType'];
const NUMBERS = ['version', 'timestamp'];

export function envelopeFiles() {
  return {
    'v1.json': versionFile(1, true),
    'v2.json': versionFile(2, true),
    'v3.json': versionFile(3, true),
    'signed-only.json': signedOnlyFile(),
  };
}

const ABOUT =
  'Byte strings are hexadecimal, envelopes are JSON text as it travels. How to use this file: docs/PROTOCOL.md, section "Test vectors".';

function versionFile(version, sealed) {
  const good = goodCases(version, sealed);
  return {
    about: ABOUT,
    version,
    suite: (sealed ? SUITE.sealed : SUITE.signedOnly)[version],
    now: NOW,
    receiver: { ...receiver, allowCleartext: !sealed },
    registry,
    good,
    bad: badCases(version, sealed, good),
  };
}

function signedOnlyFile() {
  const files = [1, 2, 3].map((version) => versionFile(version, false));
  const { version: _, suite: __, good: ___, bad: ____, ...shared } = files[0];
  return {
    ...shared,
    good: files.flatMap(({ good }) => good),
    bad: files.flatMap(({ bad }) => bad),
  };
}

// ---------------------------------------------------------------------------------------------------------------- good

const HELLO = utf8('{"hello":"world"}');

/** A fresh set of randomness per case, so that no nonce comes twice. */
const randomFor = (name) => ({
  ephemeralSecret: fixed(`${name} ephemeral`),
  kemCoins: fixed(`${name} kem`),
  mlDsaRandom: fixed(`${name} ml-dsa`),
});
const nonceFor = (name) => fixed(`${name} nonce`, 16);

function maker(version, sealed) {
  const prefix = `v${version}${sealed ? '' : ' signed-only'}`;
  /** An envelope from alice to bob; `more` changes members, `change` single steps (see reference.mjs). */
  return (name, more = {}, change = {}) => {
    const message = {
      version,
      sender: alice,
      recipient: bob,
      timestamp: NOW,
      nonce: nonceFor(`${prefix} ${name}`),
      scope: 'orders:read',
      content: HELLO,
      ...more,
    };
    const random = randomFor(`${prefix} ${name}`);
    const made = (sealed ? seal : signOnly)(message, random, change);
    return { ...made, message, random };
  };
}

function goodCases(version, sealed) {
  const make = maker(version, sealed);
  const prefix = `v${version}${sealed ? '' : ' signed-only'}`;
  const body = utf8('id,amount\n1,100\n');
  const long = utf8(JSON.stringify({ text: 'x'.repeat(1200) }));
  const full = {
    scope: 'orders:write',
    request: 'POST /orders?dry-run=1&tag=%22a%22',
    contentDigest: sha256(body),
    contentType: 'text/csv; charset=utf-8',
    inReplyTo: nonceFor('an earlier message'),
  };
  const cases = [
    describeGood(prefix, 'minimal', make('minimal'), sealed),
    describeGood(prefix, 'all optional members', make('all optional members', full), sealed, {
      request: full.request,
      requireRequestBinding: true,
    }),
    describeGood(
      prefix,
      'payload beyond ASCII',
      make('payload beyond ASCII', { content: utf8('"é ☃ 😀"') }),
      sealed,
    ),
    describeGood(prefix, 'payload null', make('payload null', { content: utf8('null') }), sealed),
    describeGood(
      prefix,
      'timestamp at the old edge of the window',
      make('timestamp at the old edge of the window', { timestamp: NOW - 30000 }),
      sealed,
    ),
    describeGood(
      prefix,
      'timestamp at the new edge of the window',
      make('timestamp at the new edge of the window', { timestamp: NOW + 30000 }),
      sealed,
    ),
    describeGood(
      prefix,
      'scope of 128 characters',
      make('scope of 128 characters', { scope: `orders:${'a'.repeat(121)}` }),
      sealed,
      {
        sendScopes: ['*'],
        receiveScopes: ['*'],
      },
    ),
  ];
  const large = make('exactly as large as allowed', { content: long });
  cases.push(
    describeGood(prefix, 'exactly as large as allowed', large, sealed, {
      maxEnvelopeBytes: large.text.length,
    }),
  );
  if (!sealed) {
    cases.push(
      describeGood(
        prefix,
        'no payload',
        make('no payload', { content: undefined, request: 'GET /orders?limit=5' }),
        sealed,
        {
          request: 'GET /orders?limit=5',
          requireRequestBinding: true,
        },
      ),
    );
  }
  const minimal = cases[0];
  const members = JSON.parse(minimal.envelope);
  cases.push(
    variant(minimal, `${prefix}: members in reverse order`, envelopeText(members, [...MEMBERS].reverse())),
    variant(
      minimal,
      `${prefix}: white space between tokens`,
      ` \r\n\t${JSON.stringify(members, null, 2)}\r\n `,
    ),
    variant(minimal, `${prefix}: after a forgery with the same nonce was refused`, minimal.envelope, {
      before: [
        {
          ...editOf(minimal, envelopeText({ ...members, signature: flipBase64url(members.signature) })),
          error: 'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
        },
      ],
    }),
  );
  const deniedBefore = make('minimal', { scope: 'admin' });
  cases.push(
    variant(minimal, `${prefix}: after the same nonce was refused for its scope`, minimal.envelope, {
      before: [{ envelope: deniedBefore.text, error: 'SCOPE_DENIED' }],
    }),
  );
  cases.push(
    describeGood(
      prefix,
      'nonce that another sender used',
      make('nonce that another sender used', { sender: mallory, nonce: nonceFor(`${prefix} minimal`) }),
      sealed,
      { before: [{ of: minimal.name }] },
    ),
  );
  if (sealed) {
    const ephemeralPub = make('top bit of ephemeralPub set').members.ephemeralPub.slice();
    ephemeralPub[31] |= 0x80;
    cases.push(
      describeGood(
        prefix,
        'top bit of ephemeralPub set',
        make('top bit of ephemeralPub set', {}, { ephemeralPub }),
        sealed,
        {},
        false,
      ),
    );
  }
  return cases;
}

function describeGood(prefix, name, made, sealed, settings = {}, reproducible = true) {
  const { message, random, members, label, headerBytes, transcript, steps, text } = made;
  const payload =
    message.content === undefined ? undefined : JSON.parse(Buffer.from(message.content).toString());
  const { version } = message;
  return {
    name: `${prefix}: ${name}`,
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
    senderSeed: message.sender.seed,
    reproducible,
    randomness: {
      nonce: message.nonce,
      ephemeralSecret: sealed ? random.ephemeralSecret : undefined,
      kemCoins: sealed && version >= 2 ? random.kemCoins : undefined,
      mlDsaRandom: version >= 3 ? random.mlDsaRandom : undefined,
    },
    content: message.content,
    steps: {
      label,
      headerTranscript: headerBytes,
      x25519Secret: steps.x25519Secret,
      kemSecret: steps.kemSecret,
      ikm: steps.ikm,
      info: steps.info,
      okm: steps.okm,
      key: steps.key,
      iv: steps.iv,
      plaintext: steps.frame,
      payload: members.payload,
      signatureTranscript: transcript,
      signature: members.signature,
    },
    envelope: text,
    message: {
      sender: message.sender.did,
      payload,
      scope: message.scope,
      version,
      encrypted: sealed,
      timestamp: message.timestamp,
      envelopeId: b64u(message.nonce),
      request: message.request,
      contentDigest: message.contentDigest && b64u(message.contentDigest),
      contentType: message.contentType,
      inReplyTo: message.inReplyTo && b64u(message.inReplyTo),
    },
  };
}

/** The same message in another spelling, or after something else happened. */
const variant = (base, name, text, settings = {}) => ({
  name,
  ...(Object.keys(settings).length > 0 ? { settings } : {}),
  envelope: text,
  message: base.message,
});

// ----------------------------------------------------------------------------------------------------------------- bad

function badCases(version, sealed, good) {
  const prefix = `v${version}${sealed ? '' : ' signed-only'}`;
  const make = maker(version, sealed);
  const cases = [];
  const full = good[1];
  const minimal = good[0];
  const members = JSON.parse(full.envelope);
  const names = Object.keys(members);
  const withBinding = full.settings;

  /** Adds a case that is an edit of a good one. */
  const edited = (name, text, error, settings = {}, base = full) =>
    cases.push({
      name: `${prefix}: ${name}`,
      ...editOf(base, text),
      ...nonEmpty({ ...(base === full ? withBinding : {}), ...settings }),
      error,
    });
  /** Adds a case that stands for itself. */
  const whole = (name, text, error, settings = {}) =>
    cases.push({ name: `${prefix}: ${name}`, envelope: text, ...nonEmpty(settings), error });
  /** Adds a case where alice is the author and signs what she made. */
  const made = (name, error, more = {}, change = {}, settings = {}) =>
    whole(name, make(name, more, change).text, error, settings);

  // Each member: changed, removed, repeated, of another type, in another spelling.
  for (const name of names) {
    const flipped = flipMember(name, members[name]);
    edited(
      `${name}: one bit flipped`,
      envelopeText({ ...members, [name]: flipped.value }),
      flipped.error ?? flipError(name),
    );
    const removed = envelopeText({ ...members, [name]: undefined });
    edited(`${name}: removed`, removed, removedError(name, sealed));
    edited(
      `${name}: given twice`,
      full.envelope.replace(`"${name}":`, `"${name}":${JSON.stringify(members[name])},"${name}":`),
      'PARSE_FAILED:DUPLICATE_FIELD',
    );
    const other = NUMBERS.includes(name) ? String(members[name]) : 7;
    edited(`${name}: wrong type`, envelopeText({ ...members, [name]: other }), 'PARSE_FAILED');
    edited(`${name}: null`, envelopeText({ ...members, [name]: null }), 'PARSE_FAILED:SYNTAX');
    if (NUMBERS.includes(name)) continue;
    edited(
      `${name}: empty text`,
      envelopeText({ ...members, [name]: '' }),
      name === 'suite' ? 'PARSE_FAILED:UNKNOWN_VERSION' : 'PARSE_FAILED',
    );
    if (TEXT_MEMBERS.includes(name)) continue;
    const value = members[name];
    const spelled = (text) => envelopeText({ ...members, [name]: text });
    edited(
      `${name}: with padding`,
      spelled(`${value}${'='.repeat((4 - (value.length % 4)) % 4 || 4)}`),
      'PARSE_FAILED',
    );
    edited(`${name}: base64 alphabet`, spelled(`+/${value.slice(2)}`), 'PARSE_FAILED');
    edited(
      `${name}: last character cut`,
      spelled(value.slice(0, -1)),
      name === 'payload' ? payloadCut(value) : 'PARSE_FAILED',
    );
    if (value.length % 4 !== 0)
      edited(`${name}: unused bits set`, spelled(unusedBitsSet(value)), 'PARSE_FAILED');
    if (name === 'payload') continue;
    const bytes = base64urlnopad.decode(value);
    edited(`${name}: one byte too short`, spelled(b64u(bytes.slice(0, -1))), 'PARSE_FAILED');
    edited(`${name}: one byte too long`, spelled(b64u(concat(bytes, Uint8Array.of(0)))), 'PARSE_FAILED');
  }

  // Values that no signature can make good.
  const invalid = {
    version: [0, 4, 255],
    suite: ['none', 'ED25519', labelText(version, sealed)],
    from: [
      alice.did.slice(0, -1),
      `${alice.did}a`,
      alice.did.replace('z6Mk', 'z6LS'),
      `${alice.did}#key-1`,
      'did:web:example.com',
    ],
    to: [bob.did.toUpperCase(), bob.did.slice(0, -1)],
    timestamp: [0, 2 ** 53],
    scope: ['-read', 'a b', 'orders:*', 'a'.repeat(129)],
    request: [
      'get /orders',
      'GET',
      'GET ',
      'GET  /orders',
      '/orders',
      ...(version === 1 && sealed ? [`GET /${'a'.repeat(8192)}`] : []),
      `${'A'.repeat(33)} /`,
    ],
    contentType: ['a'.repeat(257)],
  };
  for (const [name, values] of Object.entries(invalid)) {
    for (const value of values) {
      const error = name === 'version' || name === 'suite' ? 'PARSE_FAILED:UNKNOWN_VERSION' : 'PARSE_FAILED';
      const shown = String(value).length > 60 ? `${String(value).length} characters` : value;
      edited(`${name}: ${shown}`, envelopeText({ ...members, [name]: value }), error);
    }
  }

  // Members added after signing.
  const bare = JSON.parse(minimal.envelope);
  const added = {
    request: 'GET /orders',
    contentDigest: b64u(fixed('a digest')),
    contentType: 'text/plain',
    inReplyTo: b64u(fixed('a nonce', 16)),
  };
  for (const [name, value] of Object.entries(added)) {
    edited(
      `${name}: added after signing`,
      envelopeText({ ...bare, [name]: value }),
      name === 'contentType' ? 'PARSE_FAILED:MISSING_FIELD' : 'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      {},
      minimal,
    );
  }
  const moved = { ...members, request: undefined, contentType: members.request };
  edited('request moved to contentType', envelopeText(moved), 'VERIFICATION_FAILED:SIGNATURE_MISMATCH', {
    request: undefined,
    requireRequestBinding: undefined,
  });
  const foreign = {
    unknown: '"colour":"blue"',
    'unknown, with another case': '"From":"x"',
    __proto__: '"__proto__":"x"',
    constructor: '"constructor":"x"',
    toString: '"toString":"x"',
    'key record member': '"epoch":1',
  };
  const forbidden = {
    ephemeralPub: b64u(fixed('forbidden', 32)),
    kemCiphertext: b64u(fixed('forbidden', 1088)),
    pqSignature: b64u(fixed('forbidden', 3309)),
  };
  for (const [name, value] of Object.entries(forbidden)) {
    if (!(name in members)) foreign[`${name}, which this suite does not have`] = `"${name}":"${value}"`;
  }
  for (const [name, member] of Object.entries(foreign)) {
    edited(
      `member ${name}`,
      `{${member},${minimal.envelope.slice(1)}`,
      'PARSE_FAILED:UNKNOWN_FIELD',
      {},
      minimal,
    );
  }

  // Syntax.
  const text = minimal.envelope;
  const syntax = {
    'empty object': '{}',
    'empty input': '',
    'a list': `[${text}]`,
    'a text': '"envelope"',
    'first half': text.slice(0, text.length >> 1),
    'closing brace missing': text.slice(0, -1),
    'opening brace missing': text.slice(1),
    'second object behind': `${text}{}`,
    'byte behind the closing brace': `${text}x`,
    'NUL behind the closing brace': `${text}\0`,
    'byte-order mark': `\ufeff${text}`,
    'trailing comma': `${text.slice(0, -1)},}`,
    'comma missing': text.replace(',"suite"', ' "suite"'),
    'colon missing': text.replace('"suite":', '"suite" '),
    'single quotes': text.replaceAll('"', "'"),
    'unquoted name': text.replace('"from"', 'from'),
    'escaped name': text.replace('"from"', '"\\u0066rom"'),
    'escaped value': text.replace('orders:read', 'orders\\u003aread'),
    'escaped solidus': text.replace('orders:read', 'orders\\/read'),
    'name beyond ASCII': text.replace('"scope"', '"sc\u043epe"'),
    'value beyond ASCII': text.replace('orders:read', 'orders:r\u0435ad'),
    'control character in a value': text.replace('orders:read', 'orders:\tread'),
    'form feed between tokens': text.replace(',"suite"', ',\f"suite"'),
    'no-break space between tokens': text.replace(',"suite"', ',\u00a0"suite"'),
    comment: text.replace(',"suite"', ',/**/"suite"'),
    'empty name': `{"":"x",${text.slice(1)}`,
    'name of 65 characters': `{"${'a'.repeat(65)}":"x",${text.slice(1)}`,
    'object as value': text.replace('"orders:read"', '{"a":"orders:read"}'),
    'list as value': text.replace('"orders:read"', '["orders:read"]'),
    'true as value': text.replace('"orders:read"', 'true'),
    'negative number': text.replace(String(NOW), `-${NOW}`),
    fraction: text.replace(String(NOW), `${NOW}.0`),
    exponent: text.replace(String(NOW), '1767225600e3'),
    'leading zero': text.replace(String(NOW), `0${NOW}`),
    'plus sign': text.replace(String(NOW), `+${NOW}`),
    'number of 17 digits': text.replace(String(NOW), '17672256000000000'),
  };
  for (const [name, bad] of Object.entries(syntax))
    edited(`syntax, ${name}`, bad, 'PARSE_FAILED:SYNTAX', {}, minimal);
  cases.push({
    name: `${prefix}: syntax, not UTF-8`,
    envelopeHex: toHex(utf8(text)).replace(toHex(utf8('orders')), `ff${toHex(utf8('rders'))}`),
    error: 'PARSE_FAILED:SYNTAX',
  });
  const large = good.find(({ name }) => name.endsWith('exactly as large as allowed'));
  edited('one byte more than allowed', `${large.envelope} `, 'ENVELOPE_TOO_LARGE', large.settings, large);

  // Other versions and forms.
  const other = sealed ? SUITE.sealed : SUITE.signedOnly;
  for (const v of [1, 2, 3].filter((v) => v !== version)) {
    const relabelled = { ...bare, version: v, suite: other[v] };
    edited(
      `relabelled version ${v}, members unchanged`,
      envelopeText(relabelled),
      relabelError(version, v, sealed),
      {},
      minimal,
    );
    const fitted = {
      ...relabelled,
      kemCiphertext: sealed && v >= 2 ? (bare.kemCiphertext ?? forbidden.kemCiphertext) : undefined,
      pqSignature: v >= 3 ? (bare.pqSignature ?? forbidden.pqSignature) : undefined,
    };
    edited(
      `relabelled version ${v}, members fitted to it`,
      envelopeText(fitted),
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      {},
      minimal,
    );
  }
  const otherForm = {
    ...bare,
    suite: (sealed ? SUITE.signedOnly : SUITE.sealed)[version],
    ephemeralPub: sealed ? undefined : forbidden.ephemeralPub,
    kemCiphertext: sealed || version < 2 ? undefined : forbidden.kemCiphertext,
  };
  edited(
    sealed ? 'ciphertext passed off as signed-only' : 'cleartext passed off as ciphertext',
    envelopeText(otherForm),
    'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    { allowCleartext: true },
    minimal,
  );
  if (!sealed)
    edited(
      'where only ciphertext is wanted',
      minimal.envelope,
      'CLEARTEXT_NOT_ALLOWED',
      { allowCleartext: false },
      minimal,
    );
  if (version < 3) {
    edited(
      'below the minimum version',
      minimal.envelope,
      'VERSION_TOO_LOW',
      { minVersion: version + 1 },
      minimal,
    );
    const higher = maker(version + 1, sealed)('shown before');
    edited(
      'after a higher version from the same sender',
      minimal.envelope,
      'VERSION_TOO_LOW',
      { before: [{ envelope: higher.text }] },
      minimal,
    );
  }

  // Time, use, address.
  edited('too old by one millisecond', minimal.envelope, 'TIMESTAMP_EXPIRED', { now: NOW + 30001 }, minimal);
  edited(
    'too new by one millisecond',
    minimal.envelope,
    'TIMESTAMP_EXPIRED:FUTURE',
    { now: NOW - 30001 },
    minimal,
  );
  edited('replayed', minimal.envelope, 'REPLAY_DETECTED', { before: [{ of: minimal.name }] }, minimal);
  edited(
    'replayed at the end of its life',
    minimal.envelope,
    'REPLAY_DETECTED',
    { now: NOW + 30000, before: [{ of: minimal.name, now: NOW - 30000 }] },
    minimal,
  );
  made(
    'other content under a used nonce',
    'REPLAY_DETECTED',
    { nonce: nonceFor(`${prefix} minimal`), content: utf8('2') },
    {},
    { before: [{ of: minimal.name }] },
  );
  made('for another recipient', 'RECIPIENT_MISMATCH', { recipient: carol });
  made('from a sender who is not registered', 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY', { sender: carol });
  made('from a revoked sender', 'VERIFICATION_FAILED:DID_REVOKED', { sender: erin });
  made(
    'after its sender was revoked',
    'VERIFICATION_FAILED:DID_REVOKED',
    {},
    {},
    { before: [{ of: minimal.name }], revoked: alice.did },
  );
  made('scope the sender lacks', 'SCOPE_DENIED', { scope: 'admin' });
  made('scope that is a wildcard by name only', 'SCOPE_DENIED', { scope: 'orders' });
  made('scope the receiver does not accept', 'SCOPE_NOT_ALLOWED', { scope: 'unwanted' });
  made(
    'not bound to a request, where that is required',
    'REQUEST_BINDING_REQUIRED',
    {},
    {},
    { request: 'GET /orders', requireRequestBinding: true },
  );
  for (const actual of [
    'GET /orders?limit=6',
    'GET /orders',
    'POST /orders?limit=5',
    'GET /Orders?limit=5',
    'GET /orders/?limit=5',
  ])
    made(
      `bound to another request than ${actual}`,
      'REQUEST_BINDING_MISMATCH',
      { request: 'GET /orders?limit=5' },
      {},
      { request: actual },
    );

  // Signatures.
  const mismatch = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
  made('signed by another key', mismatch, {}, { signer: mallory });
  made('S of the signature raised by the group order', mismatch, {}, { signature: raiseS });
  made(
    'signature over the header transcript',
    mismatch,
    {},
    { signed: headerTranscript(make('signature over the header transcript').members) },
  );
  for (const v of [1, 2, 3].filter((v) => v !== version))
    made(`signed with the label of version ${v}`, mismatch, {}, { signatureLabel: labelOf(v, other[v]) });
  if (version === 3) {
    const pq = 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH';
    edited(
      'pqSignature stripped',
      envelopeText({ ...bare, pqSignature: undefined }),
      'PARSE_FAILED:PQ_SIGNATURE_MISSING',
      {},
      minimal,
    );
    const down = { ...bare, version: 2, suite: other[2], pqSignature: undefined };
    edited('pqSignature stripped and relabelled version 2', envelopeText(down), mismatch, {}, minimal);
    made('ML-DSA without context', pq, {}, { pqContext: new Uint8Array(0) });
    made('ML-DSA with the context of version 2', pq, {}, { pqContext: labelOf(2, other[2]) });
    made('ML-DSA by another key', pq, {}, { pqSigner: mallory });
    made('both signatures wrong', mismatch, {}, { signer: mallory, pqSigner: mallory });
    made('from a sender without an ML-DSA key on record', 'VERIFICATION_FAILED:NO_PQ_KEY', { sender: dave });
    const foreignPq = make('pqSignature of another message');
    whole(
      'pqSignature of another message',
      envelopeText({ ...foreignPq.members, pqSignature: make('minimal').members.pqSignature }),
      pq,
    );
  }

  // What comes first when several things are wrong.
  const broken = (more, change = {}) =>
    make('several faults', { timestamp: NOW - 60000, ...more }, { signer: mallory, ...change }).text;
  whole('order: recipient before timestamp', broken({ recipient: carol }), 'RECIPIENT_MISMATCH');
  if (version < 3)
    whole('order: minimum version before timestamp', broken({}), 'VERSION_TOO_LOW', { minVersion: 3 });
  whole('order: request before timestamp', broken({ request: 'GET /a' }), 'REQUEST_BINDING_MISMATCH', {
    request: 'GET /b',
  });
  whole('order: timestamp before registry', broken({ sender: carol }), 'TIMESTAMP_EXPIRED');
  edited(
    'order: used nonce before registry',
    minimal.envelope,
    'REPLAY_DETECTED',
    { before: [{ of: minimal.name }], revoked: alice.did },
    minimal,
  );
  whole(
    'order: registry before signature',
    make('several faults', { sender: carol }, { signer: mallory }).text,
    'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
  );
  whole(
    'order: signature before scope',
    make('several faults', { scope: 'admin' }, { signer: mallory }).text,
    mismatch,
  );
  const used = { nonce: nonceFor(`${prefix} minimal`), scope: 'admin' };
  whole(
    'order: used nonce before scope',
    make('several faults', used, { signer: mallory }).text,
    'REPLAY_DETECTED',
    { before: [{ of: minimal.name }] },
  );

  // Content, by a sender who signs properly.
  const parse = 'DECRYPT_FAILED:PARSE';
  const contents = {
    'not JSON': utf8('hello'),
    'with a byte-order mark': utf8('\ufeff{}'),
    'two JSON values': utf8('{}{}'),
    'not UTF-8': fromHex('22ff22'),
  };
  if (sealed) contents['of no bytes'] = new Uint8Array(0);
  for (const [name, content] of Object.entries(contents)) made(`content ${name}`, parse, { content });
  if (sealed) sealedFaults(version, made, whole, make);
  return cases;
}

/** Everything about encryption that can be wrong although the signature is right. */
function sealedFaults(version, made, whole, make) {
  const decryption = 'DECRYPT_FAILED:DECRYPTION';
  const agreement = 'DECRYPT_FAILED:KEY_AGREEMENT';
  made('sealed for another X25519 key', decryption, {}, { recipientKeys: { x25519: carol.x25519 } });
  made('one bit of the ciphertext flipped, then signed', decryption, {}, { payload: flipFirst });
  made('one bit of the tag flipped, then signed', decryption, {}, { payload: flipLast });
  made('tag cut by one byte, then signed', decryption, {}, { payload: (bytes) => bytes.slice(0, -1) });
  made('ciphertext of one byte', decryption, {}, { payload: () => Uint8Array.of(0) });
  made('ciphertext of 15 bytes, less than a tag', decryption, {}, { payload: (bytes) => bytes.slice(0, 15) });
  made('IV of zeros instead of the derived one', decryption, {}, { iv: new Uint8Array(12) });
  made('no associated data', decryption, {}, { aad: new Uint8Array(0) });
  made(
    'associated data of another scope',
    decryption,
    {},
    {
      aad: headerTranscript({ ...make('associated data of another scope').members, scope: 'orders:write' }),
    },
  );
  made('key derived for another sender', decryption, {}, { keyFrom: mallory.did });
  made(
    'key derived without the label in the secret',
    decryption,
    {},
    { ikm: (parts) => concat(...parts.slice(0, -1)) },
  );
  made(
    'key derived from the secrets alone',
    decryption,
    {},
    { ikm: (parts) => concat(...parts.slice(0, version >= 2 ? 2 : 1)) },
  );
  made(
    'key derived with a wrong order of parts',
    decryption,
    {},
    { ikm: (parts) => concat(...[...parts].reverse()) },
  );
  made(
    'key derived with concatenated instead of length-prefixed info',
    decryption,
    {},
    {
      info: concat(labelOf(version, SUITE.sealed[version]), utf8(alice.did), utf8(bob.did)),
    },
  );
  if (version >= 2) {
    made(
      'sealed for another ML-KEM key',
      decryption,
      {},
      { recipientKeys: { mlKem768: carol.mlKem768.publicKey } },
    );
    const { kemCiphertext } = make('KEM ciphertext flipped, then signed').members;
    made('KEM ciphertext flipped, then signed', decryption, {}, { kemCiphertext: flipFirst(kemCiphertext) });
  }
  const zero = { x25519Secret: new Uint8Array(32) };
  const smallOrder = {
    zero: '0000000000000000000000000000000000000000000000000000000000000000',
    one: '0100000000000000000000000000000000000000000000000000000000000000',
    'p - 1': 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    p: 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'of order 8': 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  };
  for (const [name, point] of Object.entries(smallOrder))
    made(
      `ephemeralPub ${name}, sealed for the all-zero secret`,
      agreement,
      {},
      { ...zero, ephemeralPub: fromHex(point) },
    );

  const sender = 'DECRYPT_FAILED:SENDER_MISMATCH';
  made('another sender inside the ciphertext', sender, {}, { frame: frameOf(mallory.did, HELLO) });
  made('no sender inside the ciphertext', sender, {}, { frame: HELLO });
  made('empty plaintext', sender, {}, { frame: new Uint8Array(0) });
  made('plaintext cut within the sender', sender, {}, { frame: LP(utf8(alice.did)).slice(0, -1) });
  made('sender inside the ciphertext without length', sender, {}, { frame: concat(utf8(alice.did), HELLO) });

  const stolen = make('signed anew by another sender');
  const anew = sign(mallory, { ...stolen.members, from: mallory.did }, stolen.random);
  whole('signature stripped, signed anew by another sender', anew.text, decryption);
}

// --------------------------------------------------------------------------------------------------------------- tools

const nonEmpty = (settings) => {
  const present = Object.entries(settings).filter(([, value]) => value !== undefined);
  return present.length > 0 ? { settings: Object.fromEntries(present) } : {};
};

/** A text as the smallest replacement in that of a good case: at character `at`, `cut` characters become `insert`. */
function editOf(base, text) {
  const from = base.envelope;
  let at = 0;
  while (at < from.length && at < text.length && from[at] === text[at]) at++;
  let end = 0;
  while (end < from.length - at && end < text.length - at && from.at(-1 - end) === text.at(-1 - end)) end++;
  const cut = from.length - at - end;
  const insert = text.slice(at, text.length - end);
  return cut === 0 && insert === '' ? { of: base.name } : { of: base.name, at, cut, insert };
}

function flipFirst(bytes) {
  const out = bytes.slice();
  out[0] ^= 1;
  return out;
}
function flipLast(bytes) {
  const out = bytes.slice();
  out[out.length - 1] ^= 1;
  return out;
}
const flipBase64url = (text) => b64u(flipFirst(base64urlnopad.decode(text)));

/** The value with one bit changed that leaves its form valid where it can. */
function flipMember(name, value) {
  if (name === 'version') return { value: value ^ 4, error: 'PARSE_FAILED:UNKNOWN_VERSION' };
  if (name === 'timestamp') return { value: value + (value % 2 === 0 ? 1 : -1) };
  if (!TEXT_MEMBERS.includes(name)) return { value: flipBase64url(value) };
  const at = name === 'request' ? value.length - 4 : value.length - 1;
  const flipped = String.fromCharCode(value.charCodeAt(at) ^ 1);
  return { value: value.slice(0, at) + flipped + value.slice(at + 1) };
}

function flipError(name) {
  switch (name) {
    case 'suite':
      return 'PARSE_FAILED:UNKNOWN_VERSION';
    case 'from':
      return 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY';
    case 'to':
      return 'RECIPIENT_MISMATCH';
    case 'request':
      return 'REQUEST_BINDING_MISMATCH';
    case 'pqSignature':
      return 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH';
    default:
      return 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
  }
}

function removedError(name, sealed) {
  if (name === 'request') return 'REQUEST_BINDING_REQUIRED';
  if (name === 'contentDigest') return 'PARSE_FAILED:MISSING_FIELD'; // contentType cannot stay behind alone
  const optional = ['contentType', 'inReplyTo', ...(sealed ? [] : ['payload'])];
  if (optional.includes(name)) return 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
  return name === 'pqSignature' ? 'PARSE_FAILED:PQ_SIGNATURE_MISSING' : 'PARSE_FAILED:MISSING_FIELD';
}

function relabelError(from, to, sealed) {
  if (to === 3)
    return sealed && from === 1 ? 'PARSE_FAILED:MISSING_FIELD' : 'PARSE_FAILED:PQ_SIGNATURE_MISSING';
  if (sealed && from === 1) return 'PARSE_FAILED:MISSING_FIELD';
  if (from === 3 || (sealed && to === 1)) return 'PARSE_FAILED:UNKNOWN_FIELD';
  return 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
}

/** A payload has no fixed length, so a cut one may still be base64url. */
function payloadCut(value) {
  const cut = value.slice(0, -1);
  const canonical = cut.length % 4 !== 1 && tryDecode(cut);
  return canonical ? 'VERIFICATION_FAILED:SIGNATURE_MISMATCH' : 'PARSE_FAILED';
}
function tryDecode(text) {
  try {
    return b64u(base64urlnopad.decode(text)) === text;
  } catch {
    return false;
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const unusedBitsSet = (text) => text.slice(0, -1) + ALPHABET[ALPHABET.indexOf(text.at(-1)) | 1];

function raiseS(signature) {
  const S = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + L;
  const bytes = fromHex(S.toString(16).padStart(64, '0')).reverse();
  return concat(signature.slice(0, 32), bytes);
}

const labelText = (version, sealed) =>
  Buffer.from(labelOf(version, (sealed ? SUITE.sealed : SUITE.signedOnly)[version])).toString();
