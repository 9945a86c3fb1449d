// Signatures in the place of envelopes: docs/PROTOCOL.md, section 17, and RFC 9421.
import { ed25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { base64 } from '@scure/base';
import { sha256, utf8 } from './notation.mjs';

export const bytesItem = (bytes) => `:${base64.encode(bytes)}:`;
export const digestOf = (body) => `sha-256=${bytesItem(sha256(body))}`;

const MAIN = { label: 'xlink', alg: 'ed25519' };
const SECOND = { label: 'xlink-pq', alg: 'ml-dsa-65' };

const COMPONENTS = ['"@method"', '"@path"', '"@query"', '"xlink-to"', '"xlink-scope"'];
const OF_THE_BODY = ['"content-digest"', '"content-type"'];

/** The value of a component of a request; of a header that comes in several lines, all of them (RFC 9421 section 2.1). */
function componentOf({ method, target, headers }, identifier) {
  const name = /^"?([^";]*)/.exec(identifier)[1];
  const at = target.indexOf('?');
  if (name === '@method') return method;
  if (name === '@path') return (at < 0 ? target : target.slice(0, at)) || '/';
  if (name === '@query') return at < 0 ? '?' : target.slice(at);
  const lines = headers.filter(([each]) => each.toLowerCase() === name.toLowerCase());
  return lines.map(([, value]) => value.trim()).join(', ');
}

const paramsOf = (components, params) =>
  `(${components.join(' ')})${params.map(([name, value]) => `;${name}=${value}`).join('')}`;

export const baseOf = (lines, params) =>
  [...lines.map(([identifier, value]) => `${identifier}: ${value}`), `"@signature-params": ${params}`].join(
    '\n',
  );

const quoted = (value) => (value === undefined ? undefined : JSON.stringify(value));

/**
 * Signs a request by an identity, and by its ML-DSA key with `pq`. What else `more` has is done otherwise than the profile
 * says: `components`, as they are written; `params`, written values by name, `undefined` to leave one out; those of the
 * second signature in `second`.
 */
export function signRequest(identity, request, more) {
  const {
    to,
    created,
    nonce,
    scope = '*',
    covers = [],
    body,
    pq,
    components,
    params = {},
    second = {},
    expires,
  } = more;
  const headers = [
    ...(request.headers ?? []),
    ['Xlink-To', to],
    ['Xlink-Scope', scope],
    ...(body === undefined ? [] : [['Content-Digest', digestOf(utf8(body))]]),
  ];
  const whole = { ...request, headers };
  const list = [
    ...COMPONENTS,
    ...(body === undefined ? [] : OF_THE_BODY),
    ...covers.map((name) => `"${name}"`),
  ];
  const make = ({ label, alg }, sign, own) => {
    const identifiers = own.components ?? components ?? list;
    const all = {
      created,
      expires,
      nonce: quoted(nonce),
      keyid: quoted(identity.did),
      alg: quoted(alg),
      tag: quoted(label),
    };
    const written = Object.entries({ ...all, ...own.params }).filter(([, value]) => value !== undefined);
    const text = paramsOf(identifiers, written);
    const base = baseOf(
      identifiers.map((each) => [each, componentOf(whole, each)]),
      text,
    );
    return { label, base, input: `${label}=${text}`, item: `${label}=${bytesItem(sign(utf8(base)))}` };
  };
  const made = [make(MAIN, (base) => ed25519.sign(base, identity.seed), { params })];
  if (pq)
    made.push(
      make(
        SECOND,
        (base) => ml_dsa65.sign(base, identity.mlDsa65.secretKey, { extraEntropy: sha256(base) }),
        second,
      ),
    );
  return {
    ...request,
    headers: [
      ...headers,
      ['Signature-Input', made.map(({ input }) => input).join(', ')],
      ['Signature', made.map(({ item }) => item).join(', ')],
    ],
    body,
    base: made[0].base,
    pqBase: made[1]?.base,
  };
}

const itemOf = (headers, label) =>
  new RegExp(`(?:^|, )${label}=(:[^:]*:)`).exec(headers.find(([name]) => name === 'Signature')[1])[1];

/** Signs an answer to a signed request. `more.components`, `more.params`: as above. */
export function signAnswer(identity, request, { status, headers, body }, more) {
  const { created, nonce, components, params = {}, pq, asked = request } = more;
  const at = asked.target.indexOf('?');
  const digest = ['Content-Digest', digestOf(utf8(body))];
  const values = {
    '"@status"': String(status),
    '"@method";req': asked.method,
    '"@path";req': at < 0 ? asked.target : asked.target.slice(0, at),
    '"@query";req': at < 0 ? '?' : asked.target.slice(at),
    '"signature";req;key="xlink"': itemOf(asked.headers, 'xlink'),
    '"content-digest"': digest[1],
  };
  for (const name of ['content-type', 'location']) {
    const line = headers.find(([each]) => each.toLowerCase() === name);
    if (line) values[`"${name}"`] = line[1];
  }
  const make = ({ label, alg }, tag, sign) => {
    const identifiers = components ?? Object.keys(values);
    const all = {
      created,
      keyid: quoted(identity.did),
      alg: quoted(alg),
      nonce: quoted(nonce),
      tag: quoted(tag),
      ...params,
    };
    const text = paramsOf(
      identifiers,
      Object.entries(all).filter(([, value]) => value !== undefined),
    );
    const base = baseOf(
      identifiers.map((each) => [each, values[each]]),
      text,
    );
    return { base, input: `${label}=${text}`, item: `${label}=${bytesItem(sign(utf8(base)))}` };
  };
  const made = [make(MAIN, 'xlink-answer', (base) => ed25519.sign(base, identity.seed))];
  if (pq)
    made.push(
      make(SECOND, 'xlink-answer-pq', (base) =>
        ml_dsa65.sign(base, identity.mlDsa65.secretKey, { extraEntropy: sha256(base) }),
      ),
    );
  return {
    status,
    headers: [
      ...headers,
      digest,
      ...made.flatMap(({ input, item }) => [
        ['Signature-Input', input],
        ['Signature', item],
      ]),
    ],
    body,
    base: made[0].base,
    pqBase: made[1]?.base,
  };
}
