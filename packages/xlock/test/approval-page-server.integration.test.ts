// What the server of the approval page sends, and the share store, over HTTP without a browser.
import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { forwardedAddress } from '@private.me/xlink/http-api';
import express from 'express';
import { isEqual, keyOfSeed, sha256, signatureCheckerOf } from '../page/primitives.js';
import { pushed } from '../page/pushed.js';
import {
  type ApprovalPageOptions,
  approvalLink,
  approvalPage,
  HttpBackend,
  type ShareStoreOptions,
  shareStore,
  vapidKeys,
  XlockVerifier,
} from '../src/index.js';
import * as onNode from '../src/util/primitives.js';
import { identityOf, idOf, listen, ORIGIN, seedOf } from './support.js';

const OPTIONS: ApprovalPageOptions = {
  origin: 'https://approve.acme.com',
  services: [ORIGIN, 'https://shop.example'],
  stores: ['https://a.example/shares', 'https://b.example/shares'],
  relay: { url: 'https://approve.acme.com' },
};

describe('the page', () => {
  test('lets the browser load nothing but its own files, and talk to whom it was told', async () => {
    const { url } = await listen(approvalPage(OPTIONS));
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain(
      "connect-src 'self' https://acme.com https://shop.example https://a.example https://b.example https://approve.acme.com wss://approve.acme.com;",
    );
    expect(policy).not.toMatch(/unsafe|data:|\*/);
    expect(response.headers.get('permissions-policy')).toContain('camera=(self)');
    expect(await response.text()).not.toMatch(/<style|style=|<script>|onclick|https?:\/\//);
  });

  test('can be installed: manifest, icons of the sizes it says, a service worker that knows its files', async () => {
    const { url } = await listen(approvalPage(OPTIONS));
    const manifest = (await (await fetch(`${url}/manifest.webmanifest`)).json()) as {
      display: string;
      icons: { src: string; sizes: string }[];
    };
    expect(manifest.display).toBe('standalone');
    for (const { src, sizes } of manifest.icons.filter(({ src }) => src.endsWith('.png'))) {
      const png = Buffer.from(await (await fetch(url + src)).arrayBuffer());
      expect(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`).toBe(sizes);
    }
    const script = await (await fetch(`${url}/sw.js`)).text();
    const { files, version } = JSON.parse(/^const XLOCK_SHELL=(.*);$/m.exec(script)![1]!) as {
      files: string[];
      version: string;
    };
    expect(version).toMatch(/^[\w-]{16}$/);
    expect(files).toContain('/relay.js');
    for (const file of files) expect([file, (await fetch(url + file)).status]).toEqual([file, 200]);
    const other = await listen(approvalPage({ ...OPTIONS, stores: ['https://c.example'] }));
    expect(await (await fetch(`${other.url}/sw.js`)).text()).not.toContain(version);
  });

  test('what is known is not sent again; what is not there goes on, or is 404', async () => {
    const { url } = await listen(approvalPage(OPTIONS));
    const { headers } = await fetch(`${url}/main.js`);
    const etag = headers.get('etag')!;
    expect((await fetch(`${url}/main.js`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const head = await fetch(`${url}/main.js`, { method: 'HEAD' });
    expect([head.status, (await head.text()).length]).toEqual([200, 0]);
    for (const path of ['/../package.json', '/shell.json', '/constructor', '/nothing'])
      expect([path, (await fetch(url + path)).status]).toEqual([path, 404]);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    const app = express();
    app.use(approvalPage(OPTIONS));
    app.get('/other', (_, response) => void response.send('other'));
    const { url: withExpress } = await listen(app);
    expect(await (await fetch(`${withExpress}/other`)).text()).toBe('other');
    expect((await fetch(`${withExpress}/page.css`)).status).toBe(200);
  });

  test.each<[string, object]>([
    ['origin', { origin: 'http://approve.acme.com' }],
    ['origin', { origin: 'https://approve.acme.com/' }],
    ['another origin than the services', { services: ['https://approve.acme.com'] }],
    ['services', { services: [] }],
    ['services', { services: ['acme.com'] }],
    ['stores', { stores: [] }],
    ['stores', { stores: ['http://a.example'] }],
    ['two stores are the same', { stores: ['https://a.example', 'https://a.example'] }],
    ['relay', { relay: { url: 'ftp://x' } }],
    ['webPush', { webPush: { publicKey: 'x' } }],
    ['stores', { store: [] }],
  ])('an option that would not work is refused: %s', (said, wrong) => {
    expect(() => approvalPage({ ...OPTIONS, ...wrong })).toThrow(said);
  });

  test('tells the page nothing but its settings', async () => {
    const { publicKey } = vapidKeys();
    const { url } = await listen(approvalPage({ ...OPTIONS, services: 'any', webPush: { publicKey } }));
    const response = await fetch(`${url}/config.json`);
    expect(await response.json()).toEqual({
      services: 'any',
      stores: OPTIONS.stores,
      relay: OPTIONS.relay,
      webPush: { publicKey, path: '/xlock/push' },
    });
    expect(response.headers.get('content-security-policy')).toContain("connect-src 'self' https: ");
  });
});

describe('the share store', () => {
  const token = (name: string) => `Bearer ${Buffer.from(seedOf(name)).toString('base64url')}`;
  const backend = (url: string, name: string) => new HttpBackend({ url, authorization: token(name) });
  const start = async (options: ShareStoreOptions = {}) => (await listen(shareStore(options))).url;

  test('keeps what a token put, for that token', async () => {
    const url = await start();
    const [ada, eve] = [backend(url, 'ada'), backend(url, 'eve')];
    await ada.put('xlock-1', Uint8Array.of(1, 2, 3));
    expect(await ada.get('xlock-1')).toEqual(Uint8Array.of(1, 2, 3));
    expect(await eve.get('xlock-1')).toBeUndefined();
    await eve.put('xlock-1', Uint8Array.of(9));
    await eve.delete('xlock-1');
    expect(await ada.get('xlock-1')).toEqual(Uint8Array.of(1, 2, 3));
    await ada.delete('xlock-1');
    expect(await ada.get('xlock-1')).toBeUndefined();
  });

  test('knows neither names nor tokens, and is there after a restart', async () => {
    const store = new MemoryOperationsStore();
    await backend(await start({ store }), 'ada').put('xlock-ada', Uint8Array.of(7));
    const kept = JSON.stringify(await store.list('xlock-share'));
    expect(kept).not.toContain('xlock-ada');
    expect(kept).not.toContain(token('ada').slice(7));
    expect(await backend(await start({ store }), 'ada').get('xlock-ada')).toEqual(Uint8Array.of(7));
  });

  test('what is no share, no token, no name, or too often', async () => {
    const url = await start({ requestsPerMinute: 8 });
    const ask = async (path: string, init: RequestInit & { who?: string } = {}) => {
      const { who = token('ada'), ...rest } = init;
      return (await fetch(url + path, { ...rest, headers: { authorization: who } })).status;
    };
    expect(await ask('/xlock-1', { who: 'Bearer short' })).toBe(401);
    expect(await ask('/xlock-1', { who: 'Basic eA==' })).toBe(401);
    expect(await ask('/xlock-1', { method: 'PUT', body: 'x'.repeat(4097) })).toBe(413);
    expect(await ask('/xlock-1', { method: 'PUT' })).toBe(413);
    expect(await ask('/xlock-1', { method: 'PATCH' })).toBe(405);
    expect(await ask('/')).toBe(404);
    expect(await ask('/UPPER')).toBe(404);
    expect(await ask('/xlock-1')).toBe(404);
    const own = [];
    for (let count = 0; count < 5; count++) own.push(await ask('/xlock-1'));
    expect(own).toEqual([404, 404, 404, 404, 429]);
  });

  test('who sends no token uses up their own requests, and not those of others at the address', async () => {
    const url = await start({ requestsPerMinute: 2 });
    const ask = async (headers: Record<string, string>) =>
      (await fetch(`${url}/xlock-1`, { headers })).status;
    const strangers = [await ask({}), await ask({ authorization: 'Bearer x' }), await ask({})];
    expect(strangers).toEqual([401, 401, 429]);
    expect(await ask({ authorization: token('ada') })).toBe(404);
  });

  test('behind a proxy, requests are counted by the address that it wrote', async () => {
    const url = await start({ requestsPerMinute: 1, addressOf: forwardedAddress });
    const ask = async (address: string) =>
      (await fetch(`${url}/xlock-1`, { headers: { 'x-forwarded-for': `203.0.113.9, ${address}` } })).status;
    expect([await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('198.51.100.1')]).toEqual([
      401, 429, 401,
    ]);
    expect(() => shareStore({ addressOf: 7 as never })).toThrow(/addressOf/);
  });

  test('browsers may ask from the pages that are named, and from no other', async () => {
    const url = await start({ origins: ['https://approve.acme.com'] });
    const preflight = (origin: string) => fetch(`${url}/xlock-1`, { method: 'OPTIONS', headers: { origin } });
    const good = await preflight('https://approve.acme.com');
    expect([good.status, good.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://approve.acme.com',
    ]);
    const bad = await preflight('https://eve.example');
    expect([bad.status, bad.headers.get('access-control-allow-origin')]).toEqual([401, null]);
  });

  test('a store that fails says so', async () => {
    const store = new MemoryOperationsStore();
    Object.assign(store, { load: () => Promise.reject(new Error('down')) });
    const url = await start({ store });
    await expect(backend(url, 'ada').get('xlock-1')).rejects.toThrow('503');
    expect(() => shareStore({ origins: ['approve'] })).toThrow('origins');
    expect(await idOf(() => shareStore({ path: 'x' }))).toBe('INVALID_OPTION');
  });
});

describe('what browsers do another way', () => {
  test('hashes, keys and signatures are those of Node', async () => {
    const seed = seedOf('parts');
    const message = Buffer.from('message');
    const [ours, theirs] = [keyOfSeed(seed), onNode.keyOfSeed(seed)];
    expect(Buffer.from(ours.publicKey)).toEqual(Buffer.from(theirs.publicKey));
    expect(Buffer.from(ours.sign(message))).toEqual(Buffer.from(theirs.sign(message)));
    expect(Buffer.from(sha256('text'))).toEqual(Buffer.from(onNode.sha256('text')));
    const signature = theirs.sign(message);
    expect(signatureCheckerOf(ours.publicKey)(message, signature)).toBe(true);
    signature[0]! ^= 1;
    expect(signatureCheckerOf(ours.publicKey)(message, signature)).toBe(false);
    expect([isEqual(seed, Uint8Array.from(seed)), isEqual(seed, seedOf('other'))]).toEqual([true, false]);
    expect(isEqual(Uint8Array.of(0), new Uint8Array(0))).toBe(false);
  });

  test('a push that is pending: a login in time, and nothing else', async () => {
    const verifier = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('service') });
    const { text, id } = await verifier.createDecoyChallenge();
    expect(pushed(text)).toMatchObject({ id, origin: ORIGIN });
    expect(pushed((await verifier.createRegistrationChallenge()).text)).toBeUndefined();
    const said = JSON.parse(Buffer.from(text, 'base64url').toString());
    const forged = (more: object) => Buffer.from(JSON.stringify({ ...said, ...more })).toString('base64url');
    for (const more of [{ respondBy: 1 }, { respondBy: 9e15 }, { id: 'x' }, { origin: 'x' }])
      expect(pushed(forged(more))).toBeUndefined();
    for (const bad of ['', '%', 'bnVsbA']) expect(pushed(bad)).toBeUndefined();
    expect(approvalLink('https://approve.acme.com', text)).toBe(`https://approve.acme.com/#${text}`);
  });
});
