import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import Router from '@koa/router';
import type { DashboardOptions, DualModeAdapter } from '@private.me/xlink';
import type { DashboardSnapshot } from '@private.me/xlink/server';
import express from 'express';
import express4 from 'express4';
import Koa from 'koa';
// @ts-expect-error: version 2 has no types of its own here
import Koa2 from 'koa2';
import { type Answer, listen, type Sent, send } from '../support/http.js';
import { adapterOf, BASIC, KEY, PASSWORD } from './support.js';

type Options = DashboardOptions<never>;
type Mount = (adapter: DualModeAdapter, options: Options) => RequestListener;

const onExpress =
  (make: typeof express): Mount =>
  (adapter, options) => {
    const app = make();
    app.use('/xlink', adapter.dashboard(options as never));
    app.use(adapter.middleware());
    app.get('/orders', (_req, res) => void res.json({ orders: [] }));
    return app;
  };
const onKoa =
  (Make: typeof Koa): Mount =>
  (adapter, options) => {
    const app = new Make();
    app.use(adapter.koaDashboard({ ...options, path: '/xlink' } as never));
    app.use(adapter.koa());
    app.use((ctx) => {
      ctx.body = { orders: [] };
    });
    return app.callback();
  };

const FRAMEWORKS: readonly (readonly [string, Mount])[] = [
  ['Express 5', onExpress(express)],
  ['Express 4', onExpress(express4 as unknown as typeof express)],
  ['Koa 3', onKoa(Koa)],
  ['Koa 2', onKoa(Koa2 as unknown as typeof Koa)],
];

async function serve(mount: Mount, options: Options) {
  const adapter = await adapterOf();
  const { port } = await listen(createServer(mount(adapter, options)));
  const ask = (path: string, sent: Sent = {}) => send(port, { path, ...sent });
  return { adapter, port, ask };
}

const OPEN: Options = { unsafeOpenToEveryone: true };
const LOCKED: Options = { password: PASSWORD };

const POLICY_OF_THE_REST = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function expectGuarded({ headers }: Answer): void {
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'x-frame-options': 'DENY',
  });
  for (const name of ['etag', 'set-cookie', 'last-modified']) expect(headers).not.toHaveProperty(name);
}

