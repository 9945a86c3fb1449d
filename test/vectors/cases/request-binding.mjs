// Request bindings, and what an envelope covers of the headers of a request (sections 11 and 12.2).
import { headerBlock } from '../reference/envelope.mjs';
import { sha256 } from '../reference/notation.mjs';

const CANONICAL = [
  ['GET', '/', 'GET /'],
  ['get', '/orders', 'GET /orders'],
  ['POST', '/orders?limit=5&after=%2Fa', 'POST /orders?limit=5&after=%2Fa'],
  ['OPTIONS', '*', 'OPTIONS *'],
  ['GET', '/a?', 'GET /a?'],
  ['GET', '/a//b/../c', 'GET /a//b/../c'],
  ['GET', '/%7Euser/~user', 'GET /%7Euser/~user'],
  ['GET', '/%e9', 'GET /%e9'],
  ['GET', '/?a=1&a=2', 'GET /?a=1&a=2'],
  ['GET', "/!$&'()*+,;=:@-._~|^`{}<>[]", "GET /!$&'()*+,;=:@-._~|^`{}<>[]"],
  ['GET', '/a b', 'GET /a%20b'],
  ['GET', '/?q="x"', 'GET /?q=%22x%22'],
  ['GET', '/a\\b', 'GET /a%5Cb'],
  ['GET', '/a\tb\u007f', 'GET /a%09b%7F'],
  ['GET', '/caf\u00c3\u00a9', 'GET /caf%C3%A9'],
  ['GET', '/caf\u00e9', 'GET /caf%E9'],
  ['GET', '/\u2603', 'GET /%E2%98%83'],
  ['GET', '/\u{1f600}', 'GET /%F0%9F%98%80'],
  ['GET', '/\ud83d', 'GET /%EF%BF%BD'],
  ['GET', '/\ude00\ud83d', 'GET /%EF%BF%BD%EF%BF%BD'],
  ['m-search', '/', 'M-SEARCH /'],
  ['GET', 'http://api.example/a?b=1', 'GET http://api.example/a?b=1'],
];

const CHECKS = [
  ['equal', 'GET /a?b=1', 'GET /a?b=1', true],
  ['equal, not required', 'GET /a', 'GET /a', false],
  ['absent, not required', undefined, 'GET /a', false],
  ['absent, required', undefined, 'GET /a', true, 'REQUEST_BINDING_REQUIRED'],
  ['another method', 'GET /a', 'HEAD /a', true, 'REQUEST_BINDING_MISMATCH'],
  ['another path, not required', 'GET /a', 'GET /b', false, 'REQUEST_BINDING_MISMATCH'],
  ['another query', 'GET /a?b=1', 'GET /a?b=2', true, 'REQUEST_BINDING_MISMATCH'],
  ['query in another order', 'GET /a?b=1&c=2', 'GET /a?c=2&b=1', true, 'REQUEST_BINDING_MISMATCH'],
  ['query mark without query', 'GET /a', 'GET /a?', true, 'REQUEST_BINDING_MISMATCH'],
  ['slash at the end', 'GET /a', 'GET /a/', true, 'REQUEST_BINDING_MISMATCH'],
  ['capital letters in the path', 'GET /a', 'GET /A', true, 'REQUEST_BINDING_MISMATCH'],
  ['percent-encoding in other letters', 'GET /%e9', 'GET /%E9', true, 'REQUEST_BINDING_MISMATCH'],
  ['percent-encoding of a letter', 'GET /a', 'GET /%61', true, 'REQUEST_BINDING_MISMATCH'],
];

