import { describe, expect, test } from '@jest/globals';
import { REDACT_PATHS, redactHeaders, redactUrl, SERIALIZERS } from '@private.me/xlink/logging';
import pino from 'pino';
import { distance } from '../../src/util/distance.js';

const CANARY = 'k-canary-5f1d';
const redacted = (name: string): boolean => redactHeaders({ [name]: CANARY })[name] !== CANARY;

const SECRET_HEADERS =
  `authorization proxy-authorization x-authorization x-forwarded-authorization cookie set-cookie cookie2
  x-api-key api-key apikey x-apikey x-api-token x-auth-token x-auth-key auth-token access-token x-access-token refresh-token
  x-refresh-token x-csrf-token x-xsrf-token csrf-token x-amz-security-token x-goog-api-key x-rapidapi-key ocp-apim-subscription-key
  x-vault-token x-gitlab-token private-token x-github-token x-shopify-access-token x-session-id session-id x-session-token
  x-client-secret x-hub-signature-256 x-signature signature x-password x-user-password x-credential x-amz-credential
  xlink-envelope x-functions-key x-license-key secret x-jwt x-jwt-assertion x-otp authentication auth x-auth bearer-token
  x-service-key x-encryption-keys x-amz-server-side-encryption-customer-key pwd sid`.split(/\s+/);

const NEAR_MISSES =
  `Authorization Authorizaton Autorization Authorizatoin Authroization Authorzation Authorization2 Authorizations
  Autorisation Authoriation Auhtorization Authorizattion AUTHORISATION autorizacion authorizaton Proxy-Authorization
  Proxy-Autorization X-APIKEY X_API_KEY x-api-kye X-Api-Ky X-API-Keyy X-APIK-EY xapikey Api_Key api.key apiKey ApiKey X-Ap-Key
  X-Auth-Tokn X-Auth-Tokne X-Auth-Toekn x_auth_token XAuthToken Auth-Tocken Acess-Token accesToken X-Acces-Tokn Coookie Cokie
  Cookei Set-Cokie Setcookie Pasword Passwrod Pssword X-Secrt X-Client-Secet Sesion-Id X-Sesssion Credental X-Credentails
  Xlink-Envelop Xlink_Envelope X-Link-Envelope XlinkEnvelope Xlink-Enveloppe x-signatrue`.split(/\s+/);

const ORDINARY =
  `accept accept-charset accept-encoding accept-language accept-ranges accept-datetime accept-patch accept-post
  access-control-allow-credentials access-control-allow-headers access-control-allow-methods access-control-allow-origin
  access-control-expose-headers access-control-max-age access-control-request-headers access-control-request-method age allow
  alt-svc alt-used baggage b3 cache-control cdn-loop cf-connecting-ip cf-ray clear-site-data connection content-digest
  content-disposition content-encoding content-language content-length content-location content-md5 content-range
  content-security-policy content-type cross-origin-opener-policy cross-origin-resource-policy date deprecation device-memory
  digest dnt downlink early-data ect etag expect expires fastly-client-ip forwarded from host http2-settings idempotency-key
  if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive last-modified link location max-forwards nel
  origin pragma prefer preference-applied priority proxy-authenticate proxy-connection public-key-pins range referer
  referrer-policy refresh repr-digest report-to retry-after rtt save-data sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform
  sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc sec-websocket-accept sec-websocket-extensions
  sec-websocket-key sec-websocket-protocol sec-websocket-version server server-timing signature-input strict-transport-security
  sunset surrogate-control surrogate-key te timing-allow-origin traceparent tracestate trailer transfer-encoding true-client-ip
  upgrade upgrade-insecure-requests user-agent vary via want-digest warning www-authenticate x-amz-date x-amz-request-id
  x-amzn-trace-id x-b3-spanid x-b3-traceid x-content-type-options x-correlation-id x-deprecated-auth x-dns-prefetch-control
  x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-frame-options x-http-method-override x-migration-url
  x-powered-by x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-real-ip x-request-id x-requested-with
  x-response-time x-robots-tag x-served-by x-xlink-brownout x-xss-protection`.split(/\s+/);

