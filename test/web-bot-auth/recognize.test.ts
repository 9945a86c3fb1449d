import { describe, expect, jest, test } from '@jest/globals';
import { type BotRequest, WebBotAuth, type WebBotAuthOptions } from '@private.me/xlink/web-bot-auth';

// The test vectors of draft-meunier-webbotauth-httpsig-protocol, made with the key of RFC 9421 appendix B.1.4.

const ORIGIN = 'https://signature-agent.test';
const URL_OF_KEYS = `${ORIGIN}/.well-known/http-message-signatures-directory`;
const KEYID = 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U';
const JWK = {
  kty: 'OKP',
  crv: 'Ed25519',
  kid: KEYID,
  x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  use: 'sig',
};
const CREATED = 1_735_689_600;

const headers = {
  host: 'example.com',
  'signature-agent': `agent2="${ORIGIN}"`,
  'signature-input': `sig2=("@authority" "signature-agent";key="agent2");created=1735689600;keyid="${KEYID}";alg="ed25519";expires=4889289600;nonce="n9p433xm+NJ3ph3upfBIGmsuwHw387YV7Q/F+6BSpGCVjYCqQw6rznNA8PVVLySrAWsv0hQtFioQb6E1YsauiA==";tag="web-bot-auth"`,
  signature:
    'sig2=:RdNFx5Bj6au3YgAMQL/RzmUlZE8QZLIaXGRpw985hWnwPfMxT228NMk6ehRS1PSl4e8PhbNZACSanGdhEwYCCg==:',
};
/** Of signers of an earlier draft; it is good for an hour. */
const legacy = {
  host: 'example.com',
  'signature-agent': `"${ORIGIN}"`,
  'signature-input': `sig2=("@authority" "signature-agent");created=1735689600;keyid="${KEYID}";alg="ed25519";expires=1735693200;nonce="e8N7S2MFd/qrd6T2R3tdfAuuANngKI7LFtKYI/vowzk4lAZYadIX6wW25MwG7DCT9RUKAJ0qVkU0mEeLElW1qg==";tag="web-bot-auth"`,
  signature:
    'sig2=:jdq0SqOwHdyHr9+r5jw3iYZH6aNGKijYp/EstF4RQTQdi5N5YYKrD+mCT1HA1nZDsi6nJKuHxUi/5Syp3rLWBA==:',
};

interface Setup extends Partial<WebBotAuthOptions> {
  /** What the directory answers. */
  readonly directory?: () => Response | Promise<Response>;
}
const directoryOf = (keys: unknown, headers: Record<string, string> = {}, status = 200) =>
  new Response(JSON.stringify({ keys }), {
    status,
    headers: { 'content-type': 'application/http-message-signatures-directory+json', ...headers },
  });

function setup({ directory = () => directoryOf([JWK]), ...options }: Setup = {}) {
  const asked: string[] = [];
  let now = (CREATED + 1) * 1000;
  const fetch = jest.fn(async (url: unknown) => {
    asked.push(String(url));
    return directory();
  });
  const bots = new WebBotAuth({
    origins: [ORIGIN],
    hosts: ['example.com'],
    fetch: fetch as never,
    clock: () => now,
    maxLifetimeMs: 2 ** 43,
    ...options,
  });
  const wait = (ms: number) => {
    now += ms;
  };
  const recognize = (more: object = {}, request: BotRequest = { url: '/', headers }) =>
    bots.recognize({ ...request, headers: { ...(request.headers as object), ...more } });
  return { bots, asked, fetch, wait, recognize };
}

const VERIFIED = {
  outcome: 'verified',
  agent: URL_OF_KEYS,
  keyid: KEYID,
  did: expect.stringMatching(/^did:key:z6Mk/),
  created: CREATED * 1000,
};

