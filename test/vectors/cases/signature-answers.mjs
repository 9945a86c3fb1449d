// Signed answers to signed requests: good ones, and each with one fault.
import { b64u, toHex, utf8 } from '../reference/notation.mjs';
import { digestOf, signAnswer, signRequest } from '../reference/signature.mjs';
import { alice, bob, fixed, frank, mallory, NOW } from '../world.mjs';

const CREATED = NOW / 1000;
const TYPE = ['Content-Type', 'application/json'];
const NONCE = b64u(fixed('signature nonce of an answer', 16));
const asked = (target, by = frank, more = {}) =>
  signRequest(by, { method: 'GET', target }, { to: bob.did, created: CREATED, nonce: NONCE, ...more });

const REQUEST = asked('/orders/7?full=1');
const ANSWER = { status: 200, headers: [TYPE], body: '{"ok":true}' };
const answer = (content = {}, more = {}, by = bob) =>
  signAnswer(
    by,
    more.request ?? REQUEST,
    { ...ANSWER, ...content },
    { created: CREATED, nonce: NONCE, ...more },
  );

const GOOD = {
  'an answer': () => answer(),
  'an answer without a body': () => answer({ status: 204, headers: [], body: '' }),
  'a redirect': () => answer({ status: 303, headers: [['Location', '/orders/8']], body: '' }),
  'a refusal': () =>
    answer({
      status: 403,
      headers: [['Content-Type', 'application/problem+json']],
      body: '{"code":"SCOPE_DENIED"}',
    }),
  'an answer with a second signature': () =>
    answer({}, { pq: true, request: asked('/orders/7?full=1', alice, { pq: true }) }),
};

const edited = ({ headers, ...rest }, changes) => ({
  ...rest,
  headers: headers.flatMap(([name, value]) => {
    if (!(name in changes)) return [[name, value]];
    const next = typeof changes[name] === 'function' ? changes[name](value) : changes[name];
    return next === undefined ? [] : [[name, next]];
  }),
});
const covering =
  (...list) =>
  () =>
    answer({}, { components: list });
const ALL = [
  '"@status"',
  '"@method";req',
  '"@path";req',
  '"@query";req',
  '"signature";req;key="xlink"',
  '"content-digest"',
  '"content-type"',
];

const BAD = {
  'no signature': () => edited(answer(), { 'Signature-Input': undefined, Signature: undefined }),
  'marked as not signed': () => {
    const bare = edited(answer(), {
      'Signature-Input': undefined,
      Signature: undefined,
      'Content-Digest': undefined,
    });
    return { ...bare, headers: [...bare.headers, ['Xlink-Signed', '?0']] };
  },
  'another status': () => ({ ...answer(), status: 201 }),
  'another body': () => ({ ...answer(), body: '{"ok":false}' }),
  'another body with its digest': () => ({
    ...edited(answer(), { 'Content-Digest': digestOf(utf8('{"ok":false}')) }),
    body: '{"ok":false}',
  }),
  'no digest': () => edited(answer(), { 'Content-Digest': undefined }),
  'another type': () => edited(answer(), { 'Content-Type': 'text/html' }),
  'another location': () =>
    edited(answer({ status: 303, headers: [['Location', '/orders/8']], body: '' }), { Location: '/evil' }),
  'the answer to another request': () => answer({}, { asked: asked('/orders/8') }),
  'the answer to the same request, sent another time': () =>
    answer({}, { asked: asked('/orders/7?full=1', frank, { created: CREATED + 1 }) }),
  'signed by another service': () => answer({}, {}, mallory),
  'signed by another service in the name of this one': () =>
    answer({}, { params: { keyid: `"${bob.did}"` } }, mallory),
  'the tag of a request': () => answer({}, { params: { tag: '"xlink"' } }),
  'another algorithm': () => answer({}, { params: { alg: '"hmac-sha256"' } }),
  ...Object.fromEntries(
    ALL.slice(0, 6).map((each) => [`${each} is not covered`, covering(...ALL.filter((one) => one !== each))]),
  ),
  'nothing is covered': covering(),
};

export function signatureAnswerFile() {
  const requestOf = ({ method, target, headers }) => ({ method, target, headers });
  return {
    about:
      'Answers to signed requests, signed by the service (docs/PROTOCOL.md, section 17), and answers that a client must not take as signed.',
    now: NOW,
    service: { did: bob.did, seed: toHex(bob.seed) },
    request: requestOf(REQUEST),
    good: Object.entries(GOOD).map(([name, make]) => {
      const { base, pqBase, ...made } = make();
      const request = pqBase ? requestOf(asked('/orders/7?full=1', alice, { pq: true })) : undefined;
      return { name, request, ...made, base, pqBase };
    }),
    bad: Object.entries(BAD).map(([name, make]) => {
      const { base: _, pqBase: __, ...made } = make();
      return { name, ...made };
    }),
  };
}
