// The files of sessions (section 18): the handshake and its ticket, requests, and what comes back.
import { utf8 } from '../reference/notation.mjs';
import {
  sealReply,
  sealRequest,
  sealTicket,
  shakeHands,
  ticketKeyId,
  ticketState,
} from '../reference/session.mjs';
import { alice, bob, carol, fixed, mallory, NOW } from '../world.mjs';

export const ABOUT =
  'Byte strings are hexadecimal, credentials base64url as they travel. How to use this file: docs/PROTOCOL.md, section "Test vectors".';

export const parties = { from: alice.did, to: bob.did, sid: fixed('sid', 16) };
const given = {
  offerTranscript: fixed('offer transcript', 141),
  callerX25519Secret: fixed('caller x25519'),
  callerMlKemSeed: fixed('caller ml-kem', 64),
  serviceX25519Secret: fixed('service x25519'),
  kemCoins: fixed('kem coins'),
};
const steps = shakeHands({ ...parties, ...given });
export const ticketSecret = fixed('ticket key');
export const ticketSalt = fixed('ticket salt', 16);
export const state = {
  version: 2,
  ...parties,
  master: steps.master,
  issuedAt: NOW,
  notAfter: NOW + 600_000,
  mark: { next: 0, count: 0, at: NOW, head: steps.offerHash },
};
const ticket = sealTicket(ticketSecret, ticketSalt, ticketState(state));
export const session = { ...parties, ticket, ...steps };

/** The bytes, with one bit changed. */
const flipped = (bytes, at) =>
  bytes.map((byte, i) => (i === (at < 0 ? bytes.length + at : at) ? byte ^ 1 : byte));

const grant = {
  sid: parties.sid,
  x25519: steps.serviceX25519,
  kemCiphertext: steps.kemCiphertext,
  offerHash: steps.offerHash,
};

export function sessionHandshakeFile() {
  const bad = (name, error, change) => ({ name, error, ...change });
  return {
    about: ABOUT,
    now: NOW,
    serviceSeed: bob.seed,
    ...parties,
    ...given,
    steps,
    grant,
    badGrants: [
      bad('hash of another offer', 'ANSWER_INVALID', {
        grant: { ...grant, offerHash: flipped(grant.offerHash, 0) },
      }),
      bad('share of the service of small order', 'ANSWER_INVALID', {
        grant: { ...grant, x25519: new Uint8Array(32) },
      }),
    ],
    otherKeys: [
      bad('another id', undefined, { grant: { ...grant, sid: flipped(grant.sid, 0) } }),
      bad('another ML-KEM ciphertext', undefined, {
        grant: { ...grant, kemCiphertext: flipped(grant.kemCiphertext, 9) },
      }),
      bad('another share of the service', undefined, { grant: { ...grant, x25519: steps.callerX25519 } }),
    ],
    ticketSecret,
    ticketKeyId: ticketKeyId(ticketSecret),
    ticketSalt,
    ticketState: ticketState(state),
    ticket,
    badTickets: [
      bad('sealed under a key that is not kept', 'SESSION_UNKNOWN', {
        ticket: sealTicket(fixed('dropped ticket key'), ticketSalt, ticketState(state)),
      }),
      bad('another key named', 'SESSION_UNKNOWN', { ticket: flipped(ticket, 0) }),
      bad('another salt', 'SESSION_UNKNOWN:FORGED', { ticket: flipped(ticket, 8) }),
      bad('changed state', 'SESSION_UNKNOWN:FORGED', { ticket: flipped(ticket, 24) }),
      bad('changed tag', 'SESSION_UNKNOWN:FORGED', { ticket: flipped(ticket, -1) }),
      bad('state of another format', 'SESSION_UNKNOWN:FORGED', {
        ticket: sealTicket(ticketSecret, ticketSalt, flipped(ticketState(state), 0)),
      }),
      bad('over', 'SESSION_EXPIRED', {
        ticket: sealTicket(ticketSecret, ticketSalt, ticketState({ ...state, notAfter: NOW - 1 })),
      }),
      bad('for another service', 'RECIPIENT_MISMATCH', {
        ticket: sealTicket(ticketSecret, ticketSalt, ticketState({ ...state, to: carol.did })),
      }),
    ],
  };
}

export const message = {
  seq: 7,
  salt: fixed('request salt', 16),
  timestamp: NOW,
  scope: '*',
  request: 'POST /orders?dry=1',
  contentType: 'application/json',
  headers: [['x-request-id', 'a1']],
  contents: [utf8('{"item":"tea"}')],
};
const read = {
  ...message,
  seq: 0,
  request: 'GET /orders',
  contentType: '',
  headers: [],
  contents: [utf8('')],
  inHeader: true,
};

/** `true` where the first chunk is made of the default steps. */
function goodRequest(name, from) {
  const { credential, body, tie, steps: made } = sealRequest(session, from);
  const { contents, ...rest } = from;
  const content = Uint8Array.from(contents.flatMap((one) => [...one]));
  return {
    name,
    ...rest,
    content,
    contentLengths: contents.map(({ length }) => length),
    credential,
    body,
    tie,
    steps: made,
  };
}

