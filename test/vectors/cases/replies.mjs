// Refusals (10.5), receipts, and who may send what. Answers are in answers.mjs.
import { signRecord } from '../reference/identity.mjs';
import { b64u, utf8 } from '../reference/notation.mjs';
import { carol, EPOCH, erin, fixed, NOW } from '../world.mjs';

const ASKED = fixed('a request', 16);
const REQUEST = 'GET /orders?limit=5';
const UNKNOWN = 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY';

/** Refusals of one request. */
export function refusalCases(book) {
  const kind = 'refusal';
  const draft = { kind, scope: 'admin', request: REQUEST, inReplyTo: ASKED };
  const settings = { kind, request: REQUEST, requireRequestBinding: true, inReplyTo: b64u(ASKED) };
  const service = { services: [recordOf(book.version)] };

  const accept = (name, more, change) =>
    book.accept(name, book.make(name, { ...draft, ...more }), { ...settings, ...change });
  accept(`${kind}: under a scope in no list`, {}, { receiveScopes: [] });
  accept(`${kind}: from a service that is in no registry`, { sender: carol }, service);

  const refuse = (name, error, more, change = {}) =>
    book.refuse(`${kind}: ${name}`, error, { ...draft, ...more }, {}, { ...settings, ...change });
  refuse('to another request', 'ANSWER_INVALID', { inReplyTo: fixed('another request', 16) });
  refuse('bound to another request', 'REQUEST_BINDING_MISMATCH', { request: 'GET /orders' });
  refuse('from a sender in no registry', UNKNOWN, { sender: carol });
  refuse('from a revoked sender', 'VERIFICATION_FAILED:DID_REVOKED', { sender: erin });
  if (book.version < 3)
    refuse(
      'below the version of the record of the service',
      'VERSION_TOO_LOW',
      { sender: carol },
      { services: [recordOf(book.version + 1)] },
    );
  const again = book.make(`${kind}: twice`, draft).text;
  book.refuseText(`${kind}: twice`, again, 'REPLAY_DETECTED', {
    ...settings,
    before: [{ envelope: again }],
  });
  const late = { timestamp: NOW - 60000, request: 'GET /orders', inReplyTo: fixed('another request', 16) };
  refuse('order: inReplyTo before request', 'ANSWER_INVALID', late);
  refuse(
    'order: kind before inReplyTo',
    'KIND_NOT_ACCEPTED',
    { inReplyTo: fixed('another request', 16) },
    { kind: 'message' },
  );
}

/** A record of carol's keys up to this version. */
const recordOf = (version) =>
  signRecord(carol, EPOCH, {
    ...(version < 3 ? { mlDsa65: undefined } : {}),
    ...(version < 2 ? { mlKem768: undefined } : {}),
  }).record;

/** Having been called gives no rights. */
export function calledServices(book) {
  const services = [recordOf(book.version)];
  const refuse = (kind, more, settings) =>
    book.refuse(
      `${kind} from a service that is in no registry`,
      UNKNOWN,
      { kind, sender: carol, ...more },
      {},
      { kind, services, ...settings },
    );
  refuse('message', {});
  refuse('request', { request: REQUEST }, { request: REQUEST });
  if (!book.sealed) refuse('receipt', { inReplyTo: ASKED });
}

/** A request is bound, and its nonce is good once for all kinds. */
export function requestCases(book) {
  const draft = { kind: 'request', request: REQUEST };
  const name = 'request: where no HTTP request is given';
  book.accept(name, book.make(name, draft), { kind: 'request' });
  book.refuse(
    'request: bound to another request',
    'REQUEST_BINDING_MISMATCH',
    draft,
    {},
    { kind: 'request', request: 'GET /orders?limit=6' },
  );
  const used = { before: [{ of: book.minimal.name, kind: 'message' }] };
  book.refuse(
    'request: with the nonce of a message',
    'REPLAY_DETECTED',
    { ...draft, nonce: book.nonceOf('minimal') },
    {},
    { kind: 'request', ...used },
  );
  const request = book.make('message: with the nonce of a request', draft);
  book.refuse(
    'message: with the nonce of a request',
    'REPLAY_DETECTED',
    { content: utf8('2') },
    {},
    { before: [{ envelope: request.text, kind: 'request' }] },
  );
}
