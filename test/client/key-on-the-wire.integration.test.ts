import { describe, expect, test } from '@jest/globals';
import { listen } from '../support/listen.js';
import { fetchFor, idOfRejection, serveApi } from './support.js';

const SECRET = 'k1/secret+of-acme_9=';
const BASE64 = btoa(SECRET);
const BASE64URL = BASE64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const PERCENT = encodeURIComponent(SECRET);
const ESCAPED = SECRET.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`);

/** What stands for the key in some encoding; of base64 the middle, which does not depend on what is beside it. */
const FORMS = [SECRET, PERCENT, PERCENT.toLowerCase(), ESCAPED, BASE64.slice(0, -4), BASE64URL.slice(0, -2)];
const basic = (credentials: string) => `Basic ${btoa(credentials)}`;

/** A client that has moved, and what it sends from then on: URL, headers and the address of the page. */
async function moved(apiKey = SECRET) {
  const api = await serveApi({
    legacyKeyValidator: (key) => (key === apiKey ? { customerId: 'acme' } : null),
  });
  const sent: string[] = [];
  const spying: typeof globalThis.fetch = (url, init) => {
    sent.push(`${url} ${JSON.stringify([...new Headers(init?.headers)])} ${init?.referrer ?? ''}`);
    return globalThis.fetch(url, init);
  };
  const fetch = fetchFor(api.url, { apiKey, fetch: spying });
  expect((await fetch('/first')).status).toBe(200);
  sent.length = 0;
  api.handled.length = 0;
  return { api, fetch, sent };
}

describe.each(['GET', 'POST'])('beside an envelope, %s,', (method) => {
  const body = method === 'POST' ? { body: 'x' } : {};

  test.each<[string, RequestInit]>([
    ['a header', { headers: { 'X-Key': SECRET } }],
    ['a header, percent-encoded', { headers: { 'X-Key': PERCENT } }],
    ['a header, percent-encoded twice', { headers: { 'X-Key': encodeURIComponent(PERCENT) } }],
    ['a header, in base64', { headers: { 'X-Key': BASE64 } }],
    ['a header, in base64url', { headers: { 'X-Key': BASE64URL } }],
    ['a header, in base64, percent-encoded', { headers: { 'X-Key': encodeURIComponent(BASE64) } }],
    ['a header, in base64 behind other text', { headers: { 'X-Key': `key-${BASE64URL}.rest` } }],
    ['credentials, as name', { headers: { Authorization: basic(`${SECRET}:`) } }],
    ['credentials, as password', { headers: { Authorization: basic(`u:${SECRET}`) } }],
    ['credentials, between others', { headers: { Authorization: basic(`us:${SECRET}:x`) } }],
    ['credentials of a proxy', { headers: { 'Proxy-Authorization': basic(`usr:${SECRET}`) } }],
    ['credentials, percent-encoded', { headers: { Authorization: basic(`id:${PERCENT}`) } }],
    ['the referrer', { referrer: `https://page.example/?key=${PERCENT}` }],
  ])('the key does not travel in %s [B5]', async (_, init) => {
    const { api, fetch, sent } = await moved();
    const answer = await fetch('/a', { ...init, method, ...body });
    expect(answer.headers.get('xlink-sealed')).toBe('true');
    expect(sent).toHaveLength(1);
    for (const form of FORMS) expect(sent[0]).not.toContain(form);
    expect(api.handled).toEqual([`${method} /a`]);
  });

  test.each([
    ['as it is', `key=${SECRET}`],
    ['percent-encoded', `key=${PERCENT}`],
    ['in escapes of its own', `key=${ESCAPED}`],
    ['beside a broken escape', `key=${PERCENT}%`],
    ['in a URL in the query', `next=${encodeURIComponent(`/b?key=${PERCENT}`)}`],
    ['in base64', `key=${encodeURIComponent(BASE64)}`],
    ['in base64url', `key=${BASE64URL}`],
    ['as a name', PERCENT],
  ])('the key does not travel in the query %s; the rest of it stays as it is spelled', async (_, pair) => {
    const { api, fetch, sent } = await moved();
    await fetch(`/a?b=%7e+&${pair}&c=%`, { method, ...body });
    for (const form of FORMS) expect(sent[0]).not.toContain(form);
    expect(api.handled).toEqual([`${method} /a?b=%7e+&c=%`]);
  });

  test.each([
    ['as it is', `k=${SECRET}`],
    ['percent-encoded', `k=${PERCENT}`],
    ['in base64', `k=${BASE64}`],
  ])('the key does not travel in a cookie %s; others do', async (_, pair) => {
    const { fetch, sent } = await moved();
    await fetch('/a', { method, headers: { Cookie: `theme=dark; ${pair}; size=1` }, ...body });
    for (const form of FORMS) expect(sent[0]).not.toContain(form);
    if (method === 'GET') expect(sent[0]).toContain('theme=dark; size=1'); // else it is sealed
  });

  test.each([
    ['as it is', `/v1/${SECRET}/a`],
    ['percent-encoded', `/v1/${PERCENT}/a`],
    ['in base64', `/v1/${encodeURIComponent(BASE64)}/a`],
    ['in base64url', `/bot${BASE64URL}/a`],
  ])('a path that holds the key %s is refused, and nothing is sent', async (_, path) => {
    const { fetch, sent } = await moved();
    expect(await idOfRejection(fetch(path, { method, ...body }))).toBe('API_KEY_IN_URL');
    expect(sent).toEqual([]);
  });

  test.each(['id12:tok99', 'a:b', 'two;parts', 'a&b=c'])(
    'a key with signs of its own, %s, does not travel in credentials',
    async (key) => {
      const { fetch, sent } = await moved(key);
      for (const credentials of [key, `user:${key}`]) {
        sent.length = 0;
        await fetch('/a', { method, headers: { Authorization: basic(credentials) }, ...body });
        expect(sent[0]).not.toContain(btoa(credentials).replace(/=+$/, ''));
      }
    },
  );

  test('a key that reaches over two parameters is refused', async () => {
    const { fetch, sent } = await moved('a&b=c');
    expect(await idOfRejection(fetch('/a?key=a&b=c', { method, ...body }))).toBe('API_KEY_IN_URL');
    expect(sent).toEqual([]);
  });

  test('what looks like it stays', async () => {
    const { api, fetch, sent } = await moved();
    const headers = { Authorization: basic('user:other'), Cookie: 'k=k1/secret', 'X-Id': 'azEvc2VjcmV0' };
    await fetch('/k1/secret?key=k1%2Fsecret%2B', { method, headers, ...body });
    expect(api.handled).toEqual([`${method} /k1/secret?key=k1%2Fsecret%2B`]);
    if (method === 'GET') for (const value of Object.values(headers)) expect(sent[0]).toContain(value);
  });
});

test('where there is no xLink, a request with the key in its path is sent as ever', async () => {
  const { url } = await listen((req, res) => {
    res.writeHead(req.url?.startsWith('/.well-known/') ? 404 : 200).end(req.url);
  });
  expect(await (await fetchFor(url, { apiKey: 'path-key' })('/bot/path-key/a')).text()).toBe(
    '/bot/path-key/a',
  );
});
