// The gate: who passes, what its pages and links lead to, and what it says where something is wrong.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import express from 'express';
import { postAnswer, sessionOf, XlockGate, XlockVerifier, xlockExpress } from '../src/index.js';
import { type Mount, plain, service } from './gate-world.js';
import { deviceOf, identityOf, listen } from './support.js';

const HTML = { accept: 'text/html' };

async function withAda(...options: Parameters<typeof service>) {
  const here = await service(...options);
  const device = await deviceOf('phone');
  const { text } = await here.verifier.createRegistrationChallenge({ userId: 'ada' });
  await device.register(text, { send: postAnswer });
  const approve = async ({ appLink, match }: { appLink: string; match: string }) =>
    device.approve(appLink, { digits: match, send: postAnswer });
  return { ...here, device, approve };
}

test('a service without a page of its own: the login page of the gate leads back to what was asked for', async () => {
  const { browse, url } = await withAda(plain, { loginPage: undefined });
  const asked = await browse('/orders?of=may', { headers: HTML });
  expect(asked.headers.get('location')).toBe('/xlock/sign-in?next=%2Forders%3Fof%3Dmay');
  const page = await browse(asked.headers.get('location')!);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.text).toContain('data-base="/xlock" data-next="/orders?of=may"');
  expect(page.text).not.toContain('id="cancel"');
  for (const next of [
    '//evil.net',
    '/\\\\evil.net',
    'https://evil.net',
    'javascript:alert(1)',
    '/\t/evil.net',
    '/.//evil.net',
    '/..//evil.net',
    '/%2e//evil.net',
  ])
    expect((await browse(`/xlock/sign-in?next=${encodeURIComponent(next)}`)).text).toContain('data-next="/"');
  expect(await browse('/orders')).toMatchObject({ status: 401 }); // a program is not sent anywhere
  const strict = new XlockGate({ verifier: new XlockVerifier({ origin: url }), loginPage: false });
  const { url: other } = await listen(await plain(strict));
  expect((await fetch(other, { headers: HTML })).status).toBe(401);
});

test('two tabs of one browser log in beside each other', async () => {
  const { post, browse, approve, cookies } = await withAda(plain);
  const [first, second] = [
    await post('/xlock/login', { userId: 'ada' }),
    await post('/xlock/login', { userId: 'ada' }),
  ];
  await approve(first.body);
  expect(await browse(`/xlock/login/${first.body.id}`)).toMatchObject({ body: { state: 'approved' } });
  await approve(second.body);
  expect(await browse(`/xlock/login/${second.body.id}`)).toMatchObject({ body: { state: 'approved' } });
  await post('/xlock/logout', {});
  expect([...cookies.values()]).toEqual(['', '']); // and the next user of the browser begins anew
});

test('links that phones scan lead to a page, or to the approval page', async () => {
  const { browse, post, verifier, url } = await withAda(plain);
  const { body } = await post('/xlock/login', { userId: 'ada' });
  const { links } = await verifier.createRegistrationChallenge({ userId: 'bob' });
  for (const link of [body.link as string, links.https]) {
    const page = await browse(link.slice(url.length), { headers: HTML });
    expect([page.status, page.headers.get('referrer-policy')]).toEqual([200, 'no-referrer']);
    expect(page.text).toContain('xlock://');
  }
  const bad = await browse('/.well-known/xlock/auth?challenge=AAAA', { headers: HTML });
  expect([bad.status, bad.text.includes('AAAA')]).toEqual([400, false]);
  expect(await browse('/.well-known/xlock/auth?challenge=AAAA')).toMatchObject({
    body: { id: 'CHALLENGE_INVALID' },
  });
  // Anybody can sign a challenge that names this address.
  const other = new XlockVerifier({ origin: url, identity: await identityOf('mallory') });
  const { links: forged } = await other.createRegistrationChallenge({ userId: 'bob' });
  expect(await browse(forged.https.slice(url.length))).toMatchObject({
    status: 400,
    body: { id: 'CHALLENGE_INVALID' },
  });
  const phone = await withAda(plain, { approvalPage: 'https://approve.acme.com' });
  const login = await phone.post('/xlock/login', { userId: 'ada' });
  expect(login.body.link).toBe(`https://approve.acme.com/#${login.body.text}`);
  const { links: scanned, text } = await phone.verifier.createRegistrationChallenge({ userId: 'bob' });
  const led = await phone.browse(scanned.https.slice(phone.url.length));
  expect([led.status, led.headers.get('location')]).toEqual([303, `https://approve.acme.com/#${text}`]);
});

const shop: Mount = async (gate) =>
  express()
    .use(xlockExpress(gate))
    .get(
      '/{*path}',
      (request, response) => void response.json({ in: sessionOf(request.socket as never) ?? true }),
    );

