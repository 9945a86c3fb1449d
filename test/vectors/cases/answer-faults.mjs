// Answers that the service made and signed, wrong in one thing.
import { envelopeText, frameOf, headerBlock } from '../reference/envelope.mjs';
import { b64u, concat, fromHex, LP, sha256, u32, u64, utf8 } from '../reference/notation.mjs';
import { alices, carol, fixed, mallories, NOW } from '../world.mjs';
import { byRule } from './answer-book.mjs';
import { flipFirst } from './edits.mjs';

const DECRYPTION = 'DECRYPT_FAILED:DECRYPTION';
const PARSE = 'DECRYPT_FAILED:PARSE';
const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
const PQ_MISMATCH = 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH';
const LONG = [6, 5, 9];

/** Keys, IVs, associated data and signatures that are not those of 12.5. */
export function signatureFaults(book) {
  const { version } = book;
  const signer = mallories[version];
  const closed = (name, change) => book.refuse(name, { cause: DECRYPTION }, { change });
  closed('commitment changed, then signed', { commitment: flipFirst });
  closed('no commitment', { commitment: () => new Uint8Array(0) });
  closed('chunk key without the digest of the header', { chunkKey: (parts) => parts.slice(0, 2) });
  closed('chunk key without "chunks"', { chunkKey: ([label, , digest]) => [label, digest] });
  closed('chunk key without the label', { chunkKey: (parts) => parts.slice(1) });
  closed('no associated data', { aad: new Uint8Array(0) });
  closed('number of the first chunk 1', { number: () => 1 });
  closed('flag of the final chunk missing', { flag: () => false });
  const later = { lengths: LONG };
  const second = { cause: DECRYPTION, handedOver: 6 };
  book.refuse('all chunks with the number 0', second, { ...later, change: { number: () => 0 } });
  book.refuse('flag in all chunks', { cause: DECRYPTION }, { ...later, change: { flag: () => true } });

  const signed = (name, change, cause = MISMATCH) => book.refuse(name, { cause }, { lengths: [3], change });
  signed('head signed by another key', { signer });
  signed('head signed with the end label', { signatureLabel: endLabel(book) });
  const ended = (name, change, cause = MISMATCH) =>
    book.refuse(name, { cause, handedOver: 11 }, { lengths: LONG, change });
  ended('end signed by another key', { endSigner: signer });
  ended('end with the label of answers', { endLabel: answerLabel(book) });
  ended('end over one chunk less', { endParts: ([l, h, , all]) => [l, h, u64(2), all] });
  ended('end over one chunk more', { endParts: ([l, h, , all]) => [l, h, u64(4), all] });
  ended('end without the number of chunks', { endParts: ([l, h, , all]) => [l, h, all] });
  ended('end without the header', { endParts: ([l, , n, all]) => [l, n, all] });
  ended('end over the header of another answer', {
    endParts: ([l, , n, all]) => [l, fixed('a digest'), n, all],
  });
  ended('end over the first chunk alone', { endParts: ([l, h, n], chunks) => [l, h, n, sha256(chunks[0])] });
  ended('end over the digest of each chunk', {
    endParts: ([l, h, n], chunks) => [l, h, n, sha256(concat(...chunks.map((chunk) => sha256(chunk))))],
  });
  if (version < 3) return;
  signed('head with the context of the end', { pqContext: endLabel(book) }, PQ_MISMATCH);
  ended('end with the context of answers', { endContext: answerLabel(book) }, PQ_MISMATCH);
  ended('end without a context', { endContext: new Uint8Array(0) }, PQ_MISMATCH);
  ended('end with ML-DSA by another key', { endPqSigner: signer }, PQ_MISMATCH);
}

const SUITES = {
  1: 'X25519+A256GCM+Ed25519',
  2: 'X25519+MLKEM768+A256GCM+Ed25519',
  3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65',
};
const answerLabel = ({ version }) => utf8(`xlink/1 answer v${version} ${SUITES[version]}`);
const endLabel = ({ version }) => utf8(`xlink/1 answer end v${version} ${SUITES[version]}`);

