import { maker, nonceFor } from './envelope-maker.mjs';
import { b64u, envelopeText, MEMBERS, sha256, utf8 } from './reference.mjs';
import { editOf, flipBase64url } from './text-edits.mjs';
import { mallory, NOW } from './world.mjs';

export function goodCases(version, sealed) {
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