export function sessionRequestFile() {
  const long = {
    ...message,
    seq: 65_535,
    scope: 'orders:write',
    contents: [fixed('first', 40), fixed('second', 30), utf8('')],
  };
  const made = sealRequest(session, message);
  const bad = (name, error, from = message, change = {}, more = {}) => {
    const { credential, body } = sealRequest(session, from, change);
    return { name, error, request: message.request, credential, body, ...more };
  };
  const front = (at, value) => (chunks) =>
    chunks.map((chunk, i) => (i === at ? { ...chunk, ...value(chunk) } : chunk));
  const failed = 'SESSION_AUTHENTICATION_FAILED';
  const malformed = 'SESSION_MALFORMED';
  return {
    about: ABOUT,
    ...parties,
    requestKey: steps.requestKey,
    answerKey: steps.answerKey,
    ticket,
    good: [
      goodRequest('with a body', message),
      goodRequest('without a body', read),
      goodRequest('in three chunks, the last one empty', long),
      goodRequest('with an empty body', {
        ...message,
        seq: 8,
        contentType: '',
        headers: [],
        contents: [utf8('')],
      }),
    ],
    bad: [
      bad('moved to another target', failed, { ...message, request: 'POST /orders?dry=0' }),
      bad('moved to another method', failed, { ...message, request: 'PUT /orders?dry=1' }),
      bad('of another caller', failed, message, { said: { from: mallory.did } }),
      bad('for another service', failed, message, { said: { to: carol.did } }),
      bad('of another session', failed, message, { said: { sid: fixed('other sid', 16) } }),
      bad('another number in the open', failed, message, { said: { seq: 8 } }),
      bad('another time in the open', failed, message, { said: { timestamp: NOW + 1 } }),
      bad('another scope in the open', failed, message, { said: { scope: 'admin' } }),
      bad('another salt in the open', failed, message, { said: { salt: fixed('other salt', 16) } }),
      bad('under the label of an answer', failed, message, { label: 'xlink/1 session answer' }),
      bad('a message to this very target', failed, { ...message, kind: 'message' }),
      bad('under the label of a message', failed, message, { label: 'xlink/1 session message' }),
      bad('under the key of a message', failed, message, { keyLabel: 'xlink/1 session message key' }),
      bad('another commitment', failed, message, { commitment: fixed('commitment') }),
      bad('changed ciphertext', failed, message, {
        frames: front(0, ({ bytes }) => ({ bytes: flipped(bytes, 40) })),
      }),
      bad(
        'last chunk left out',
        malformed,
        long,
        { frames: (chunks) => chunks.slice(0, -1) },
        { request: long.request },
      ),
      bad(
        'a chunk left out',
        failed,
        long,
        { frames: (chunks) => [chunks[0], chunks[2]] },
        { request: long.request },
      ),
      bad(
        'a chunk that says it is the last',
        failed,
        long,
        {
          frames: (chunks) => [chunks[0], { ...chunks[1], type: 3 }],
        },
        { request: long.request },
      ),
      bad(
        'chunks in another order',
        failed,
        { ...long, contents: [...long.contents.slice(0, 2), fixed('third', 30), utf8('')] },
        {
          frames: ([a, b, c, d]) => [a, c, b, d],
        },
        { request: long.request },
      ),
      bad('bytes behind the last chunk', malformed, message, {
        frames: (chunks) => [...chunks, { type: 2, bytes: utf8('') }],
      }),
      bad('a head in front', malformed, message, {
        frames: (chunks) => [{ type: 5, bytes: new Uint8Array(17) }, ...chunks],
      }),
      bad('no chunk', malformed, message, { frames: () => [] }),
      {
        name: 'a body beside what is sealed in the header',
        error: malformed,
        request: read.request,
        credential: sealRequest(session, read).credential,
        body: made.body,
      },
      bad('another format', malformed, message, { format: 2 }),
      bad('unknown flags', malformed, message, { flags: 2 }),
      {
        name: 'cut',
        error: malformed,
        request: message.request,
        credential: made.credential.slice(0, 392),
        body: made.body,
      },
      {
        name: 'bytes behind the scope',
        error: malformed,
        request: message.request,
        credential: `${made.credential.slice(0, -2)}AAAA`,
        body: made.body,
      },
      {
        name: 'not base64url',
        error: malformed,
        request: message.request,
        credential: `${made.credential}=`,
        body: made.body,
      },
      bad('no scope', malformed, { ...message, scope: '' }),
      bad('no scope that there is', malformed, { ...message, scope: '**' }),
      bad('a number that no session has', 'SESSION_SEQUENCE_INVALID', { ...message, seq: 65_536 }),
      bad('a number far ahead', 'SESSION_SEQUENCE_INVALID', { ...message, seq: 0xffffffff }),
      bad('a frame of another sender', 'DECRYPT_FAILED:SENDER_MISMATCH', message, { frameFrom: mallory.did }),
      bad('no frame', 'DECRYPT_FAILED:SENDER_MISMATCH', message, { plaintext: utf8('{}') }),
    ],
  };
}