const isPage = ({ status, text }: Answer): boolean => status === 200 && text.startsWith('<!doctype html>');
const figuresIn = ({ text }: Answer): DashboardSnapshot => JSON.parse(text);
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe.each(FRAMEWORKS)('%s', (_name, mount) => {
  test('the page: one document, and a policy that names exactly what is in it', async () => {
    const { ask } = await serve(mount, { ...OPEN, title: '<b>"A & B"</b>' });
    const page = await ask('/xlink');
    expect(isPage(page)).toBe(true);
    expectGuarded(page);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const blocks = (tag: string) =>
      [...page.text.matchAll(new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`, 'g'))].map(([, text]) => text!);
    const [scripts, styles] = [blocks('script'), blocks('style')];
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    expect(page.headers['content-security-policy']).toBe(
      [
        "default-src 'none'",
        `script-src ${hashOf(scripts[0]!)}`,
        `style-src ${hashOf(styles[0]!)}`,
        "connect-src 'self'",
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
      ].join('; '),
    );
    expect(page.text).toContain('<title>&lt;b&gt;&quot;A &amp; B&quot;&lt;/b&gt;</title>');
    const markup = page.text.replace(scripts[0]!, '').replace(styles[0]!, '');
    expect(markup.match(/\b(src|href|action|style|on\w+)=("[^"]*"|\S+)/g)).toEqual([
      'href="data:,"',
      'href="#main"',
      'href="?export=csv"',
      'href="?export=json"',
    ]);
    expect(scripts[0]).toContain('Permission is hereby granted, free of charge'); // what the license of uPlot asks for
  });

  test('the figures, of requests that were really sent', async () => {
    const { ask } = await serve(mount, OPEN);
    for (let i = 0; i < 3; i++)
      expect((await ask('/orders', { headers: { 'x-api-key': KEY } })).status).toBe(200);
    expect((await ask('/orders')).status).toBe(401);
    expect((await ask('/orders', { headers: { 'x-api-key': 'wrong' } })).status).toBe(401);
    const answer = await ask('/xlink?format=json');
    expectGuarded(answer);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-security-policy': POLICY_OF_THE_REST,
    });
    expect(figuresIn(answer)).toMatchObject({
      totals: { xlink: 0, apiKey: 3, refused: 2 },
      adoption: { share: 0, requests: 3 },
      clients: { rows: [{ name: 'acme', keyRequests: 3 }] },
      failures: [{ reason: 'API_KEY_INVALID' }, { reason: 'CREDENTIALS_MISSING' }],
    });
    expect(answer.text).not.toContain(KEY);
    expect(figuresIn(await ask('/xlink?format=json&search=nobody')).clients).toMatchObject({ matching: 0 });
  });

  test.each([
    ['GET', '/xlink', 200],
    ['GET', '/xlink/', 200],
    ['GET', '/xlink?', 200],
    ['GET', '/xlink/?format=json&search=%', 200],
    ['GET', '/xlink?format=xml', 200],
    ['HEAD', '/xlink', 200],
    ['HEAD', '/xlink?format=json', 200],
    ['GET', '/xlink/favicon.ico', 404],
    ['GET', '/xlink/index.html?format=json', 404],
    ['POST', '/xlink', 405],
    ['PUT', '/xlink?format=json', 405],
    ['DELETE', '/xlink', 405],
    ['OPTIONS', '/xlink', 405],
    ['POST', '/xlink/other', 404],
  ])('%s %s is %i, and without the password 401', async (method, path, status) => {
    const { ask, adapter } = await serve(mount, LOCKED);
    const body = method === 'POST' || method === 'PUT' ? { body: 'x'.repeat(100_000) } : {};
    const stranger = await ask(path, { method, ...body });
    expect(stranger.status).toBe(401);
    expect(stranger.headers['www-authenticate']).toBe('Basic realm="xLink dashboard", charset="UTF-8"');
    expectGuarded(stranger);
    const answer = await ask(path, { method, ...body, headers: { authorization: BASIC } });
    expect(answer.status).toBe(status);
    expectGuarded(answer);
    if (status === 405) expect(answer.headers['allow']).toBe('GET, HEAD');
    if (method === 'HEAD') expect(answer.text).toBe('');
    expect(adapter.getMetrics()).toMatchObject({ totalRequests: 0, failedAuth: 0 });
  });

  test('who may see it is asked with the request of the framework', async () => {
    const { ask } = await serve(mount, {
      authorize(raw: { headers: Record<string, string> }) {
        if (raw.headers['x-user'] === 'broken') throw new Error('the session store is down');
        return raw.headers['x-user'] === 'ada';
      },
    } as Options);
    const as = async (user: string) =>
      (await ask('/xlink?format=json', { headers: { 'x-user': user } })).status;
    expect([await as('ada'), await as('bea'), await as('broken')]).toEqual([200, 403, 503]);
    expect((await ask('/xlink')).text).toBe('You may not see this.\n');
  });

  test('what is not below it is none of its business', async () => {
    const { ask } = await serve(mount, LOCKED);
    for (const path of ['/', '/xlinks', '/xlinkx?format=json', '/orders'])
      expect((await ask(path)).headers['www-authenticate']).toMatch(/^Xlink realm="api"/);
  });
});

describe('places to mount it at', () => {
  const places: Record<string, [string, Mount]> = {
    'a router in a router': [
      '/ops/v1/xlink',
      (adapter, options) => {
        const [inner, outer] = [express.Router(), express.Router()];
        inner.use('/xlink', adapter.dashboard(options as never));
        outer.use('/v1', inner);
        return express().use('/ops', outer);
      },
    ],
    'an app in an app, with a parameter': [
      '/tenants/acme/xlink',
      (adapter, options) =>
        express().use('/tenants/:id', express().use('/xlink', adapter.dashboard(options as never))),
    ],
    'the root of an app': ['/', (adapter, options) => express().use(adapter.dashboard(options as never))],
    'Node alone': [
      '/',
      (adapter, options) => {
        const dashboard = adapter.dashboard(options as never);
        return (req, res) => dashboard(req as never, res, () => res.end('next'));
      },
    ],
    'a Koa app in an Express app': [
      '/inner/xlink',
      (adapter, options) => {
        const koa = new Koa().use(adapter.koaDashboard({ ...options, path: '/xlink/' } as never));
        return express().use('/inner', koa.callback());
      },
    ],
    'a router of Koa': [
      '/ops/xlink',
      (adapter, options) => {
        const router = new Router();
        router.all(
          '/ops/xlink{/*rest}',
          adapter.koaDashboard({ ...options, path: '/ops/xlink' } as never) as never,
        );
        return new Koa().use(router.routes()).callback();
      },
    ],
    'behind a proxy that takes a prefix off and one that adds one': [
      '/public/path/',
      (adapter, options) => {
        const app = express().use('/xlink', adapter.dashboard(options as never));
        return (req, res) => {
          req.url = req.url!.replace('/public/path', '/xlink');
          app(req, res);
        };
      },
    ],
  };

  test.each(Object.entries(places))('%s', async (_, [path, mount]) => {
    const { ask } = await serve(mount, OPEN);
    for (const at of path === '/' ? ['/'] : [path.replace(/\/$/, ''), `${path.replace(/\/$/, '')}/`]) {
      expect(isPage(await ask(at))).toBe(true);
      expect(figuresIn(await ask(`${at}?format=json`))).toMatchObject({ totals: { refused: 0 } });
    }
    expect((await ask(`${path.replace(/\/$/, '')}/more`)).status).toBe(404);
  });

  test('headers of others, such as those of helmet, do not soften its policy', async () => {
    const { ask } = await serve((adapter, options) => {
      const app = express();
      app.use((_req, res, next) => {
        res.setHeader('Content-Security-Policy', "default-src 'self' 'unsafe-inline'");
        next();
      });
      return app.use('/xlink', adapter.dashboard(options as never));
    }, OPEN);
    expect((await ask('/xlink')).headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'sha256-/,
    );
  });
});