describe('names of headers', () => {
  test('credentials are redacted', () => {
    expect(SECRET_HEADERS.filter((name) => !redacted(name))).toEqual([]);
    expect(SECRET_HEADERS.filter((name) => !redacted(name.toUpperCase()))).toEqual([]);
  });

  test('and so are misspelt and oddly written ones', () => {
    expect(NEAR_MISSES.length).toBeGreaterThan(50);
    expect(NEAR_MISSES.filter((name) => !redacted(name))).toEqual([]);
    expect(NEAR_MISSES.filter((name) => !redacted(name.toLowerCase()))).toEqual([]);
  });

  test('every single typing error in the names that matter is forgiven', () => {
    for (const name of ['authorization', 'x-api-key', 'cookie', 'x-auth-token', 'password', 'xlink-envelope'])
      expect(typosOf(name).filter((typo) => !redacted(typo))).toEqual([]);
  });

  test('ordinary headers stay', () => {
    expect(ORDINARY.length).toBeGreaterThan(120);
    expect(ORDINARY.filter((name) => redacted(name))).toEqual([]);
  });

  test('the application may add names of its own, whose near misses count too, and keep others', () => {
    const options = { also: ['X-Customer-Pass'], keep: ['X-Partition-Key'] };
    const headers = {
      'x-customer-pas': CANARY,
      'X-CUSTOMER-PASS': CANARY,
      'x-partition-key': 'p7',
      'x-other-key': CANARY,
    };
    expect(Object.values(redactHeaders(headers, options))).toEqual([
      '[redacted]',
      '[redacted]',
      'p7',
      '[redacted]',
    ]);
    expect(redactHeaders(headers)['x-customer-pas']).toBe(CANARY);
  });
});

describe('values', () => {
  test.each([
    `Bearer ${CANARY}`,
    `bearer  ${CANARY}`,
    `ApiKey ${CANARY}`,
    `Api-Key ${CANARY}`,
    `Xlink ${CANARY}`,
    `Basic ${CANARY}`,
    `for=1.2.3.4, Bearer ${CANARY}`,
    `auth="Bearer ${CANARY}"`,
    `eyJhbGciOiJIUzI1NiJ9.${CANARY}.x`,
    `https://shop.example/?api_key=${CANARY}`,
    `/login?next=1&apikye=${CANARY}#top`,
    `https://user:${CANARY}@shop.example/`,
    `<https://shop.example/?token=${CANARY}>; rel="next"`,
  ])('%s is redacted under any name', (value) => {
    expect(JSON.stringify(redactHeaders({ 'x-note': value, link: ['a', value] }))).not.toContain(CANARY);
  });

  test.each([
    'Bearer realm="api"',
    'Xlink realm="api", error="CREDENTIALS_MISSING", ApiKey realm="api"',
    'text/html;q=0.8',
    'https://shop.example/orders?page=2&sort=name',
    'Mozilla/5.0 (X11; Linux x86_64)',
    '<https://shop.example/migrate>; rel="deprecation"',
  ])('%s stays', (value) => {
    expect(redactHeaders({ 'www-authenticate': value, 'x-note': value })).toEqual({
      'www-authenticate': value,
      'x-note': value,
    });
  });

  test('the original is left alone, and whatever is in it is survived', () => {
    const headers = Object.freeze({
      authorization: 'x',
      'set-cookie': ['a=1', 'b=2'],
      n: 7,
      u: undefined,
      nil: null,
    });
    expect(redactHeaders(headers)).toEqual({
      authorization: '[redacted]',
      'set-cookie': '[redacted]',
      n: 7,
      u: undefined,
      nil: null,
    });
    expect(headers.authorization).toBe('x');
    expect(redactHeaders(undefined as never)).toEqual({});
    const long = 'a'.repeat(100_000);
    expect(redactHeaders({ [long]: long })).toEqual({ [long]: long });
    const hostile = JSON.parse('{"__proto__": "Bearer x", "constructor": "y"}');
    expect(Object.keys(redactHeaders(hostile))).toEqual(['__proto__', 'constructor']);
  });
});

