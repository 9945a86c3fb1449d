// Time, use, address and sender (10.1 to 10.3), and which of several faults is reported.
import { utf8 } from '../reference/notation.mjs';
import { alices, carol, dave, erin, mallories, NOW, weakDid } from '../world.mjs';

const UNKNOWN = 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY';
const REVOKED = 'VERIFICATION_FAILED:DID_REVOKED';
const REPLAY = 'REPLAY_DETECTED';
const LATE = { timestamp: NOW - 60000 };

export function arrivalFaults(book) {
  const { minimal } = book;
  const edit = (name, error, settings) => book.refuseEdit(name, minimal.envelope, error, settings);
  const used = { before: [{ of: minimal.name }] };
  edit('too old by one millisecond', 'TIMESTAMP_EXPIRED', { now: NOW + 30001 });
  edit('too new by one millisecond', 'TIMESTAMP_EXPIRED:FUTURE', { now: NOW - 30001 });
  edit('replayed', REPLAY, used);
  edit('replayed at the end of its life', REPLAY, {
    now: NOW + 30000,
    before: [{ of: minimal.name, now: NOW - 30000 }],
  });
  book.refuse(
    'other content under a used nonce',
    REPLAY,
    { nonce: book.nonceOf('minimal'), content: utf8('2') },
    {},
    used,
  );
  book.refuse('for another recipient', 'RECIPIENT_MISMATCH', { recipient: carol });
  book.refuse('from a sender who is not registered', UNKNOWN, { sender: carol });
  book.refuse('from a revoked sender', REVOKED, { sender: erin });
  const { did } = alices[book.version];
  book.refuse('after its sender was revoked', REVOKED, {}, {}, { ...used, revoked: did });
}

export function bindingFaults(book) {
  const bound = { request: 'GET /orders?limit=5' };
  const mismatch = 'REQUEST_BINDING_MISMATCH';
  book.refuse(
    'not bound to a request, where that is required',
    'REQUEST_BINDING_REQUIRED',
    {},
    {},
    { request: 'GET /orders', requireRequestBinding: true },
  );
  book.refuse('bound to a request, where no HTTP request is given', mismatch, bound);
  for (const request of [
    'GET /orders?limit=6',
    'GET /orders',
    'POST /orders?limit=5',
    'GET /Orders?limit=5',
    'GET /orders/?limit=5',
  ])
    book.refuse(`bound to another request than ${request}`, mismatch, bound, {}, { request });
}

/** What comes first when several things are wrong. */
export function orderOfChecks(book) {
  const { version, minimal } = book;
  const signer = mallories[version];
  const used = { before: [{ of: minimal.name }] };
  const refuse = (name, error, more, settings = {}, change = { signer }) =>
    book.refuseText(`order: ${name}`, book.make('several faults', more, change).text, error, settings);
  refuse('recipient before kind', 'RECIPIENT_MISMATCH', { recipient: carol }, { kind: 'request' });
  refuse('kind before minimum version', 'KIND_NOT_ACCEPTED', LATE, { kind: 'request', minVersion: 3 });
  refuse('recipient before timestamp', 'RECIPIENT_MISMATCH', { ...LATE, recipient: carol });
  if (version < 3) refuse('minimum version before timestamp', 'VERSION_TOO_LOW', LATE, { minVersion: 3 });
  if (!book.sealed)
    refuse(
      'cleartext before request',
      'CLEARTEXT_NOT_ALLOWED',
      { request: 'GET /a' },
      { allowCleartext: false, request: 'GET /b' },
    );
  const bound = { ...LATE, request: 'GET /a' };
  refuse('request before timestamp', 'REQUEST_BINDING_MISMATCH', bound, { request: 'GET /b' });
  refuse('timestamp before registry', 'TIMESTAMP_EXPIRED', { ...LATE, sender: carol });
  book.refuseEdit('order: used nonce before registry', minimal.envelope, REPLAY, {
    ...used,
    revoked: alices[version].did,
  });
  refuse('registry before signature', UNKNOWN, { sender: carol });
  refuse('revocation before signature', REVOKED, { sender: erin });
  refuse('signature before scope', 'VERIFICATION_FAILED:SIGNATURE_MISMATCH', { scope: 'admin' });
  const taken = { nonce: book.nonceOf('minimal'), scope: 'admin' };
  refuse('used nonce before scope', REPLAY, taken, used);
  if (book.sealed) refuse('scope before key epoch', 'SCOPE_DENIED', { scope: 'admin', keyEpoch: 1 }, {}, {});
  if (version === 3)
    refuse('signature before ML-DSA key', 'VERIFICATION_FAILED:SIGNATURE_MISMATCH', { sender: dave });
  if (version < 3) refuse('floor before signature', 'VERSION_TOO_LOW', { sender: alices[version + 1] });
}

/** The key of a DID is looked at where the sender is known. */
export function weakKeys(book) {
  const sender = { ...alices[book.version], did: weakDid };
  const refuse = (name, error, more, settings) =>
    book.refuse(`weak key: ${name}`, error, { sender, ...more }, {}, settings);
  refuse('from a DID with a weak key', 'INVALID_DID:WEAK_KEY');
  refuse('order: timestamp before key', 'TIMESTAMP_EXPIRED', LATE);
  refuse('order: revocation before key', REVOKED, {}, { revoked: weakDid });
  refuse('order: key before scope', 'INVALID_DID:WEAK_KEY', { scope: 'admin' });
}
