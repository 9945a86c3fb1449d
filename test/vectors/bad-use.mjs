import { nonceFor } from './envelope-maker.mjs';
import { envelopeText, fromHex, headerTranscript, labelOf, utf8 } from './reference.mjs';
import { raiseS } from './text-edits.mjs';
import { alice, carol, dave, erin, mallory, NOW } from './world.mjs';

/** Good form at the wrong time or place, by the wrong sender, with the wrong signature; and what comes first of several faults. */
export function useFaults({ version, sealed, prefix, make, minimal, edited, whole, made, bare, other }) {
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
}
