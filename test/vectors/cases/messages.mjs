// Messages that are accepted.
import { envelopeText, MEMBERS } from '../reference/envelope.mjs';
import { sha256, utf8 } from '../reference/notation.mjs';
import { fixed, frank, mallories, NOW } from '../world.mjs';
import { flipBase64url } from './edits.mjs';

/** The first case is the plainest one, the second has every member that a message may have. */
export function goodMessages(book) {
  const accept = (name, more, settings, facts) =>
    book.accept(name, book.make(name, more, facts?.change), settings, facts);
  accept('minimal', {}, {}, { withSteps: true });
  const beside = {
    contentDigest: sha256(utf8('id,amount\n1,100\n')),
    contentType: 'text/csv; charset=utf-8',
  };
  const full = {
    scope: 'orders:write',
    request: 'POST /orders?dry-run=1&tag=%22a%22',
    inReplyTo: fixed('an earlier message', 16),
    ...(book.sealed ? {} : beside),
  };
  const binding = { request: full.request, requireRequestBinding: true };
  accept('all optional members', full, binding, { withSteps: true });
  accept('payload beyond ASCII', { content: utf8('"é ☃ 😀"') });
  accept('payload null', { content: utf8('null') });
  accept('timestamp at the old edge of the window', { timestamp: NOW - 30000 });
  accept('timestamp at the new edge of the window', { timestamp: NOW + 30000 });
  accept('scope of 128 characters', { scope: `orders:${'a'.repeat(121)}` }, anyScope);
  const large = book.make('exactly as large as allowed', {
    content: utf8(JSON.stringify({ text: 'x'.repeat(1200) })),
  });
  book.accept('exactly as large as allowed', large, { maxEnvelopeBytes: large.text.length });
  if (book.version < 3) accept('from a sender without a key record', { sender: frank });
  if (!book.sealed) accept('no payload', { content: undefined });
  accept(
    'nonce that another sender used',
    { sender: mallories[book.version], nonce: book.nonceOf('minimal') },
    { before: [{ of: book.minimal.name }] },
  );
  if (book.sealed) {
    const ephemeralPub = book.make('top bit of ephemeralPub set').members.ephemeralPub.slice();
    ephemeralPub[31] |= 0x80;
    accept('top bit of ephemeralPub set', {}, {}, { reproducible: false, change: { ephemeralPub } });
  }
  spelledAnew(book);
  afterRefusals(book);
}

export const anyScope = { sendScopes: ['*'], receiveScopes: ['*'] };

function spelledAnew(book) {
  const { envelope } = book.minimal;
  const members = JSON.parse(envelope);
  const vary = (name, text) => book.variant(book.minimal, name, text);
  vary('members in reverse order', envelopeText(members, [...MEMBERS].reverse()));
  vary('white space between tokens', ` \r\n\t${JSON.stringify(members, null, 2)}\r\n `);
}

/** What was refused leaves the nonce unused. */
function afterRefusals(book) {
  const { envelope, name } = book.minimal;
  const members = JSON.parse(envelope);
  const after = (what, before) => book.variant(book.minimal, `after ${what}`, envelope, { before: [before] });
  const refused = (error, more) => ({ envelope: book.make('minimal', more).text, error });
  const forged = envelopeText({ ...members, signature: flipBase64url(members.signature) });
  after('a forgery with the same nonce was refused', {
    envelope: forged,
    error: 'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
  });
  after('the same nonce was refused for its scope', refused('SCOPE_DENIED', { scope: 'admin' }));
  after('the same envelope was refused for its kind', {
    of: name,
    kind: 'request',
    error: 'KIND_NOT_ACCEPTED',
  });
  if (book.sealed)
    after('the same nonce was refused for its key epoch', refused('KEY_EPOCH_UNKNOWN', { keyEpoch: 1 }));
}