/** The status of a request whose target is sent as it stands. */
async function statusOf(url: string, target: string): Promise<number> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(first.toString().split(' ')[1]);
}

test('only what is said to be public is: no promise, no truthy value, no other way to write a path', async () => {
  const failed: unknown[] = [];
  const isPublics: Record<string, (path: string) => unknown> = {
    'a promise of false': async () => false,
    'a truthy value': () => 'yes',
    'one that throws': () => {
      throw new Error('mine');
    },
  };
  for (const isPublic of Object.values(isPublics)) {
    const { url } = await service(shop, { isPublic, onError: (error: Error) => failed.push(error.message) });
    expect(await statusOf(url, '/admin')).toBe(401);
  }
  expect(failed).toEqual(['mine']);
  const later = await service(shop, { isPublic: async (path: string) => path === '/about' });
  expect([await statusOf(later.url, '/about'), await statusOf(later.url, '/admin')]).toEqual([200, 401]);
  const all = await service(shop, { isPublic: (path: string) => !path.startsWith('/admin') });
  expect(await statusOf(all.url, '/about')).toBe(200);
  for (const target of [
    'http://x/admin',
    '//admin',
    '/%2fadmin',
    '/./admin',
    '/x/../admin',
    '/x%2f..%2fadmin',
    '/\\admin',
  ])
    expect([target, await statusOf(all.url, target)]).toEqual([target, 401]);
  // A router behind reads the path as it stands: dots are not resolved before it is looked at.
  const one = await service(shop, { isPublic: (path: string) => path === '/about', loginPage: '/login' });
  for (const target of ['/about', 'http://x/about', '/login', 'http://x/login'])
    expect([target, await statusOf(one.url, target)]).toEqual([target, 200]);
  for (const path of ['/admin/../about', '/admin/%2e%2e/about', '/admin/../login', '/admin/%2e%2e/login'])
    expect([path, await statusOf(one.url, `http://x${path}`)]).toEqual([path, 401]);
});

test('over https a cookie without __Host- counts for nothing: a sibling host could have set it', async () => {
  const verifier = new XlockVerifier({ origin: 'https://acme.com', identity: await identityOf('shop') });
  const { url } = await listen(await plain(new XlockGate({ verifier })));
  const device = await deviceOf('phone');
  const { text } = await verifier.createRegistrationChallenge({ userId: 'mallory' });
  const { value } = await verifier.verifyRegistration(await device.register(text));
  const { token } = await verifier.beginSession(value!);
  const status = async (cookie: string) => (await fetch(url, { headers: { cookie } })).status;
  expect(await status(`__Host-xlock_session=${token}`)).toBe(200);
  expect(await status(`xlock_session=${token}`)).toBe(401);
  // Nor does a link that somebody sent log a browser in.
  const login = await fetch(`${url}/xlock/login`, { method: 'POST', body: '{"userId":"mallory"}' });
  const { id } = (await login.json()) as { id: string };
  const site = { 'sec-fetch-site': 'cross-site' };
  expect((await fetch(`${url}/xlock/login/${id}`, { headers: site })).status).toBe(403);
});

test('cookies of two applications at one host have names of their own', async () => {
  const { cookies, post } = await withAda(plain, { cookiePrefix: 'shop' });
  await post('/xlock/login', { userId: 'ada' });
  expect([...cookies.keys()]).toEqual(['shop_browser']);
});

test('an upgrade needs a session, and a page of this origin', async () => {
  const { post, browse, approve, cookies, gate, url } = await withAda(plain);
  const upgraded = async (headers: Record<string, string>) => {
    let found: unknown;
    const { server, url: at } = await listen(() => {});
    server.on('upgrade', async (request, socket) => {
      found = await gate.upgrade(request);
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
    });
    const asking = httpRequest(at, { headers: { connection: 'upgrade', upgrade: 'websocket', ...headers } });
    asking.end();
    const [response] = await once(asking, 'response');
    response.resume();
    return found;
  };
  expect(await upgraded({})).toBeUndefined();
  const { body } = await post('/xlock/login', { userId: 'ada' });
  await approve(body);
  await browse(`/xlock/login/${body.id}`);
  const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
  expect(await upgraded({ cookie, origin: url })).toMatchObject({ userId: 'ada' });
  expect(await upgraded({ cookie, origin: 'https://evil.net' })).toBeUndefined();
});

test('errors name the field, and what was expected', async () => {
  const { browse, post } = await service(plain);
  const none = await browse('/xlock/login', { method: 'POST' });
  expect(none.body).toMatchObject({ field: 'body', resolution: expect.stringContaining('application/json') });
  expect((await post('/xlock/login', {})).body).toMatchObject({
    field: 'userId',
    resolution: 'userId must be a text of 1 to 256 characters.',
  });
  expect(await post('/xlock/login', { userId: 'x'.repeat(70_000) })).toMatchObject({
    status: 413,
    body: { id: 'REQUEST_INVALID:SIZE' },
  });
  const text: Mount = async (gate) =>
    express()
      .use(express.text({ type: '*/*' }))
      .use(xlockExpress(gate));
  const parsed = await service(text);
  expect(await parsed.post('/xlock/login', { userId: 'ada' })).toMatchObject({ status: 201 });
});