/** What a caller set, and the names that are covered of it. */
const HEADERS = {
  none: [[], ''],
  one: [[['accept', 'application/json']], 'accept'],
  'in capitals and not sorted': [
    [
      ['X-Trace', 'b'],
      ['Idempotency-Key', 'order-17'],
      ['accept', '*/*'],
    ],
    'accept idempotency-key x-trace',
  ],
  'an empty value, a value with commas and beyond ASCII': [
    [
      ['x-b', 'a, b,c'],
      ['x-a', ''],
      ['x-c', 'caf\u00e9'],
    ],
    'x-a x-b x-c',
  ],
  'that belong to the connection, the body or the envelope': [
    [
      ...'Accept-Encoding Authorization Connection Content-Encoding Content-Length Content-Type Expect Forwarded Host Keep-Alive'
        .split(' ')
        .map((name) => [name, 'x']),
      ...'Proxy-Authorization Proxy-Connection TE Trailer Transfer-Encoding Upgrade Via Xlink-Envelope Xlink-Sealed'
        .split(' ')
        .map((name) => [name, 'x']),
      ['X-Forwarded-For', '203.0.113.9'],
      ['x-forwarded-proto', 'https'],
      ['X-Forwarder', 'x'],
      ['Content-Language', 'de'],
      ['Cookie', 'a=1'],
    ],
    'content-language cookie x-forwarder',
  ],
  'that only proxies may set': [
    [
      ...'CF-Connecting-IP Client-Cert Client-Cert-Chain Fastly-Client-IP Remote-User SSL-Client-Verify True-Client-IP X-Amzn-Trace-Id'
        .split(' ')
        .map((name) => [name, 'x']),
      ...'X-ARR-ClientCert X-Auth-Request-User X-Azure-ClientIP X-Client-Cert X-Client-Cert-DN X-Client-IP X-Cluster-Client-IP'
        .split(' ')
        .map((name) => [name, 'x']),
      ...'X-Envoy-Peer X-Goog-Iap X-MS-Client-Principal X-MS-Client-Principal-Id X-Original-URL X-Real-IP X-Remote-User X-Rewrite-URL X-SSL-Cert'
        .split(' ')
        .map((name) => [name, 'x']),
      ...'CFO Client-Id Fast Remote SSL X-Amz-Date X-Arrow X-Client X-Goo X-Ms-Date X-Origin X-Really'
        .split(' ')
        .map((name) => [name, 'y']),
    ],
    'cfo client-id fast remote ssl x-amz-date x-arrow x-client x-goo x-ms-date x-origin x-really',
  ],
};

function coveredHeaders() {
  return Object.entries(HEADERS).map(([name, [headers, fields]]) => {
    const values = new Map(headers.map(([each, value]) => [each.toLowerCase(), value]));
    const covered = fields === '' ? [] : fields.split(' ').map((each) => [each, values.get(each)]);
    const digest = covered.length > 0 ? sha256(headerBlock(covered)) : undefined;
    return { name, headers, fields, fieldsDigest: digest };
  });
}

/** Content-Type headers, and how `contentType` has them. */
const CONTENT_TYPES = [
  ['text/csv; charset=utf-8', 'text/csv; charset=utf-8'],
  ['multipart/form-data; boundary="a b"', 'multipart/form-data; boundary=%22a b%22'],
  ['text/plain; name=100%', 'text/plain; name=100%25'],
  ['text/plain; name="a\\b"', 'text/plain; name=%22a%5Cb%22'],
  ['text/plain; name=caf\u00e9', 'text/plain; name=caf%E9'],
  ['text/plain;\tq=1', 'text/plain;%09q=1'],
];

export function requestBindingFile() {
  return {
    about:
      'The text of a request binding from method and request target (each character one byte of the wire up to U+00FF), the comparison on receipt, and what is signed of headers.',
    canonical: CANONICAL.map(([method, target, request]) => ({ method, target, request })),
    checks: CHECKS.map(([name, signed, actual, required, error]) => ({
      ...{ name, signed, actual },
      ...{ required, error },
    })),
    contentTypes: CONTENT_TYPES.map(([header, contentType]) => ({ header, contentType })),
    headers: coveredHeaders(),
  };
}
