import { Readable } from 'node:stream';
import type Koa from 'koa';
import type { KoaParts, Row } from '../row.js';
import type { Trace } from '../trace.js';
import { load, useKoa } from './load.js';

// Koa: bodies of every kind, errors, and its middleware in front of the adapter and behind it.

const boom = (status = 422) =>
  Object.assign(new Error('boom'), { status, expose: true, headers: { 'X-Error': '1' } });

const answers = (name: string, handler: Koa.Middleware, more: Partial<Row> = {}): Row => ({
  name: `Koa: ${name}`,
  koa: () => ({ handler }),
  ...more,
});

function placed(
  name: string,
  make: (t: Trace) => Koa.Middleware[],
  handler: Koa.Middleware,
  more: Partial<Row> = {},
  set?: KoaParts['set'],
): Row[] {
  const row = (place: string, parts: (t: Trace) => Partial<KoaParts>): Row => ({
    name: `Koa: ${name}, ${place}`,
    koa: (t) => ({ ...parts(t), handler, ...(set ? { set } : {}) }),
    ...more,
  });
  return [row('in front', (t) => ({ before: make(t) })), row('behind', (t) => ({ behind: make(t) }))];
}

const hello: Koa.Middleware = (ctx) => {
  ctx.body = 'hello '.repeat(1000);
};

const HEAD = {
  asks: { method: 'HEAD' },
  only: { protocol: 'HTTP/1.1', why: 'Koa 2 never answers HEAD over HTTP/2, adapter or not' },
} as const;

