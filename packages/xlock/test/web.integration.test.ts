// The gate before web applications: Express 4 and 5, Koa 2 and 3, Fastify 4 and 5, over real HTTP.
import { request as httpRequest, type RequestListener } from 'node:http';
import { expect, test } from '@jest/globals';
import express from 'express';
import express4 from 'express4';
import fastify from 'fastify';
import fastify4 from 'fastify4';
import Koa from 'koa';
// @ts-expect-error: the types of this version are those of Koa 3
import Koa2 from 'koa2';
import {
  postAnswer,
  sessionOf,
  XlockGate,
  XlockVerifier,
  xlockExpress,
  xlockFastify,
  xlockKoa,
} from '../src/index.js';
import { type Mount, plain, service } from './gate-world.js';
import { deviceOf, idOf } from './support.js';

const FRAMEWORKS: Readonly<Record<string, Mount>> = {
  'Express 5': async (gate) => {
    const app = express().use(express.json()).use(xlockExpress(gate));
    return app.get('/*path', (request, response) => void response.json(sessionOf(request) ?? {}));
  },
  'Express 4': async (gate) => {
    const app = express4().use(xlockExpress(gate));
    return app.get('*', (request, response) => void response.json(sessionOf(request) ?? {})) as never;
  },
  'Koa 3': async (gate) => {
    const app = new Koa().use(xlockKoa(gate));
    app.use((context) => {
      context.body = sessionOf(context.req) ?? {};
    });
    return app.callback();
  },
  'Koa 2': async (gate) => {
    const app = new (Koa2 as typeof Koa)().use(xlockKoa(gate));
    app.use((context) => {
      context.body = sessionOf(context.req) ?? {};
    });
    return app.callback();
  },
  'Fastify 5': async (gate) => {
    const app = fastify();
    xlockFastify(app, gate);
    app.get('/*', async (request) => sessionOf(request.raw) ?? {});
    await app.ready();
    return app.routing as RequestListener;
  },
  'Fastify 4': async (gate) => {
    const app = fastify4();
    xlockFastify(app as never, gate);
    app.get('/*', async (request) => sessionOf(request.raw) ?? {});
    await app.ready();
    return app.routing as RequestListener;
  },
};

test.each(Object.keys(FRAMEWORKS))('%s: registered and logged in by HTTP, and out', async (name) => {
  const { verifier, registrations, browse, post } = await service(FRAMEWORKS[name]!);
  const device = await deviceOf('phone');
  expect(await browse('/orders')).toMatchObject({ status: 401, body: { code: 'SESSION_INVALID' } });
  const page = await browse('/orders', { headers: { accept: 'text/html,*/*' } });
  expect([page.status, page.headers.get('location')]).toEqual([303, '/login?next=%2Forders']);
  expect(await browse('/login')).toMatchObject({ status: 200, body: {} });

  const registration = await verifier.createRegistrationChallenge({ userId: 'ada' });
  await device.register(registration.links.https, { send: postAnswer });
  expect(registrations).toMatchObject([{ userId: 'ada', deviceName: 'phone' }]);

  const { status, body: login } = await post('/xlock/login', { userId: 'ada' });
  expect(status).toBe(201);
  expect(login).toMatchObject({ match: expect.stringMatching(/^\d\d$/), origin: verifier.origin });
  const waiting = browse(`/xlock/login/${login.id}`);
  await device.approve(login.link, { digits: login.match, send: postAnswer });
  const { headers, body } = await waiting;
  expect(body).toEqual({ state: 'approved' });
  for (const line of headers.getSetCookie()) expect(line).toMatch(/; HttpOnly; SameSite=Lax$/);
  expect(await browse('/orders')).toMatchObject({
    status: 200,
    body: { userId: 'ada', deviceId: device.id },
  });
  expect(await browse(`/xlock/login/${login.id}`)).toMatchObject({ status: 409 }); // redeemed once
  expect(await post('/xlock/logout', {})).toMatchObject({ status: 200 });
  expect(await browse('/orders')).toMatchObject({ status: 401 });
});