/** What one agent sends another: the same, under labels of its own. */
const note = {
  ...message,
  kind: 'message',
  seq: 5,
  scope: 'default',
  request: 'POST /xlink',
  headers: [],
  contents: [utf8('{"note":"tea"}')],
};

export function sessionMessageFile() {
  const failed = 'SESSION_AUTHENTICATION_FAILED';
  const reply = { ...note, seq: 6, headers: [['in-reply-to', 'AAECAwQFBgcICQoLDA0ODw']] };
  const several = { ...note, seq: 65_535, contents: [fixed('first', 40), fixed('second', 30), utf8('')] };
  const bad = (name, from, change = {}) => {
    const { credential, body } = sealRequest(session, from, change);
    return { name, error: failed, request: note.request, credential, body };
  };
  return {
    about: ABOUT,
    ...parties,
    requestKey: steps.requestKey,
    answerKey: steps.answerKey,
    ticket,
    good: [
      goodRequest('a message', note),
      goodRequest('that follows another one', reply),
      goodRequest('in three chunks, the last one empty', several),
    ],
    bad: [
      bad('moved to another target', { ...note, request: 'POST /other' }),
      bad('a request to this very target', { ...note, kind: 'request' }),
      bad('under the label of a request', note, { label: 'xlink/1 session request' }),
      bad('under the key of a request', note, { keyLabel: 'xlink/1 session request key' }),
      bad('for another recipient', note, { said: { to: carol.did } }),
      bad('of another sender', note, { said: { from: mallory.did } }),
      bad('of another session', note, { said: { sid: fixed('other sid', 16) } }),
      bad('another name in the open', note, { said: { salt: fixed('other salt', 16) } }),
      bad('another scope in the open', note, { said: { scope: 'admin' } }),
    ],
  };
}

export function sessionReplyFile() {
  const { tie } = sealRequest(session, message);
  const answer = {
    kind: 'answer',
    salt: fixed('answer salt', 16),
    status: 201,
    contentType: 'application/json',
    headers: [['etag', '"1"']],
    contents: [utf8('{"ok":true}')],
  };
  const several = { ...answer, contents: [fixed('one', 50), utf8(''), fixed('two', 20)] };
  const refusal = {
    ...answer,
    kind: 'refusal',
    status: 403,
    contentType: 'application/problem+json',
    headers: [],
    contents: [utf8('{"code":"SESSION_NOT_ALLOWED","status":403}')],
  };
  const good = (name, from) => {
    const { contents, ...rest } = from;
    const content = Uint8Array.from(contents.flatMap((one) => [...one]));
    return {
      name,
      ...rest,
      content,
      contentLengths: contents.map(({ length }) => length),
      ...sealReply(session, tie, from),
    };
  };
  const bad = (name, from, change, error = 'ANSWER_INVALID') => ({
    name,
    error,
    body: sealReply(session, tie, from, change).body,
  });
  const other = sealRequest(session, { ...message, seq: 9 }).tie;
  return {
    about: ABOUT,
    ...parties,
    requestKey: steps.requestKey,
    answerKey: steps.answerKey,
    tie,
    good: [
      good('an answer', answer),
      good('in three chunks', several),
      good('a refusal', refusal),
      good('empty', { ...answer, status: 204, contentType: '', headers: [], contents: [utf8('')] }),
    ],
    bad: [
      bad('to another request', answer, { digest: other.digest }),
      bad('to another content', answer, { tag: fixed('tag', 16) }),
      bad('a refusal that says it is an answer', refusal, { kindByte: 0 }),
      bad('of no kind', answer, { kindByte: 2 }),
      bad('under the key of requests', answer, { key: steps.requestKey }),
      bad('another commitment', answer, { commitment: fixed('commitment') }),
      bad('of another service', answer, { frameFrom: carol.did }),
      bad('changed ciphertext', answer, {
        frames: ([head, chunk]) => [head, { ...chunk, bytes: flipped(chunk.bytes, 40) }],
      }),
      bad('without a head', answer, { frames: ([, chunk]) => [chunk] }),
      bad('bytes behind the last chunk', answer, {
        frames: (frames) => [...frames, { type: 2, bytes: utf8('') }],
      }),
      bad('broken off', answer, { frames: ([head]) => [head] }, 'ANSWER_INVALID:BROKEN_OFF'),
    ],
    broken: [
      bad(
        'last chunk left out',
        several,
        { frames: (frames) => frames.slice(0, -1) },
        'ANSWER_INVALID:BROKEN_OFF',
      ),
      bad('a chunk left out', several, { frames: ([head, a, , c]) => [head, a, c] }),
      bad('a chunk that says it is the last', several, {
        frames: ([head, a, b]) => [head, a, { ...b, type: 3 }],
      }),
      bad('an end behind the last chunk', several, {
        frames: (frames) => [...frames, { type: 4, bytes: fixed('end', 64) }],
      }),
    ],
  };
}