describe('an agent is recognized', () => {
  test('by the vector of the draft, in each way in which an app has a request', async () => {
    const { bots, asked } = setup();
    const inFetch = new Request('https://example.com/any?path', { headers });
    inFetch.headers.delete('host');
    const { host, ...rest } = headers;
    for (const request of [
      { method: 'GET', url: '/any', headers },
      { url: '/stripped', originalUrl: '/v1/stripped', headers: { ...headers, host: 'EXAMPLE.com:443' } },
      { url: '/', headers: { ...rest, ':authority': host } },
      inFetch,
    ])
      expect(await bots.recognize(request)).toMatchObject({
        ...VERIFIED,
        components: ['"@authority"', '"signature-agent";key="agent2"'],
      });
    expect(asked).toEqual([URL_OF_KEYS]);
  });

  test('by the vector of signers of an earlier draft', async () => {
    const { recognize } = setup();
    expect(await recognize({}, { headers: legacy })).toMatchObject({
      ...VERIFIED,
      expires: 1_735_693_200_000,
    });
  });

  test('beside a signature of another kind', async () => {
    const { recognize } = setup();
    const found = await recognize({
      'signature-input': `xlink=("@method");created=1;tag="xlink", ${headers['signature-input']}`,
      signature: `xlink=:AA==:, ${headers.signature}`,
    });
    expect(found).toMatchObject(VERIFIED);
  });
});

test("a request without such a signature is nobody's, and costs nothing", async () => {
  const { recognize, asked } = setup();
  expect(await recognize({}, { headers: { host: 'example.com' } })).toBeUndefined();
  expect(await recognize({ 'signature-input': 'xlink=("@method");created=1;tag="xlink"' })).toBeUndefined();
  expect(asked).toEqual([]);
});

const input = headers['signature-input'];
const WRONG: [string, object, outcome?: string][] = [
  ['for another host', { host: 'example.org' }],
  ['for another port', { host: 'example.com:8443' }],
  ['with another signature', { signature: legacy.signature }],
  ['without a signature', { signature: 'other=:AA==:' }],
  ['with a short signature', { signature: 'sig2=:AA==:' }],
  ['without a host in it', { 'signature-input': input.replace('"@authority" ', '') }],
  [
    'that does not cover Signature-Agent',
    { 'signature-input': input.replace(' "signature-agent";key="agent2"', '') },
  ],
  ['without expires', { 'signature-input': input.replace(';expires=4889289600', '') }],
  ['without created', { 'signature-input': input.replace(';created=1735689600', '') }],
  ['from the future', { 'signature-input': input.replace('1735689600', '1735689700') }],
  ['that is over', { 'signature-input': input.replace('4889289600', '1735689601') }],
  ['by another algorithm', { 'signature-input': input.replace('ed25519', 'hmac-sha256') }],
  ['with a keyid that is none', { 'signature-input': input.replace(KEYID, 'key-1') }],
  [
    'with a component twice',
    { 'signature-input': input.replace('"@authority"', '"@authority" "@authority"') },
  ],
  [
    'with a parameter on a component',
    { 'signature-input': input.replace('"@authority"', '"@authority";req') },
  ],
  ['with the label twice', { 'signature-input': `${input}, ${input}` }],
  ['with two signatures', { 'signature-input': `${input}, ${input.replace('sig2', 'sig3')}` }],
  ['that is too long', { 'signature-input': `${input}, other=("${'x'.repeat(4096)}")` }],
  ...['constructor', '__proto__'].map((name): [string, object] => [
    `that covers ${name}, as members of objects are called`,
    { 'signature-input': input.replace('"@authority"', `"@authority" "${name}"`) },
  ]),
  [
    'that covers a header that is not there',
    { 'signature-input': input.replace('"@authority"', '"@authority" "x-a"') },
  ],
  ['of no dictionary', { 'signature-input': `${input},,` }],
  ['of http', { 'signature-agent': 'agent2="http://signature-agent.test"' }],
  ['of a path', { 'signature-agent': `agent2="${ORIGIN}/keys"` }],
  ['with a user', { 'signature-agent': 'agent2="https://a@signature-agent.test"' }],
  ['of another member', { 'signature-agent': `sig2="${ORIGIN}"` }],
  ['of another type', { 'signature-agent': `agent2="${ORIGIN}";type=jwks_uri` }],
  [
    'of an origin that is not listed',
    { 'signature-agent': 'agent2="https://169.254.169.254"' },
    'unverified',
  ],
  ['of a port that is not listed', { 'signature-agent': `agent2="${ORIGIN}:8443"` }, 'unverified'],
];

test.each(WRONG)('a signature %s is not taken', async (_, more, outcome = 'invalid') => {
  const { recognize, asked } = setup();
  expect(await recognize(more)).toMatchObject({ outcome, reason: expect.any(String) });
  for (const url of asked) expect(url).toBe(URL_OF_KEYS); // whatever a request says
  if (outcome === 'unverified') expect(asked).toEqual([]);
});

