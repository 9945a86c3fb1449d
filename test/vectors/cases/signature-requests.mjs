// Requests that are signed by RFC 9421: good ones, and each with one fault.
import { b64u, toHex, utf8 } from '../reference/notation.mjs';
import { digestOf, signRequest } from '../reference/signature.mjs';
import { alice, alices, bob, carol, dave, fixed, frank, mallory, NOW, registry, weakDid } from '../world.mjs';

const CREATED = NOW / 1000;
const nonceOf = (name) => b64u(fixed(`signature nonce of ${name}`, 16));
const JSON_TYPE = ['Content-Type', 'application/json'];
const BODY = '{"item":"tea"}';
const GET = { method: 'GET', target: '/orders?limit=5' };
const POST = { method: 'POST', target: '/orders', headers: [JSON_TYPE] };
const NEEDED = ['"@method"', '"@path"', '"@query"', '"xlink-to"', '"xlink-scope"'];
const WITH_BODY = [...NEEDED, '"content-digest"', '"content-type"'];

const signed = (name, request = GET, more = {}, by = frank) =>
  signRequest(by, request, { to: bob.did, created: CREATED, nonce: nonceOf(name), ...more });
const posted = (name, more = {}, by = frank) => signed(name, POST, { body: BODY, ...more }, by);

const GOOD = {
  'a GET with a query': (name) => signed(name),
  'a GET without a query': (name) => signed(name, { method: 'GET', target: '/orders' }),
  'an empty query': (name) => signed(name, { method: 'GET', target: '/orders?' }),
  'an empty query in the place of none, which is the same to RFC 9421': (name) => ({
    ...signed(name, { method: 'GET', target: '/orders' }),
    target: '/orders?',
  }),
  'the root': (name) => signed(name, { method: 'GET', target: '/' }),
  'a path and a query that nobody normalizes': (name) =>
    signed(name, { method: 'GET', target: '/a//b/../%7Euser?q=%20a+b&q=%C3%A9' }),
  'a POST': (name) => posted(name),
  'a POST without a body': (name) => signed(name, { method: 'POST', target: '/orders' }),
  'a PUT with the length covered': (name) =>
    signed(
      name,
      { method: 'PUT', target: '/orders/7', headers: [JSON_TYPE, ['Content-Length', String(BODY.length)]] },
      { body: BODY, components: [...WITH_BODY, '"content-length"'] },
    ),
  'headers that are covered': (name) =>
    signed(
      name,
      {
        method: 'POST',
        target: '/orders',
        headers: [JSON_TYPE, ['Idempotency-Key', 'a b'], ['Accept', ' */* ']],
      },
      { body: BODY, covers: ['idempotency-key', 'accept'] },
    ),
  'one scope': (name) => signed(name, GET, { scope: 'orders:read' }),
  'an end': (name) => signed(name, GET, { expires: CREATED + 10 }),
  'the longest nonce': (name) => signed(name, GET, { nonce: 'n'.repeat(86) }),
  'parameters in another order': (name) =>
    signed(name, GET, {
      params: { created: undefined, tag: undefined, ...{ tag: '"xlink"', created: CREATED } },
    }),
  'dated as far back as is taken': (name) => signed(name, GET, { created: CREATED - 30 }),
  'dated as far ahead as is taken': (name) => signed(name, GET, { created: CREATED + 30 }),
  'a second signature by ML-DSA-65': (name) => posted(name, { pq: true }, alice),
  'an identity whose key record is of version 2': (name) => signed(name, GET, {}, alices[2]),
  'beside a signature of somebody else': (name) => {
    const made = signed(name);
    return edited(made, {
      'Signature-Input': (value) => `proxy=("@authority");tag="web-bot-auth", ${value}`,
      Signature: (value) => `proxy=:AAAA:, ${value}`,
    });
  },
};