export const KOA: readonly Row[] = [
  answers('a text', hello),
  answers('HTML', (ctx) => void (ctx.body = '<a>')),
  answers('bytes', (ctx) => void (ctx.body = Buffer.from([0, 255]))),
  answers('an object', (ctx) => void (ctx.body = { a: [1, 'é'] })),
  answers('null', (ctx) => void (ctx.body = null)),
  answers('null of a JSON type', (ctx) => {
    ctx.type = 'json';
    ctx.body = null;
  }),
  answers('nothing: 404', () => {}),
  answers('a status alone', (ctx) => void (ctx.status = 202)),
  answers('a stream', (ctx) => void (ctx.body = Readable.from(['a,', 'b,', 'c']))),
  answers('a file', async (ctx) => {
    const { createReadStream } = await import('node:fs');
    ctx.type = 'json';
    ctx.body = createReadStream('tsconfig.json');
  }),
  answers('a stream with a length', (ctx) => {
    ctx.length = 4;
    ctx.body = Readable.from(['te', 'xt'], { objectMode: false });
    ctx.length = 4;
  }),
  answers('HEAD of a text', hello, HEAD),
  answers('HEAD of an object', (ctx) => void (ctx.body = { a: 1 }), HEAD),
  answers('204 over a body', (ctx) => {
    ctx.body = 'a';
    ctx.status = 204;
  }),
  answers('304', (ctx) => void (ctx.status = 304)),
  answers(
    'a fresh ETag',
    (ctx) => {
      ctx.etag = '1';
      ctx.body = 'a';
      ctx.status = 200;
      if (ctx.fresh) ctx.status = 304;
    },
    { asks: { headers: { 'if-none-match': '"1"' } } },
  ),
  answers('a redirect', (ctx) => ctx.redirect('/elsewhere')),
  answers('an attachment', (ctx) => {
    ctx.attachment('a.csv');
    ctx.body = 'a';
  }),
  answers('cookies', (ctx) => {
    ctx.cookies.set('a', '1');
    ctx.cookies.set('b', '2', { httpOnly: false, sameSite: 'lax' });
    ctx.body = 'a';
  }),
  answers('append and vary', (ctx) => {
    ctx.append('X-A', '1');
    ctx.append('X-A', ['2', '3']);
    ctx.vary('Origin');
    ctx.body = 'a';
  }),
  answers('ctx.throw', (ctx) => ctx.throw(409, 'conflict')),
  answers('ctx.throw of a fault', (ctx) => ctx.throw(500, 'secret')),
  answers('ctx.assert', (ctx) => ctx.assert(false, 401, 'who')),
  answers('an error with headers', (ctx) => {
    ctx.set('X-A', '1');
    throw boom();
  }),
  answers('an error that is none', () => Promise.reject('text')),
  answers('an error behind a body', (ctx) => {
    ctx.body = 'a';
    throw boom(503);
  }),
  answers('a promise that takes its time', async (ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    ctx.body = 'a';
  }),
  answers('ctx.flushHeaders', (ctx) => {
    ctx.set('X-A', '1');
    ctx.status = 200;
    ctx.flushHeaders();
    ctx.body = 'a';
  }),
  {
    name: 'Koa: ctx.respond = false',
    koa: (t) => ({
      handler: (ctx) => {
        ctx.respond = false;
        ctx.res.writeHead(203, { 'X-A': '1' });
        ctx.res.write(
          'a',
          t.called('write', () => ctx.res.end('b')),
        );
        t.note('ctx', ctx.headerSent, ctx.writable);
      },
    }),
  },
  {
    name: 'Koa: server-sent events by a stream',
    koa: (t) => ({
      handler: (ctx) => {
        ctx.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
        ctx.body = Readable.from(
          (async function* () {
            for (let n = 0; n < 3; n++) {
              yield `data: ${n}\n\n`;
              await new Promise(setImmediate);
            }
            t.note('all events');
          })(),
        );
      },
    }),
  },
  {
    name: 'Koa: the order of middleware and its errors',
    koa: (t) => {
      const stage =
        (name: string): Koa.Middleware =>
        async (ctx, next) => {
          t.note(`${name} in`, ctx.status, ctx.headerSent);
          try {
            await next();
          } catch (error) {
            t.note(`${name} caught`, (error as Error).message);
            if (name === 'first') {
              ctx.status = 418;
              ctx.body = { error: (error as Error).message };
            } else throw error;
          }
          t.note(`${name} out`, ctx.status, ctx.headerSent);
        };
      return {
        before: [stage('first'), stage('second')],
        behind: [stage('third')],
        handler: () => Promise.reject(boom()),
      };
    },
  },
  {
    name: 'Koa: the order of middleware around a body that is changed',
    koa: (t) => {
      const stage =
        (name: string): Koa.Middleware =>
        async (ctx, next) => {
          await next();
          t.note(name, ctx.body);
          ctx.body = `${ctx.body} ${name}`;
        };
      return {
        before: [stage('before')],
        behind: [stage('behind')],
        handler: (ctx) => void (ctx.body = 'a'),
      };
    },
  },
  {
    name: 'Koa: what a request says',
    asks: {
      path: '/a/b?q=1&q=2',
      headers: { accept: 'text/html, application/json;q=0.5', 'x-a': '1', cookie: 'a=1' },
      body: 'text',
    },
    koa: (t) => ({
      handler: (ctx) => {
        t.request(ctx.req);
        const { method, url, path, query, type, length, host, protocol, ip, fresh, idempotent } = ctx.request;
        ctx.body = {
          method,
          url,
          path,
          query,
          type,
          length,
          host,
          protocol,
          ip,
          fresh,
          idempotent,
          accepts: ctx.accepts('json', 'html'),
          cookie: ctx.cookies.get('a'),
          is: ctx.is('text'),
        };
      },
    }),
  },
  ...(
    [
      ['JSON', 'application/json', '{"a":1.0}'],
      ['a form', 'application/x-www-form-urlencoded', 'a=1&b=x+y'],
      ['text', 'text/plain', 'text'],
    ] as const
  ).map(
    ([name, type, body]): Row => ({
      name: `Koa: koa-bodyparser behind, ${name}`,
      ...(name === 'JSON'
        ? {
            differs: {
              'body form':
                'the adapter sets ctx.request.body of JSON, as documented, so the parser leaves rawBody alone',
            },
          }
        : {}),
      asks: { headers: { 'content-type': type }, body },
      koa: (t) => ({
        behind: [useKoa('koa-bodyparser', { enableTypes: ['json', 'form', 'text'] })],
        handler: (ctx) => {
          const { body, rawBody } = ctx.request as unknown as { body: unknown; rawBody: unknown };
          t.request(ctx.req, { body, rawBody });
          ctx.body = { body };
        },
      }),
    }),
  ),
  ...placed('cors', () => [useKoa('@koa/cors', { credentials: true })], hello, {
    asks: { headers: { origin: 'https://app.example' } },
  }),
  ...placed(
    'cors and an error',
    () => [useKoa('@koa/cors')],
    () => Promise.reject(boom()),
    { asks: { headers: { origin: 'https://app.example' } } },
  ),
  ...placed('koa-compress', () => [useKoa('koa-compress', { threshold: 0, br: false })], hello, {
    asks: { headers: { 'accept-encoding': 'gzip, deflate' } },
  }),
  ...placed(
    'koa-compress of a stream',
    () => [useKoa('koa-compress', { threshold: 0, br: false })],
    (ctx) => {
      ctx.type = 'text';
      ctx.body = Readable.from(['a,', 'b']);
    },
    { asks: { headers: { 'accept-encoding': 'gzip' } } },
  ),
  ...placed(
    'on-headers',
    (t) => [
      async (ctx, next) => {
        load('on-headers')(ctx.res, () => {
          t.note('hook', ctx.res.statusCode, ctx.res.getHeader('content-type'));
          ctx.res.setHeader('X-Hook', '1');
        });
        await next();
      },
    ],
    hello,
  ),
  ...placed(
    'an access log',
    (t) => [
      async (ctx, next) => {
        ctx.res.once('finish', () =>
          t.log.push(
            `${ctx.method} ${ctx.url} ${ctx.status} ${ctx.length ?? '-'} ${ctx.res.getHeader('content-length')}`,
          ),
        );
        await next();
      },
    ],
    hello,
  ),
  ...placed(
    'a time limit',
    () => [
      async (ctx, next) => {
        const late = new Promise<never>((_, reject) => setTimeout(() => reject(boom(503)), 20));
        await Promise.race([next(), late.catch((error) => ctx.throw(503, error.message))]);
      },
    ],
    () => new Promise<void>(() => {}),
  ),
];