test('a signature that is good for more than a day is not taken by default', async () => {
  const { recognize } = setup({ maxLifetimeMs: 86_400_000 });
  expect(await recognize()).toMatchObject({ outcome: 'invalid', reason: 'good for too long' });
});

const DIRECTORIES: [string, () => Response | Promise<Response>][] = [
  ['is not there', () => directoryOf([JWK], {}, 404)],
  ['is elsewhere', () => directoryOf([], { location: 'https://internal.example/' }, 302)],
  ['is of another media type', () => directoryOf([JWK], { 'content-type': 'application/json' })],
  ['is too large', () => directoryOf([JWK, { pad: 'x'.repeat(70_000) }])],
  ['has too many keys', () => directoryOf(Array.from({ length: 65 }, () => JWK))],
  [
    'is no JSON',
    () =>
      new Response('<html>', {
        headers: { 'content-type': 'application/http-message-signatures-directory+json' },
      }),
  ],
  ['has no keys', () => directoryOf(null)],
  ['does not answer', () => Promise.reject(new Error('ECONNREFUSED'))],
  ['hangs', () => new Promise(() => {})],
  ['has another key', () => directoryOf([{ ...JWK, x: 'AAAA' }])],
  ['calls the key otherwise', () => directoryOf([{ ...JWK, kid: 'key-1' }])],
  ['has the key for later', () => directoryOf([{ ...JWK, nbf: CREATED + 60 }])],
  ['had the key', () => directoryOf([{ ...JWK, exp: CREATED }])],
  ['has it for another use', () => directoryOf([{ ...JWK, use: 'enc' }])],
];

test.each(DIRECTORIES)(
  'an agent whose directory %s is unverified, and not asked again at once',
  async (_, directory) => {
    const { recognize, asked } = setup({ directory, timeoutMs: 50 });
    expect(await recognize()).toMatchObject({ outcome: 'unverified' });
    expect(await recognize()).toMatchObject({ outcome: 'unverified' });
    expect(asked).toHaveLength(1);
  },
);

describe('a directory', () => {
  test('is asked for once by many requests, and again when its time is over', async () => {
    const { recognize, asked, wait } = setup({
      directory: () => directoryOf([JWK], { 'cache-control': 'max-age=600' }),
    });
    await Promise.all(Array.from({ length: 20 }, () => recognize()));
    wait(599_000);
    await recognize();
    expect(asked).toHaveLength(1);
    wait(2000);
    await recognize();
    expect(asked).toHaveLength(2);
  });

  test('that has a new key is asked again, once a minute at most', async () => {
    let keys: object[] = [];
    const { recognize, asked, wait } = setup({ directory: () => directoryOf(keys) });
    expect(await recognize()).toMatchObject({ outcome: 'unverified' });
    keys = [JWK];
    expect(await recognize()).toMatchObject({ outcome: 'unverified' });
    wait(61_000);
    expect(await recognize()).toMatchObject(VERIFIED);
    expect(asked).toHaveLength(2);
  });

  test('that took a key away ends it; one that is down does not, for a day', async () => {
    let answer = () => directoryOf([JWK], { 'cache-control': 'max-age=60' });
    const { recognize, wait } = setup({ directory: () => answer() });
    expect(await recognize()).toMatchObject(VERIFIED);
    answer = () => directoryOf([], {}, 503);
    wait(61_000);
    expect(await recognize()).toMatchObject(VERIFIED);
    wait(86_400_000);
    expect(await recognize()).toMatchObject({ outcome: 'unverified' });
    answer = () => directoryOf([]);
    wait(61_000);
    expect(await recognize()).toMatchObject({
      outcome: 'unverified',
      reason: 'the key is not in the directory',
    });
  });
});

test.each<[string, object]>([
  ['origins', { origins: [] }],
  ['origins', { origins: ['http://agent.example'] }],
  ['origins', { origins: ['https://agent.example/'] }],
  ['origins', { origins: undefined }],
  ['hosts', { hosts: ['https://example.com'] }],
  ['hosts', { hosts: undefined }],
  ['fetch', { fetch: 'fetch' }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['maxLifetimeMs', { maxLifetimeMs: '1d' }],
  ['orgins', { orgins: [] }],
])('%s is checked: %j', (field, more) => {
  const make = () => new WebBotAuth({ origins: [ORIGIN], hosts: ['example.com'], ...more } as never);
  expect(make).toThrow(expect.objectContaining({ id: 'INVALID_OPTION', field }));
});
