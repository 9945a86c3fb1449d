import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { signedRequest, xlinkMatchers } from '@private.me/xlink/testing';
import express from 'express';
import { afterTest } from '../support/after-test.js';
import { BuiltPackage } from '../support/built-package.js';
import { APPS, apiWith } from './apps.js';

expect.extend(xlinkMatchers);
declare module 'expect' {
  interface Matchers<R> extends Refusals<R> {}
}
type Refusals<R> = import('@private.me/xlink/testing').XlinkMatchers<R>;

const FORMS = [
  ['sealed', { form: 'envelope', encrypted: true }],
  ['header', { form: 'envelope', encrypted: false }],
  ['signature', { form: 'signature', encrypted: false }],
] as const;
const ORDER = { item: 7 };

describe.each(['Express 5', 'Express 4', 'Koa', 'Fastify'] as const)('%s, by supertest', (name) => {
  test.each(FORMS)('%s: who it is, the body and the query get to the handler', async (form, expected) => {
    const { app } = await apiWith(APPS[name]);
    const acme = signedRequest(app).as('acme', { scopes: ['orders'], form });
    const answer = await acme.post('/orders').query({ page: '2' }).send(ORDER).expect(200);
    expect(answer.body).toEqual({ client: 'acme', ...expected, body: ORDER, query: { page: '2' } });
    const read = await acme.get('/orders').expect(200);
    expect(read.body).toMatchObject({ client: 'acme', encrypted: false });
  });

  test('who lacks the scope, and who is a stranger, is refused', async () => {
    const { app } = await apiWith(APPS[name]);
    const { as, asStranger } = signedRequest(app);
    expect(await as('acme').get('/orders')).toBeRefused('SCOPE_DENIED', 403);
    expect(await asStranger().get('/orders')).toBeRefused('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY', 401);
  });
});

test('a whole form is sealed, files and all', async () => {
  const { app } = await apiWith((adapter) =>
    express()
      .use(adapter.middleware(), express.raw({ type: '*/*' }))
      .post('/files', (req, res) => void res.json({ type: req.get('content-type'), text: String(req.body) })),
  );
  const acme = signedRequest(app).as('acme', { scopes: ['*'] });
  const { body } = await acme
    .post('/files')
    .field('note', 'n')
    .attach('file', Buffer.from('content'), 'a.txt');
  expect(body.type).toMatch(/^multipart\/form-data; boundary=/);
  expect(body.text).toContain('filename="a.txt"');
  expect(body.text).toContain('content');
});

// Jest on Node 20 cannot load what light-my-request requires, so that runs in a process of its own.
test('Fastify by inject, and Express by light-my-request', () => {
  const copy = new BuiltPackage();
  afterTest(() => copy.remove());
  const program = copy.program(new URL('./inject.mjs', import.meta.url));
  expect(execFileSync(process.execPath, [program], { encoding: 'utf8' })).toBe('all is well\n');
});

test.each(FORMS)('Hono, by fetch: %s', async (form, expected) => {
  const { app } = await apiWith(APPS.Hono);
  const acme = signedRequest(app).as('acme', { scopes: ['orders'], form });
  const answer = await acme.fetch('/orders?page=2', { body: ORDER });
  expect(await answer.json()).toEqual({ client: 'acme', ...expected, body: ORDER, query: { page: '2' } });
});

test('a server that listens goes on listening', async () => {
  const { app } = await apiWith(APPS['Express 5']);
  const server = createServer(app as never).listen(0, '127.0.0.1');
  afterTest(() => server.close());
  const acme = signedRequest(server).as('acme', { scopes: ['orders'] });
  for (let count = 0; count < 2; count++) await acme.get('/orders').expect(200);
  expect(server.listening).toBe(true);
});

test('a revoked client is refused, also by the clock that stands still', async () => {
  const { app, adapter, clock } = await apiWith(APPS['Express 5']);
  const acme = signedRequest(app).as('acme', { scopes: ['orders'] });
  await acme.get('/orders').expect(200);
  clock.advance(3_600_000);
  await acme.get('/orders').expect(200);
  await adapter.revokeClient('acme');
  expect(await acme.get('/orders')).toBeRefused('VERIFICATION_FAILED:DID_REVOKED', 403);
});

test('an adapter in an app below another one is passed', async () => {
  const { app, adapter } = await apiWith(APPS['Express 5']);
  const outer = express()
    .use(adapter.wellKnown())
    .use('/v1', app as express.Express);
  expect((await signedRequest(outer).as('acme').get('/v1/orders')).text).toMatch(
    /no adapter is seen in this app/,
  );
  await signedRequest(outer, { adapter })
    .as('acme', { scopes: ['orders'] })
    .get('/v1/orders')
    .expect(200);
});

test('what does not fit is named', async () => {
  const { app } = await apiWith(APPS.Hono);
  const acme = signedRequest(app).as('acme');
  await expect(acme.inject('/orders')).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'app' });
  expect((await acme.get('/orders')).text).toMatch(/goes an app of Express/);
  expect(() => signedRequest(app).as('acme', { scope: [] as never })).toThrow(/scope/);
  expect(() => signedRequest(app).as('acme', { scops: ['a'] } as never)).toThrow(/scopes/);
});