/** The same request with other header lines: a text, or what makes one of the present one, by name; `undefined`: none. */
function edited(request, changes) {
  const headers = request.headers.flatMap(([name, value]) => {
    if (!(name in changes)) return [[name, value]];
    const to = changes[name];
    const next = typeof to === 'function' ? to(value) : to;
    return next === undefined ? [] : [next].flat().map((each) => [name, each]);
  });
  return { ...request, headers };
}

const without = (name, list = NEEDED) => list.filter((each) => each !== name);
const input = (change) => (name) => edited(signed(name), { 'Signature-Input': change });
const params = (values) => (name) => signed(name, GET, { params: values });
const components =
  (list, more = {}) =>
  (name) =>
    signed(name, { ...GET, ...more }, { components: list });

const FORM = 'SIGNATURE_MALFORMED';
const COVERAGE = 'SIGNATURE_MALFORMED:COMPONENTS';
const PARAMETERS = 'SIGNATURE_MALFORMED:PARAMETERS';
const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';

const BAD = {
  [FORM]: {
    'no signature at all': (name) =>
      edited(signed(name), { 'Signature-Input': undefined, Signature: undefined }),
    'no Signature-Input': (name) => edited(signed(name), { 'Signature-Input': undefined }),
    'no Signature': (name) => edited(signed(name), { Signature: undefined }),
    'the label of another': (name) =>
      edited(signed(name), {
        'Signature-Input': (value) => value.replace('xlink=', 'sig1=').replace(/;tag="[^"]*"/, ''),
      }),
    'the label twice in Signature-Input': input((value) => `${value}, ${value}`),
    'the label twice, in two lines': input((value) => [value, value]),
    'the label twice in Signature': (name) =>
      edited(signed(name), { Signature: (value) => `${value}, xlink=:${'A'.repeat(86)}==:` }),
    'two spaces between components': input((value) => value.replace('" "', '"  "')),
    'a space in front of a parameter': input((value) => value.replace(';created', '; created')),
    'a parameter twice': input((value) => `${value};created=${CREATED}`),
    'a comma at the end': input((value) => `${value},`),
    'no list of components': input((value) => value.replace(/\(.*\)/, '"@method"')),
    'a list without an end': input((value) => value.replace(')', '')),
    'what is no structured field': input(() => 'xlink=(("@method")'),
    'a folded header': input((value) => value.replace(';', '\r\n ;')),
    'a signature that is a text': (name) =>
      edited(signed(name), { Signature: (value) => value.replace('=:', '="').replace(/:$/, '"') }),
    'a signature that is too short': (name) => edited(signed(name), { Signature: 'xlink=:AAAA:' }),
    'a signature with a parameter': (name) => edited(signed(name), { Signature: (value) => `${value};a` }),
    'base64url in the place of base64': (name) =>
      edited(signed(name), { Signature: `xlink=:${'_'.repeat(86)}==:` }),
    'Xlink-To missing': (name) => edited(signed(name), { 'Xlink-To': undefined }),
    'Xlink-To twice': (name) => edited(signed(name), { 'Xlink-To': (value) => [value, value] }),
    'Xlink-To that is no DID': (name) => signed(name, GET, { to: 'api.example.com' }),
    'Xlink-Scope missing': (name) => edited(signed(name), { 'Xlink-Scope': undefined }),
    'Xlink-Scope twice': (name) => edited(signed(name), { 'Xlink-Scope': (value) => [value, value] }),
    'two scopes': (name) => signed(name, GET, { scope: 'orders:read orders:write' }),
    'a covered header that is not there': (name) => signed(name, GET, { covers: ['accept'] }),
    'a covered header twice': (name) =>
      signed(
        name,
        {
          ...GET,
          headers: [
            ['Accept', 'a/b'],
            ['Accept', 'c/d'],
          ],
        },
        { covers: ['accept'] },
      ),
    'a covered header that is not ASCII': (name) =>
      signed(name, { ...GET, headers: [['X-Name', 'caf\u00e9']] }, { covers: ['x-name'] }),
    'a body whose type is not there': (name) =>
      signed(name, { method: 'POST', target: '/orders' }, { body: BODY }),
    'a digest by SHA-512': (name) => redigested(name, `sha-512=:${'A'.repeat(86)}==:`),
    'a second digest': (name) => redigested(name, `${digestOf(utf8(BODY))}, sha-512=:${'A'.repeat(86)}==:`),
    'a digest that is too short': (name) => redigested(name, 'sha-256=:AAAA:'),
    'a digest that is spelled otherwise': (name) =>
      redigested(name, digestOf(utf8(BODY)).replace(/.=:$/, 'B=:')),
  },
  [COVERAGE]: {
    'nothing is covered': components([]),
    ...Object.fromEntries(NEEDED.map((each) => [`${each} is not covered`, components(without(each))])),
    'components in another order': components([...NEEDED.slice(1), NEEDED[0]]),
    'a type that is not covered': (name) =>
      posted(name, { components: without('"content-type"', WITH_BODY) }),
    'a type in front of the digest': (name) =>
      posted(name, { components: [...NEEDED, '"content-type"', '"content-digest"'] }),
    'a component twice': components([...NEEDED, '"xlink-to"']),
    'a header twice': components([...NEEDED, '"accept"', '"accept"'], { headers: [['Accept', 'a/b']] }),
    'a name with capitals': components([...NEEDED, '"Accept"'], { headers: [['Accept', 'a/b']] }),
    '@authority': components([...NEEDED, '"@authority"']),
    '@target-uri': components([...NEEDED, '"@target-uri"']),
    '@query-param': components([...NEEDED, '"@query-param";name="limit"']),
    '@status': components([...NEEDED, '"@status"']),
    '@signature-params': components([...NEEDED, '"@signature-params"']),
    'its own signature': components([...NEEDED, '"signature"']),
    'its own input': components([...NEEDED, '"signature-input"']),
    'a token': components([...NEEDED, 'accept']),
    ...Object.fromEntries(
      [';sf', ';bs', ';tr', ';req', ';key="a"', ';other'].map((each) => [
        `a component with ${each}`,
        components([
          `"@method"${each === ';req' ? each : ''}`,
          ...NEEDED.slice(1, 4),
          `"xlink-scope"${each === ';req' ? '' : each}`,
        ]),
      ]),
    ),
    'a second signature over less': (name) =>
      signed(name, GET, { pq: true, second: { components: without('"@method"') } }, alice),
  },
  [PARAMETERS]: {
    ...Object.fromEntries(
      ['created', 'nonce', 'keyid', 'alg', 'tag'].map((each) => [
        `no ${each}`,
        params({ [each]: undefined }),
      ]),
    ),
    'created 0': params({ created: 0 }),
    'created with decimals': params({ created: `${CREATED}.5` }),
    'created as a text': params({ created: `"${CREATED}"` }),
    'expires as a text': params({ expires: `"${CREATED}"` }),
    'a nonce that is too short': params({ nonce: '"abc"' }),
    'a nonce that is too long': params({ nonce: `"${'n'.repeat(87)}"` }),
    'a nonce of other characters': params({ nonce: `"${'n n'.repeat(8)}"` }),
    'a key that is no DID': params({ keyid: '"key-1"' }),
    'a DID of another method': params({ keyid: '"did:web:example.com"' }),
    HMAC: params({ alg: '"hmac-sha256"' }),
    'ML-DSA in the first signature': params({ alg: '"ml-dsa-65"' }),
    'the tag of an answer': params({ tag: '"xlink-answer"' }),
    'the tag as a token': params({ tag: 'xlink' }),
    'a parameter that nobody knows': params({ context: '"a"' }),
    'a parameter with the name of a member of objects': params({ constructor: '"a"' }),
    'a second label with the tag': input((value) => `${value}, sig2=${value.slice('xlink='.length)}`),
    'a second signature with another nonce': (name) =>
      signed(name, GET, { pq: true, second: { params: { nonce: `"${'n'.repeat(22)}"` } } }, alice),
    'a second signature of another time': (name) =>
      signed(name, GET, { pq: true, second: { params: { created: CREATED + 1 } } }, alice),
    'a second signature of another key': (name) =>
      signed(name, GET, { pq: true, second: { params: { keyid: `"${frank.did}"` } } }, alice),
    'a second signature with another end': (name) =>
      signed(name, GET, { pq: true, second: { params: { expires: CREATED + 9 } } }, alice),
    'a second signature by Ed25519': (name) =>
      signed(name, GET, { pq: true, second: { params: { alg: '"ed25519"' } } }, alice),
  },
  [MISMATCH]: {
    'another method': (name) => ({ ...signed(name), method: 'DELETE' }),
    'a method in small letters': (name) => ({ ...signed(name), method: 'get' }),
    'another path': (name) => ({ ...signed(name), target: '/refunds?limit=5' }),
    'another query': (name) => ({ ...signed(name), target: '/orders?limit=50' }),
    'a query more': (name) => ({ ...signed(name), target: '/orders?limit=5&limit=6' }),
    'no query': (name) => ({ ...signed(name), target: '/orders' }),
    'a query that was normalized': (name) => ({
      ...signed(name, { method: 'GET', target: '/orders?q=a%20b' }),
      target: '/orders?q=a+b',
    }),
    'a path that was normalized': (name) => ({
      ...signed(name, { method: 'GET', target: '/a/../orders' }),
      target: '/orders',
    }),
    'another scope': (name) => edited(signed(name), { 'Xlink-Scope': 'orders:read' }),
    'another type': (name) => edited(posted(name), { 'Content-Type': 'text/plain' }),
    'another digest': (name) => edited(posted(name), { 'Content-Digest': digestOf(utf8('{}')) }),
    'a covered header that was changed': (name) =>
      edited(signed(name, { ...GET, headers: [['If-Match', '"a"']] }, { covers: ['if-match'] }), {
        'If-Match': '"b"',
      }),
    'a component injected': (name) =>
      edited(signed(name, { ...GET, headers: [['Cookie', 'a=1']] }), {
        'Signature-Input': (value) => value.replace('"xlink-scope"', '"xlink-scope" "cookie"'),
      }),
    'a component stripped': (name) =>
      edited(signed(name, { ...GET, headers: [['If-Match', '"a"']] }, { covers: ['if-match'] }), {
        'Signature-Input': (value) => value.replace(' "if-match"', ''),
      }),
    'a later time': input((value) => value.replace(`created=${CREATED}`, `created=${CREATED + 1}`)),
    'another nonce': input((value) => value.replace(/nonce="[^"]*"/, `nonce="${'n'.repeat(22)}"`)),
    'another signer': input((value) => value.replace(frank.did, alices[1].did)),
    'a signature with a bit flipped': (name) =>
      edited(signed(name), {
        Signature: (value) => value.replace(/=:(.)/, (_, a) => `=:${a === 'A' ? 'B' : 'A'}`),
      }),
    'the signature of an answer': (name) =>
      edited(signed(name), { Signature: `xlink=:${'A'.repeat(85)}Q==:` }),
  },
  'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH': {
    'a second signature with a bit flipped': (name) =>
      edited(posted(name, { pq: true }, alice), {
        Signature: (value) => value.replace(/pq=:(.)/, (_, a) => `pq=:${a === 'A' ? 'B' : 'A'}`),
      }),
  },
  'VERIFICATION_FAILED:NO_PQ_KEY': {
    'a second signature whose key is not on record': (name) => signed(name, GET, { pq: true }, dave),
  },
  SIGNATURE_PQ_REQUIRED: {
    'no second signature although the record has the key': (name) => signed(name, GET, {}, alice),
    'a second signature stripped': (name) =>
      edited(posted(name, { pq: true }, alice), {
        'Signature-Input': (value) => value.split(', xlink-pq=')[0],
        Signature: (value) => value.split(', xlink-pq=')[0],
      }),
  },
  RECIPIENT_MISMATCH: {
    'a request for another service': (name) => signed(name, GET, { to: mallory.did }),
  },
  'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY': { 'a stranger': (name) => signed(name, GET, {}, carol) },
  'INVALID_DID:WEAK_KEY': {
    'a key of small order': (name) => signed(name, GET, { params: { keyid: `"${weakDid}"` } }),
  },
  TIMESTAMP_EXPIRED: { 'dated too far back': (name) => signed(name, GET, { created: CREATED - 31 }) },
  'TIMESTAMP_EXPIRED:FUTURE': {
    'dated too far ahead': (name) => signed(name, GET, { created: CREATED + 31 }),
  },
  SIGNATURE_EXPIRED: { 'an end that is over': (name) => signed(name, GET, { expires: CREATED - 1 }) },
  SCOPE_DENIED: { 'a scope that was not granted': (name) => signed(name, GET, { scope: 'refunds' }) },
  SCOPE_NOT_ALLOWED: { 'a scope of the library': (name) => signed(name, GET, { scope: 'xlink:enroll' }) },
  FIELD_NOT_ALLOWED: {
    'a header that proxies set': (name) =>
      signed(name, { ...GET, headers: [['X-Forwarded-For', '192.0.2.1']] }, { covers: ['x-forwarded-for'] }),
  },
  CONTENT_DIGEST_MISSING: {
    'a body that is not covered': (name) => ({ ...signed(name, POST), body: BODY }),
  },
  CONTENT_DIGEST_UNEXPECTED: { 'a body that is gone': (name) => ({ ...posted(name), body: undefined }) },
  CONTENT_DIGEST_MISMATCH: { 'another body': (name) => ({ ...posted(name), body: '{"item":"tee"}' }) },
  ENVELOPE_AMBIGUOUS: {
    'an envelope beside it': (name) => ({
      ...signed(name, { ...GET, headers: [['Authorization', 'Xlink e30']] }),
    }),
  },
};

/** Signed over a digest as it is written here. */
function redigested(name, value) {
  const made = signRequest(
    frank,
    { ...POST, headers: [JSON_TYPE, ['Content-Digest', value]] },
    {
      to: bob.did,
      created: CREATED,
      nonce: nonceOf(name),
      components: WITH_BODY,
    },
  );
  return { ...made, body: BODY };
}

const messageOf = ({ headers, pqBase }, by) => {
  const at = (name) => headers.find(([each]) => each === name)[1];
  return { did: by, scope: at('Xlink-Scope'), version: pqBase ? 3 : 1 };
};
const didIn = ({ headers }) =>
  /xlink=.*?keyid="([^"]*)"/.exec(headers.find(([name]) => name === 'Signature-Input')[1])[1];

const used = [...[frank, alice, alices[1], alices[2], dave, bob].map(({ did }) => did), weakDid];

export function signatureRequestFile() {
  return {
    about:
      'HTTP requests that are signed by the profile of RFC 9421 (docs/PROTOCOL.md, section 17), and requests with one fault each.',
    now: NOW,
    service: { did: bob.did, seed: toHex(bob.seed) },
    registry: registry.filter(({ did }) => used.includes(did)),
    good: Object.entries(GOOD).map(([name, make]) => {
      const { base, pqBase, ...request } = make(name);
      const by = didIn(request);
      const seed = [frank, alice, alices[2]].find(({ did }) => did === by).seed;
      return {
        name,
        seed: toHex(seed),
        ...request,
        base,
        pqBase,
        auth: messageOf({ ...request, pqBase }, by),
      };
    }),
    bad: Object.entries(BAD).flatMap(([error, cases]) =>
      Object.entries(cases).map(([name, make]) => {
        const { base: _, pqBase: __, ...request } = make(name);
        return { name, ...request, error };
      }),
    ),
  };
}