test('callbacks that throw, and what they say, end no login; the operator is told', async () => {
  const told: string[] = [];
  const onError = (error: Error) => {
    told.push(error.message);
    throw new Error('and this one is not caught');
  };
  const agents = ['Mozilla/5.0 '.repeat(40), 'a\u0007b', '', undefined];
  const metadataOf = () => ({ agent: agents.shift(), 'not a name': 'x', n: 7 });
  const onRegistered = () => {
    throw new Error('registered');
  };
  const here = await withAda(plain, { onError, onRegistered, metadataOf });
  expect(told).toEqual(['registered']);
  const seen = async () => {
    const { body } = await here.post('/xlock/login', { userId: 'ada' });
    return (await here.device.view(body.text)).metadata;
  };
  expect(await seen()).toEqual({ agent: 'Mozilla/5.0 '.repeat(40).slice(0, 200), n: '7' });
  expect(await seen()).toEqual({ agent: 'ab', n: '7' });
  expect(await seen()).toEqual({ n: '7' });
  expect(await seen()).toEqual({ n: '7' });
  const broken = await withAda(plain, {
    onError,
    metadataOf: () => {
      throw new Error('no metadata');
    },
  });
  expect((await broken.post('/xlock/login', { userId: 'ada' })).status).toBe(201);
  expect(told.at(-1)).toBe('no metadata');
  broken.verifier.createLoginChallenge = () => Promise.reject(new Error('disk of /var/secret'));
  const failed = await broken.post('/xlock/login', { userId: 'ada' });
  expect(failed).toMatchObject({ status: 500, body: { id: 'INTERNAL' } });
  expect(failed.text).not.toMatch(/secret|cause/);
  expect(told.at(-1)).toBe('disk of /var/secret');
});

test('logins from one address are limited, whoever they are for', async () => {
  const addresses: string[] = [];
  const addressOf = () => addresses[0];
  const { post } = await withAda(plain, { loginsPerAddress: 2, addressOf });
  addresses.unshift('203.0.113.7');
  const statuses = [];
  for (const userId of ['ada', 'nobody', 'ada', 'nobody'])
    statuses.push((await post('/xlock/login', { userId })).status);
  expect(statuses).toEqual([201, 201, 429, 429]);
  addresses.unshift('203.0.113.8');
  expect((await post('/xlock/login', { userId: 'ada' })).status).toBe(201);
});

test('below a prefix: of a proxy that cuts it off, and of a router', async () => {
  const verifier = new XlockVerifier({
    origin: 'https://acme.com',
    answerPath: '/shop/xlock/answer',
    identity: await identityOf('shop'),
  });
  const cut = new XlockGate({ verifier, publicPrefix: '/shop' });
  const { url } = await listen(await plain(cut));
  const asked = await fetch(`${url}/orders`, { headers: HTML, redirect: 'manual' });
  expect(asked.headers.get('location')).toBe('/shop/xlock/sign-in?next=%2Fshop%2Forders');
  const page = await (await fetch(`${url}/xlock/sign-in?next=%2Fshop%2Forders`)).text();
  expect(page).toContain('data-base="/shop/xlock" data-next="/shop/orders"');
  const router = express.Router().use(xlockExpress({ verifier, basePath: '/shop/xlock' }));
  const { url: routed } = await listen(express().use('/shop', router) as never);
  const led = await fetch(`${routed}/shop/orders`, { headers: HTML, redirect: 'manual' });
  expect(led.headers.get('location')).toBe('/shop/xlock/sign-in?next=%2Fshop%2Forders');
  expect((await fetch(`${routed}${led.headers.get('location')}`)).status).toBe(200);
  // What does not fit is said at once, and not by a device that gets no answer through.
  expect(() => new XlockGate({ verifier })).toThrow('which must be /xlock/answer');
  expect(() => new XlockGate({ verifier, publicPrefix: '/shop', loginPage: '/shop/login' })).toThrow(
    'loginPage must be without publicPrefix',
  );
});

test('options of the gate are checked', () => {
  const verifier = new XlockVerifier({ origin: 'https://acme.com' });
  for (const options of [
    { waitMs: 'x' },
    { waitMs: 1e12 },
    { loginPage: '//evil.net' },
    { approvalPage: 'https://acme.com' },
    { approvalPage: 'approve.acme.com' },
    { cookiePrefix: 'a=b' },
    { publicPrefix: '/shop/' },
    { onError: 1 },
  ])
    expect(() => new XlockGate({ verifier, ...options } as never)).toThrow('must be');
});