/** Whose answer it is, to what (10.5). */
export function headFaults(book, { several }) {
  const refuse = (name, facts, more, settings) => book.refuse(name, facts, { more, settings });
  const other = fixed('another request', 16);
  refuse('to another request', {}, { inReplyTo: other });
  refuse('bound to another request', { cause: 'REQUEST_BINDING_MISMATCH' }, { request: 'GET /orders' });
  refuse('not bound to a request', { cause: 'REQUEST_BINDING_REQUIRED' }, { request: undefined });
  const knows = alices[2].did;
  refuse('from another service that is known', {}, { sender: alices[2], version: 2 }, { knows });
  const unknown = { cause: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY' };
  refuse('from a DID that nobody knows', unknown, { sender: mallories[1] });
  refuse('for another client', { cause: 'RECIPIENT_MISMATCH' }, { recipient: carol });
  refuse(
    'below the version of the record of the service',
    { cause: 'VERSION_TOO_LOW' },
    { sender: alices[3] },
    { knows: alices[3].did },
  );
  refuse('too old by one millisecond', { cause: 'TIMESTAMP_EXPIRED' }, { timestamp: NOW - 30001 });
  refuse('too new by one millisecond', { cause: 'TIMESTAMP_EXPIRED:FUTURE' }, { timestamp: NOW + 30001 });
  refuse('sealed to keys that the client does not have', { cause: 'KEY_EPOCH_UNKNOWN' }, { keyEpoch: 1 });
  refuse(
    'order: inReplyTo before request and time',
    {},
    { inReplyTo: other, request: 'GET /', timestamp: 1 },
  );
  book.refuseFrames(
    'a second time',
    several,
    several.made.map((_, frame) => ({ frame })),
    { cause: 'REPLAY_DETECTED' },
    {
      before: { of: several.name },
    },
  );
  book.refuseFrames(
    'a second time, after the first one broke off',
    several,
    several.made.map((_, frame) => ({ frame })),
    { cause: 'REPLAY_DETECTED' },
    { before: { of: several.name, count: 3 } },
  );

  const edited = (name, cause, edit) =>
    book.refuse(
      name,
      { cause },
      { edit: ([head, ...rest]) => [{ ...head, ...edit(head.text, rest[0]) }, ...rest] },
    );
  const changed = (text, more) => ({ text: envelopeText({ ...JSON.parse(text), ...more }) });
  edited('its payload in the JSON', 'PARSE_FAILED:UNKNOWN_FIELD', (text, { bytes }) =>
    changed(text, { payload: b64u(bytes) }),
  );
  edited('an empty payload in the JSON', 'PARSE_FAILED:UNKNOWN_FIELD', (text) =>
    changed(text, { payload: '' }),
  );
  edited('a member that no envelope has', 'PARSE_FAILED:UNKNOWN_FIELD', (text) => ({
    text: `{"status":200,${text.slice(1)}`,
  }));
  edited('inReplyTo removed', 'PARSE_FAILED:MISSING_FIELD', (text) =>
    changed(text, { inReplyTo: undefined }),
  );
  edited('signature removed', 'PARSE_FAILED:MISSING_FIELD', (text) =>
    changed(text, { signature: undefined }),
  );
  edited('scope changed', MISMATCH, (text) => changed(text, { scope: '*' }));
  edited('timestamp changed', MISMATCH, (text) => changed(text, { timestamp: NOW + 1 }));
  edited('passed off as a request', 'PARSE_FAILED:MISSING_FIELD', (text) =>
    changed(text, { kind: 'request', inReplyTo: undefined }),
  );
  edited('passed off as a message, with its payload', 'KIND_NOT_ACCEPTED', (text, { bytes }) =>
    changed(text, { kind: 'message', payload: b64u(bytes) }),
  );
  edited('passed off as a refusal', 'PARSE_FAILED', (text) => changed(text, { kind: 'refusal' }));
  edited('no JSON', 'PARSE_FAILED:SYNTAX', (text) => ({ text: text.slice(1) }));
  edited('a head of no bytes', 'PARSE_FAILED:SYNTAX', () => ({ text: '' }));
}

/** What is in the frame of the first chunk (7.3, 12.5). */
export function contentFaults(book) {
  const { did } = alices[book.version];
  const parse = (name, plaintext) => book.refuse(name, { cause: PARSE }, { change: { plaintext } });
  const sender = utf8(did);
  const type = utf8('text/plain');
  const none = headerBlock([]);
  const framed = (...parts) => concat(LP(sender, ...parts), byRule(12));
  for (const status of [0, 100, 199, 600, 65_736]) parse(`status ${status}`, framed(type, none, u64(status)));
  parse('status 2^32 + 200', framed(type, none, u64(2 ** 32 + 200)));
  parse('status of two bytes', framed(type, none, fromHex('00c8')));
  parse('status of nine bytes', framed(type, none, concat(fromHex('00'), u64(200))));
  parse('status of no bytes', framed(type, none, new Uint8Array(0)));
  parse('status missing', LP(sender, type, none));
  parse('headers missing', LP(sender, type));
  parse('plaintext ends behind the sender', LP(sender));
  parse('frame of a request', concat(LP(sender, type, none), u32(1000)));
  parse('plaintext ends within the status', concat(LP(sender, type, none), u32(8), fromHex('00')));
  parse('type with a line feed', framed(utf8('text/plain\n'), none, u64(200)));
  parse('type not UTF-8', framed(fromHex('ff'), none, u64(200)));
  const blocks = {
    'name with a capital': headerBlock([['X-Note', 'a']]),
    'name with a space': headerBlock([['x note', 'a']]),
    'name with a colon': headerBlock([[':status', 'a']]),
    'name beyond ASCII': headerBlock([['é', 'a']]),
    'empty name': headerBlock([['', 'a']]),
    'name of 257 characters': headerBlock([['a'.repeat(257), 'a']]),
    'value with a line feed': headerBlock([['x-note', 'a\nb']]),
    'value with a carriage return': headerBlock([['x-note', 'a\r']]),
    'value with NUL': headerBlock([['x-note', '\0']]),
    'value not UTF-8': LP(utf8('x-note'), fromHex('ff')),
    'a name without a value': LP(utf8('x-note')),
    'an odd list': LP(utf8('x-note'), utf8('a'), utf8('x-more')),
    'block ends within a length': concat(headerBlock([['x-note', 'a']]), fromHex('0000')),
  };
  for (const [what, block] of Object.entries(blocks))
    parse(`headers: ${what}`, framed(type, block, u64(200)));
  const more = { from: mallories[1].did, kind: 'answer', contentType: 'text/plain', status: 200 };
  book.refuse(
    'another sender inside',
    { cause: 'DECRYPT_FAILED:SENDER_MISMATCH' },
    { change: { plaintext: frameOf(more) } },
  );
  book.refuse(
    'nothing inside',
    { cause: 'DECRYPT_FAILED:SENDER_MISMATCH' },
    { change: { plaintext: new Uint8Array(0) } },
  );
  const coded = { headers: [['content-encoding', 'snail']] };
  book.refuse('content coding that nobody knows', {}, { more: coded });
  book.refuse(
    'longer than the client takes',
    { error: 'ANSWER_INVALID:TOO_LARGE' },
    { settings: { maxBytes: 11 } },
  );
  book.refuse(
    'longer than the client takes, by its second chunk',
    { error: 'ANSWER_INVALID:TOO_LARGE', handedOver: 6 },
    {
      ...{ lengths: [6, 6], settings: { maxBytes: 11 } },
    },
  );
}
