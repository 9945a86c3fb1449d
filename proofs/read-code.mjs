// What is hashed, signed and derived, part by part: read off the code by running it on marked inputs, so that the model
// cannot say something else.
import { createHash } from 'node:crypto';
import { loadSources } from '../scripts/load-sources.mjs';
import { bytes, crypto, integer, mark, marked, name, named, split, text, withLabel } from './marks.mjs';

export const code = await loadSources(
  './src/checks/timestamp.ts',
  './src/crypto/bytes.ts',
  './src/crypto/key-schedule.ts',
  './src/crypto/suites.ts',
  './src/discovery/signed-document.ts',
  './src/envelope/chunks.ts',
  './src/envelope/fields.ts',
  './src/envelope/kinds.ts',
  './src/envelope/plaintext.ts',
  './src/envelope/transcript.ts',
  './src/http/enrollment.ts',
  './src/identity/key-record.ts',
  './src/identity/succession.ts',
  './src/session/checkpoint/statement.ts',
  './src/session/handshake/payloads.ts',
  './src/session/protocol.ts',
  './src/session/request.ts',
  './src/session/schedule/master.ts',
  './src/session/ticket/layout.ts',
  './src/session/ticket/ring.ts',
  './src/session/ticket/ticket.ts',
);

const { FIELD_NAMES, FIELDS } = code;
const HEADER = FIELD_NAMES.filter((one) => !['payload', 'signature', 'pqSignature'].includes(one));

function header() {
  const fields = marked(HEADER, (one) => (FIELDS[one].type === 'number' ? integer(one) : mark(one)));
  const list = code.headerTranscript({ label: bytes('label'), fields, bytes: marked(HEADER, bytes) });
  return named(list, 'label', ...HEADER);
}

async function signed() {
  const unsigned = { label: bytes('label'), bytes: { payload: bytes('payload') } };
  return named(
    await code.signatureTranscript(crypto, unsigned, bytes('header')),
    'label',
    'header',
    'payload',
  );
}

async function keySchedule() {
  const kem = { secret: bytes('ssK'), ciphertext: bytes('kemCiphertext'), recipientKey: bytes('mlKem768') };
  const agreement = {
    x25519Secret: bytes('ssX'),
    ephemeralPub: bytes('ephemeralPub'),
    recipientX25519: bytes('x25519'),
    kem,
  };
  const derived = {};
  const hkdf = (_, info) => Object.assign(derived, { info }) && Buffer.alloc(76);
  const secret = code.agreedSecret(bytes('label'), agreement);
  await code.expandMessageKey({ hkdf }, secret, bytes('label'), mark('from'), mark('to'));
  // Its parts have fixed lengths, so there are no lengths in between.
  const ikm = Buffer.from(secret)
    .toString('latin1')
    .match(/<.{4}>/g);
  return {
    ikm: name(ikm, ['ssK', 'ssX', 'kemCiphertext', 'ephemeralPub', 'mlKem768', 'x25519', 'label']),
    info: named(derived.info, 'label', 'from', 'to'),
  };
}

function frame(kind, ...names) {
  const none = Buffer.alloc(0);
  const headers = [[mark('headers'), '']];
  const about = { contentType: mark('contentType'), headers, status: integer('status') };
  return named(code.framePlaintext(kind, mark('from'), { bytes: none, ...about }), ...names);
}