test('who is no user looks like anybody else', async () => {
  const { verifier, post, browse } = await service(plain, { waitMs: 20 });
  const device = await deviceOf('phone');
  const registration = await verifier.createRegistrationChallenge({ userId: 'ada' });
  await device.register(registration.text, { send: postAnswer });
  const [known, unknown] = [
    await post('/xlock/login', { userId: 'ada' }),
    await post('/xlock/login', { userId: 'bob' }),
  ];
  expect(Object.keys(unknown.body)).toEqual(Object.keys(known.body));
  expect([known.status, unknown.status]).toEqual([201, 201]);
  expect(await browse(`/xlock/login/${unknown.body.id}`)).toMatchObject({
    status: 200,
    body: { state: 'pending' },
  });
});

test('bad requests are answered, and nothing of them comes back', async () => {
  const { post, browse, url, cookies } = await service(plain);
  const bad = await browse('/xlock/login', { method: 'POST', body: '{"userId":' });
  expect(bad).toMatchObject({ status: 400, body: { id: 'REQUEST_INVALID' } });
  expect(await post('/xlock/login', { userId: 7 })).toMatchObject({ status: 400 });
  expect(await post('/xlock/login', { userId: 'x'.repeat(70_000) })).toMatchObject({ status: 413 });
  expect(await post('/xlock/login', { userId: 'ada' }, { origin: 'https://evil.net' })).toMatchObject({
    status: 403,
    body: { id: 'REQUEST_INVALID:ORIGIN' },
  });
  expect(await post('/xlock/answer', { decision: 'approved', secret: 'TOP' })).toMatchObject({
    status: 400,
    body: { id: 'RESPONSE_SIGNATURE_INVALID:FORM' },
  });
  expect(await browse('/xlock/none')).toMatchObject({ status: 404, body: { id: 'NOT_FOUND' } });
  cookies.set('xlock_session', `xls_${'A'.repeat(43)}`);
  expect(await browse('/orders')).toMatchObject({ status: 401, body: { id: 'SESSION_INVALID' } });
  // A browser that goes away while it waits.
  const { body } = await post('/xlock/login', { userId: 'ada' });
  const cookie = `xlock_browser=${cookies.get('xlock_browser')}`;
  const gone = httpRequest(`${url}/xlock/login/${body.id}`, { headers: { cookie } });
  gone.on('error', () => {}).end();
  await new Promise<void>((resolve) =>
    gone.once('socket', (socket) => socket.once('connect', () => resolve())),
  );
  gone.destroy();
  expect(await browse('/login')).toMatchObject({ status: 200 });
});

test('a denial reaches the browser', async () => {
  const { verifier, post, browse } = await service(plain);
  const device = await deviceOf('phone');
  const registration = await verifier.createRegistrationChallenge({ userId: 'ada' });
  await device.register(registration.text, { send: postAnswer });
  const { body } = await post('/xlock/login', { userId: 'ada' });
  const waiting = browse(`/xlock/login/${body.id}`);
  await device.deny(body.link, { send: postAnswer });
  expect(await waiting).toMatchObject({ status: 403, body: { code: 'RESPONSE_USER_REJECTED' } });
  const again = await post('/xlock/login', { userId: 'ada' });
  const wrong = again.body.match === '42' ? '43' : '42';
  const answering = device.approve(again.body.link, { digits: wrong, send: postAnswer });
  expect(await idOf(answering)).toBe('RESPONSE_USER_REJECTED:NUMBER');
});

test('options are checked', async () => {
  const verifier = new XlockVerifier({ origin: 'https://acme.com' });
  expect(() => new XlockGate({ verifier, loginPage: 'https://evil.net' })).toThrow(
    'loginPage must be a path',
  );
  expect(() => new XlockGate({ verifier, basepath: '/x' } as never)).toThrow('did you mean basePath?');
  expect(() => new XlockGate({} as never)).toThrow('verifier must be');
});
