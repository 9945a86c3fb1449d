import { createServer, type RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import bodyParser from '@koa/bodyparser';
import { type DashboardOptions, type DualModeAdapter, MemoryClientStore } from '@private.me/xlink';
import express from 'express';
import express4 from 'express4';
import Koa from 'koa';
import { listen, send } from '../support/http.js';
import { adapterOf, clientRecord, PASSWORD } from './support.js';

type Options = DashboardOptions<never>;
type Mount = (adapter: DualModeAdapter, options: Options) => RequestListener;

const MOUNTS: readonly (readonly [string, Mount])[] = [
  ['Express 5', (adapter, options) => express().use('/xlink', adapter.dashboard(options as never))],
  [
    'Express 4 behind its JSON parser',
    (adapter, options) =>
      (express4 as unknown as typeof express)()
        .use(express4.json() as never)
        .use('/xlink', adapter.dashboard(options as never)),
  ],
  [
    'Koa',
    (adapter, options) =>
      new Koa().use(adapter.koaDashboard({ ...options, path: '/xlink' } as never)).callback(),
  ],
  [
    'Koa behind a body parser',
    (adapter, options) =>
      new Koa()
        .use(bodyParser())
        .use(adapter.koaDashboard({ ...options, path: '/xlink' } as never))
        .callback(),
  ],
];

const ACTION = { action: 'client-mode', client: 'acme', seen: 'hybrid', to: 'xlink-only', reason: 'agreed' };

async function serve(mount: Mount, options: Partial<Options> = {}) {
  const adapter = await adapterOf({
    clients: new MemoryClientStore([clientRecord('acme')]),
    observers: [() => {}],
  });
  const { port } = await listen(
    createServer(mount(adapter, { password: PASSWORD, actions: true, ...options } as Options)),
  );
  const host = `127.0.0.1:${port}`;
  const basic = (user: string) => `Basic ${Buffer.from(`${user}:${PASSWORD}`).toString('base64')}`;
  const post = async (body: unknown, headers: Record<string, string | undefined> = {}, method = 'POST') => {
    const all = {
      authorization: basic('ada'),
      'content-type': 'application/json',
      origin: `http://${host}`,
      'sec-fetch-site': 'same-origin',
      ...headers,
    };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await send(port, {
      path: '/xlink',
      method,
      headers: given as Record<string, string>,
      body: text,
    });
    const isJson = String(answer.headers['content-type']).startsWith('application/json');
    return { ...answer, json: isJson ? JSON.parse(answer.text) : {} };
  };
  const modeOfAcme = () => adapter.modeOf({ client: 'acme' });
  return { adapter, port, host, post, basic, modeOfAcme };
}

describe.each(MOUNTS)('actions in %s', (_, mount) => {
  test('are confirmed and done', async () => {
    const { post, modeOfAcme } = await serve(mount);
    const asked = await post(ACTION);
    expect(asked).toMatchObject({ status: 200, json: { confirm: expect.stringContaining('acme') } });
    expect(asked.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(modeOfAcme()).toBe('hybrid');
    const done = await post({ ...ACTION, token: asked.json.token });
    expect(done.json).toEqual({ done: 'The mode of the client is xlink-only now.' });
    expect(modeOfAcme()).toBe('xlink-only');
    expect((await post({ ...ACTION, token: asked.json.token })).status).toBe(409);
  });

  test('of another site, of no browser, or of a form are refused, with a token, too', async () => {
    const { post, host, modeOfAcme } = await serve(mount);
    const token = (await post(ACTION)).json.token;
    for (const headers of [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': undefined, origin: 'http://evil.example' },
      { 'sec-fetch-site': undefined, origin: `http://${host}.evil.example` },
      { 'sec-fetch-site': undefined, origin: 'null' },
      { origin: 'null' },
      { origin: undefined },
      { origin: undefined, 'sec-fetch-site': undefined },
      { 'sec-fetch-site': undefined, origin: 'not an origin' },
    ])
      expect(await post({ ...ACTION, token }, headers)).toMatchObject({ status: 403 });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', undefined])
      expect((await post({ ...ACTION, token }, { 'content-type': type })).status).toBe(415);
    expect(modeOfAcme()).toBe('hybrid');
    expect((await post({ ...ACTION, token })).status).toBe(200); // it was not used up by them
  });

  test('behind plain http, where browsers do not say the site, count by their origin', async () => {
    const { post } = await serve(mount);
    expect((await post(ACTION, { 'sec-fetch-site': undefined })).status).toBe(200);
  });

  test('are no reading', async () => {
    const { port, basic, post, modeOfAcme } = await serve(mount);
    const token = (await post(ACTION)).json.token;
    const query = new URLSearchParams({ ...ACTION, token });
    const got = await send(port, { path: `/xlink?${query}`, headers: { authorization: basic('ada') } });
    expect([got.status, got.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      expect(await post({ ...ACTION, token }, {}, method)).toMatchObject({ status: 405 });
    expect(modeOfAcme()).toBe('hybrid');
  });

  test('of readers and strangers are refused', async () => {
    const operatorOf = ({
      headers,
      req,
    }: {
      headers: Record<string, string>;
      req?: { headers: Record<string, string> };
    }) => {
      const user = (req?.headers ?? headers)['x-user'];
      if (user === 'broken') throw new Error('the directory is down');
      return user === 'ada' ? user : undefined;
    };
    const { post, basic, port, modeOfAcme } = await serve(mount, { operatorOf } as never);
    expect((await post(ACTION, { authorization: undefined })).status).toBe(401);
    for (const user of ['bea', 'broken', undefined])
      expect(await post(ACTION, { 'x-user': user })).toMatchObject({
        status: 403,
        json: { error: expect.stringContaining('not change') },
      });
    const token = (await post(ACTION, { 'x-user': 'ada' })).json.token;
    expect((await post({ ...ACTION, token }, { 'x-user': 'bea' })).status).toBe(403);
    const seenBy = async (user: string) => {
      const headers = { authorization: basic('anybody'), 'x-user': user };
      return JSON.parse((await send(port, { path: '/xlink?format=json', headers })).text).operator;
    };
    expect([await seenBy('ada'), await seenBy('bea'), await seenBy('broken')]).toEqual([
      'ada',
      undefined,
      undefined,
    ]);
    expect(modeOfAcme()).toBe('hybrid');
  });

  test('are off unless they are turned on', async () => {
    const { post, modeOfAcme } = await serve(mount, { actions: false });
    const refused = await post(ACTION);
    expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect(modeOfAcme()).toBe('hybrid');
  });

  test('that are no JSON, or too much, do nothing', async () => {
    const { post, modeOfAcme } = await serve(mount);
    for (const body of ['', 'null', '[]', '{"__proto__":{"action":"step"}}'])
      expect([400, 403]).toContain((await post(body)).status);
    expect((await post('{"action":')).status).toBeGreaterThanOrEqual(400); // a parser in front may answer
    expect((await post({ ...ACTION, reason: 'x'.repeat(200_000) })).status).toBeGreaterThanOrEqual(400);
    expect(modeOfAcme()).toBe('hybrid');
  });
});

test('a name is needed to act: that which was typed with the password', async () => {
  const { post, basic } = await serve(MOUNTS[0]![1]);
  expect((await post(ACTION, { authorization: basic('') })).status).toBe(403);
  expect((await post(ACTION, { authorization: basic('a\u202Eb') })).status).toBe(403);
  expect((await post(ACTION, { authorization: basic('Zoë') })).status).toBe(200);
});

test('every address with odd parameters shows something', async () => {
  const { port, basic } = await serve(MOUNTS[0]![1]);
  const values = [
    '',
    '%',
    '%00',
    '%FF',
    '..',
    '-1',
    '1e9',
    'x'.repeat(3000),
    '%3Cscript%3E',
    '__proto__',
    'constructor',
    'NaN',
  ];
  for (const name of [
    'search',
    'state',
    'sort',
    'order',
    'page',
    'client',
    'range',
    'format',
    'export',
    'constructor',
    '__proto__',
  ])
    for (const value of values)
      for (const base of ['', 'format=json&', 'export=csv&', 'export=json&']) {
        const path = `/xlink?${base}${name}=${value}&${name}=${value}`;
        const { status, text } = await send(port, { path, headers: { authorization: basic('ada') } });
        expect({ path, status, isEmpty: text === '' }).toEqual({ path, status: 200, isEmpty: false });
      }
});

test('the exports are files, and say so', async () => {
  const { port, basic } = await serve(MOUNTS[2]![1]);
  for (const [format, type] of [
    ['csv', 'text/csv; charset=utf-8; header=present'],
    ['json', 'application/json; charset=utf-8'],
  ]) {
    const path = `/xlink?export=${format}`;
    expect((await send(port, { path })).status).toBe(401);
    const { headers, text } = await send(port, { path, headers: { authorization: basic('ada') } });
    expect(headers['content-type']).toBe(type);
    expect(headers['content-disposition']).toMatch(
      /^attachment; filename="xlink-clients-\d{4}-\d\d-\d\d\.\w+"$/,
    );
    expect(text).toContain('acme');
  }
});