/** What seals the chunks of an answer, and what is signed behind the last one. */
async function chunks() {
  const seen = { all: '' };
  const inner = {
    ...crypto,
    hkdf: (_, info) => Object.assign(seen, { info }) && bytes('key'),
    sha256Stream: () => ({
      update: (chunk) => (seen.all += Buffer.from(chunk).toString('latin1')),
      digest: () => crypto.sha256(seen.all),
    }),
    aes256gcm: {
      seal: (_, iv, aad) => Object.assign(seen, { iv, aad: Buffer.from(aad) }) && bytes('chunks'),
    },
  };
  const suite = { version: 2, name: 'suite' };
  const made = await code.Chunks.of(inner, { suite, label: bytes('label') }, bytes('ikm'), bytes('header'));
  const iv = [];
  for (const isFinal of [false, false, true]) {
    await made.seal(Buffer.alloc(0), isFinal);
    iv.push(Buffer.from(seen.iv).toString('hex'));
  }
  const flagAndNumber = ['000000000000000000000000', '000000000000000000000001', '010000000000000000000002'];
  if (iv.join() !== flagAndNumber.join()) throw new Error(`the IVs are ${iv}`);
  if (name([seen.aad.toString('latin1')], ['header'])[0] !== 'hash_header')
    throw new Error('associated data');
  if (!seen.all.includes(mark('chunks'))) throw new Error('the code leaves out chunks');
  const [keyLabel, what, digest] = split(Buffer.from(seen.info));
  if (what !== 'chunks') throw new Error(`the key is for ${what}`);
  const [endLabel, header, count, all] = split(Buffer.from(made.end().transcript));
  if (endLabel !== 'xlink/1 answer end v2 suite') throw new Error(`the label is ${endLabel}`);
  if (Buffer.from(count, 'latin1').readBigUInt64BE() !== 3n) throw new Error('the number of chunks');
  if (!all.startsWith('sha256(')) throw new Error('the digest of the chunks');
  return {
    chunkIv: ['final', 'number'],
    chunkAad: ['hash_header'],
    chunkInfo: [...name([keyLabel], ['label']), 'what', ...name([digest], ['header'])],
    end: ['label', ...name([header], ['header']), 'count', 'hash_chunks'],
  };
}

const RECORD = {
  ...marked(['epoch', 'keyEpoch', 'notBefore', 'notAfter'], integer),
  ...marked(['x25519', 'mlKem768', 'mlDsa65', 'next'], text),
  did: mark('did'),
};

const record = () => withLabel(code.recordTranscript(RECORD), 'xlink/1 key-record', ...Object.keys(RECORD));

const SUCCESSION = {
  ...marked(['from', 'to'], mark),
  ...marked(['issuedAt', 'overlapMs'], integer),
  ...marked(['fromMlDsa65', 'toMlDsa65', 'next'], text),
};

const succession = () =>
  withLabel(code.successionTranscript(SUCCESSION), 'xlink/1 succession', ...Object.keys(SUCCESSION));

async function discovery() {
  const document = {
    did: mark('did'),
    name: mark('name'),
    keyRecord: { ...RECORD, did: mark('keyRecord') },
    versions: [mark('versions')],
    mode: mark('mode'),
    acceptsEnvelopes: true,
    hosts: [mark('hosts')],
    endpoints: { [mark('endpoints')]: '' },
    publicPaths: [mark('publicPaths')],
    succession: [{ ...SUCCESSION, from: mark('succession') }],
    issuedAt: integer('issuedAt'),
    notAfter: integer('notAfter'),
  };
  let list;
  const sign = (given) => {
    list = Buffer.from(given);
    return Buffer.alloc(64);
  };
  const hashed = (input) => (Buffer.from(input).includes(mark('succession')) ? 'succession' : 'keyRecord');
  const inner = { sha256: (input) => Buffer.from(`sha256(${mark(hashed(input))})`) };
  await code.signDocument(document, { ed25519: { sign } }, inner);
  const parts = split(list).map((part) => (part === '\x01' ? mark('acceptsEnvelopes') : part));
  if (parts[0] !== 'xlink/1 discovery') throw new Error('the label of a document');
  return ['label', ...name(parts.slice(1), Object.keys(document))];
}

/** The proof comes out hashed: what the model says of it is computed and compared. */
async function keyProof() {
  const list = code.lengthPrefixed(['xlink/1 enroll', 'the did', 'the key'].map((part) => Buffer.from(part)));
  const said = createHash('sha256').update(list).digest('base64url');
  if (said !== (await code.enrollmentProof('the did', 'the key'))) throw new Error('the proof of enrollment');
  return ['label', 'did', 'apiKey'];
}

/** Each transcript as the list of its parts. */
export const transcripts = {
  header: header(),
  signed: await signed(),
  ...(await keySchedule()),
  frame: frame('message', 'from', 'contentType'),
  requestFrame: frame('request', 'from', 'contentType', 'headers'),
  answerFrame: frame('answer', 'from', 'contentType', 'headers', 'status'),
  ...(await chunks()),
  record: record(),
  discovery: await discovery(),
  succession: succession(),
  keyProof: await keyProof(),
  // By docs/PROTOCOL.md; nothing in the code makes these on marked inputs.
  application: ['label', 'context', 'hash_bytes'],
};