describe('URLs', () => {
  test.each([
    ['/orders?api_key=S&page=2', '/orders?api_key=[redacted]&page=2'],
    ['/orders?apikye=S', '/orders?apikye=[redacted]'],
    ['/o?%61pi_key=S', '/o?%61pi_key=[redacted]'],
    ['/o?apiKey=S;x=1', '/o?apiKey=[redacted];x=1'],
    ['/o?access_token=S#access_token=S&a=b', '/o?access_token=[redacted]#access_token=[redacted]&a=b'],
    ['/o?q=Bearer%20S', '/o?q=[redacted]'],
    ['/o?q=Bearer+S', '/o?q=[redacted]'],
    ['/o?next=https%3A%2F%2Fx.example%2F%3Ftoken%3DS', '/o?next=[redacted]'],
    ['/o?next=%2Fx%3Fq%3Dtoken%253DS', '/o?next=[redacted]'],
    ['/o?filter[token]=S&x[]=1', '/o?filter[token]=[redacted]&x[]=1'],
    ['/o?token=S&token=S', '/o?token=[redacted]&token=[redacted]'],
    ['/o?token=S?x=1&y=%', '/o?token=[redacted]&y=%'],
    ['https://u:S@x.example/p?a=1', 'https://[redacted]@x.example/p?a=1'],
    ['//u:S@x.example/p', '//[redacted]@x.example/p'],
    ['/o?api_key=%E0%A4%A', '/o?api_key=[redacted]'],
  ])('%s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  test.each([
    '',
    '/',
    '/orders/7',
    '/orders?page=2&sort=-name&keyword=tea&keyboard=1',
    '/a?b',
    '/a?b=',
    '/a#top',
    '?',
    '#',
    '/a?%',
    '/a?next=%2Forders%3Fpage%3D2',
    'https://x.example/mail/@me?a=1',
  ])('%s stays', (url) => {
    expect(redactUrl(url)).toBe(url);
  });

  test('takes time in proportion to the length', () => {
    const started = performance.now();
    for (const part of ['?', '&a=', '%25', '/x?next=', '://', '@', 'bearer ', 'eyJ', '//'])
      redactUrl(`/o?${part.repeat(20_000)}`);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

test('pino takes the paths, and they hide exact names', () => {
  const lines: string[] = [];
  const logger = pino({ redact: [...REDACT_PATHS] }, { write: (line: string) => void lines.push(line) });
  const headers = { authorization: CANARY, 'x-api-key': CANARY, cookie: CANARY, host: 'x' };
  logger.info({
    err: Object.assign(new Error('x'), { body: CANARY }),
    headers,
    req: { headers: { ...headers }, query: { api_key: CANARY } },
    res: { headers: { ...headers } },
  });
  expect(lines.join('')).not.toContain(CANARY);
  expect(JSON.parse(lines[0]!).req.headers.host).toBe('x');
});

test('the serializers leave bodies out', () => {
  const req = {
    method: 'POST',
    url: '/x?token=S',
    originalUrl: '/a/x?token=S',
    headers: { cookie: CANARY, host: 'h' },
    body: CANARY,
  };
  expect(SERIALIZERS.req(req)).toEqual({
    method: 'POST',
    url: '/a/x?token=[redacted]',
    headers: { cookie: '[redacted]', host: 'h' },
  });
  const res = { statusCode: 200, getHeaders: () => ({ 'set-cookie': [CANARY], etag: 'e' }), body: CANARY };
  expect(SERIALIZERS.res(res)).toEqual({
    statusCode: 200,
    headers: { 'set-cookie': '[redacted]', etag: 'e' },
  });
});

test('a swap of neighbours is one error', () => {
  expect([
    distance('key', 'kye'),
    distance('ab', 'ba'),
    distance('', 'abc'),
    distance('kitten', 'sitting'),
  ]).toEqual([1, 1, 3, 3]);
});

/** Each letter dropped, doubled, and swapped with the next. */
function typosOf(name: string): string[] {
  const at = Array.from({ length: name.length }, (_, index) => index);
  return at.flatMap((i) => [
    name.slice(0, i) + name.slice(i + 1),
    name.slice(0, i) + name[i] + name.slice(i),
    name.slice(0, i) + (name[i + 1] ?? '') + name[i] + name.slice(i + 2),
  ]);
}
