import type { Request, RequestHandler, Response } from 'express';
import type { ExpressParts, Row } from '../row.js';
import type { Trace } from '../trace.js';
import { load, use } from './load.js';

// Well-known middleware of Express, in front of the adapter and behind it.

const text: RequestHandler = (_req, res) => void res.type('text').send('hello');
const long: RequestHandler = (_req, res) => void res.type('text').send('hello '.repeat(1000));
const cookieOf = ({ headers }: { headers: readonly (readonly [string, string])[] }): string =>
  headers
    .filter(([name]) => name.toLowerCase() === 'set-cookie')
    .map(([, value]) => value.split(';')[0])
    .join('; ');

/** A row with some middleware in front of the adapter, and one with it behind. */
function placed(
  name: string,
  make: (t: Trace) => RequestHandler[],
  handler: RequestHandler,
  more: Partial<Row> = {},
): Row[] {
  const row = (place: string, parts: (t: Trace) => Partial<ExpressParts>): Row => ({
    name: `${name}, ${place}`,
    express: (t) => ({ ...parts(t), handler }),
    ...more,
  });
  return [row('in front', (t) => ({ before: make(t) })), row('behind', (t) => ({ behind: make(t) }))];
}

const morgan = (t: Trace, options: object = {}): RequestHandler =>
  use(
    'morgan',
    ':method :url HTTP/:http-version :status :res[content-length] :res[content-type] :req[content-type]',
    {
      stream: { write: (line: string) => t.log.push(line) },
      ...options,
    },
  );

const MEASURED = { 'x-response-time': 'it is measured' };

/** A token in a cookie that a form repeats, in the way of csurf. */
const tokenCheck: RequestHandler = (req, res, next) => {
  if (req.method === 'GET') res.cookie('csrf', 'token-1', { httpOnly: true });
  else if (req.headers.cookie !== 'csrf=token-1' || req.headers['x-csrf-token'] !== 'token-1')
    return void res.sendStatus(403);
  next();
};

const twice = (_req: Request, res: Response) => {
  res.append('Set-Cookie', 'handler=1');
  res.json({ session: (_req as { session?: unknown }).session });
};

const session = (): RequestHandler =>
  use('express-session', {
    secret: 'secret',
    resave: false,
    saveUninitialized: true,
    genid: () => 'session-1',
  });
const cookieSession = (): RequestHandler => use('cookie-session', { name: 's', keys: ['secret'] });
const count: RequestHandler = (req, _res, next) => {
  const holder = (req as unknown as { session: { n?: number } }).session;
  holder.n = (holder.n ?? 0) + 1;
  next();
};
const compression = () => [use('compression', { threshold: 0 })];
const SEALED_METHOD = {
  'body form':
    'the header that overrides is sealed, so it is seen behind the adapter only (migration.md: where to put it)',
  'header form':
    'a method that was overridden is not the one that the envelope is bound to (migration.md: where to put it)',
};
const gzip = { headers: { 'accept-encoding': 'gzip, deflate' } };

export const MIDDLEWARE: readonly Row[] = [
  ...placed('helmet', () => [use('helmet')], text),
  ...placed(
    'cors',
    () => [use('cors', { origin: 'https://app.example', credentials: true, exposedHeaders: ['X-A'] })],
    text,
    {
      asks: { headers: { origin: 'https://app.example' } },
    },
  ),
  ...placed('a preflight that cors answers', () => [use('cors')], text, {
    asks: {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    },
  }),
  ...placed('compression', compression, long, { asks: gzip }),
  ...placed(
    'compression of a stream',
    compression,
    (_req, res) => {
      res.type('text');
      res.write('one ');
      (res as unknown as { flush(): void }).flush();
      setImmediate(() => {
        res.write('two ');
        res.end('three');
      });
    },
    { asks: gzip },
  ),
  ...placed('compression that is not asked for', compression, long),
  ...placed('compression to HEAD', compression, long, { asks: { ...gzip, method: 'HEAD' } }),
  {
    name: 'compression with Brotli, behind',
    asks: { headers: { 'accept-encoding': 'br, gzip' } },
    differs: {
      'header form':
        'the application is shown only the codings that every client undoes, gzip and deflate (PROTOCOL, 12.5)',
    },
    express: () => ({ behind: compression(), handler: long }),
  },
  ...placed('morgan', (t) => [morgan(t)], text),
  ...placed(
    'morgan of a stream',
    (t) => [morgan(t)],
    (_req, res) => {
      res.write('a');
      setImmediate(() => res.end('b'));
    },
  ),
  ...placed(
    'morgan of a fault',
    (t) => [morgan(t)],
    () => {
      throw Object.assign(new Error('teapot'), { status: 418 });
    },
  ),
  ...placed('morgan, at once', (t) => [morgan(t, { immediate: true })], text),
  ...placed('cookie-session', () => [cookieSession(), count], twice, {
    asks: [{}, (before) => ({ headers: { cookie: cookieOf(before) } })],
  }),
  ...placed(
    'cookie-session of a stream',
    () => [cookieSession(), count],
    (_req, res) => {
      res.write('a');
      res.end('b');
    },
  ),
  ...placed('express-session', () => [session(), count], twice, {
    asks: [{}, (before) => ({ headers: { cookie: cookieOf(before) } })],
  }),
  ...placed(
    'express-session that is saved late',
    () => [
      use('express-session', {
        secret: 'secret',
        resave: true,
        saveUninitialized: true,
        genid: () => 'session-1',
        store: slowStore(),
      }),
      count,
    ],
    twice,
    {
      only: {
        protocol: 'HTTP/1.1',
        why: 'express-session calls what HTTP/2 responses lack, so it fails there, adapter or not',
      },
    },
  ),
  ...placed('response-time', () => [use('response-time')], text, { values: MEASURED }),
  ...placed(
    'response-time of a stream',
    () => [use('response-time')],
    (_req, res) => void res.write('a', () => res.end()),
    { values: MEASURED },
  ),
  ...placed(
    'on-headers, three times',
    (t) =>
      [1, 2, 3].map(
        (n): RequestHandler =>
          (_req, res, next) => {
            load('on-headers')(res, () => {
              t.note(`hook ${n}`, res.statusCode, res.headersSent, res.getHeader('content-type'));
              res.setHeader(`X-Hook-${n}`, String(n));
              if (n === 2) res.statusCode = 201;
            });
            next();
          },
      ),
    text,
  ),
  ...placed(
    'express-rate-limit',
    () => [
      use('express-rate-limit', { windowMs: 60_000, limit: 1, standardHeaders: 'draft-7', validate: false }),
    ],
    text,
    {
      asks: [{}, {}],
      values: {
        ratelimit: 'it counts seconds',
        'x-ratelimit-reset': 'it counts seconds',
        'retry-after': 'it counts seconds',
      },
    },
  ),
  ...placed(
    'method-override',
    () => [use('method-override')],
    (req, res) =>
      void res.json({
        method: req.method,
        was: (req as unknown as { originalMethod: string }).originalMethod,
      }),
    { asks: { headers: { 'x-http-method-override': 'DELETE' }, body: 'a' } },
  ).map((row) => (row.name.endsWith('in front') ? { ...row, differs: SEALED_METHOD } : row)),
  ...placed('connect-timeout, in time', () => [use('connect-timeout', '5s')], text),
  ...placed(
    'connect-timeout, too late',
    () => [use('connect-timeout', '20ms', { respond: true })],
    (req, res) => {
      req.on('timeout', () => {
        res.locals['late'] = true;
      });
    },
  ),
  ...placed('a token in a cookie', () => [tokenCheck], text, {
    asks: [
      {},
      (before) => ({ headers: { cookie: cookieOf(before), 'x-csrf-token': 'token-1' }, body: 'a' }),
      { body: 'a' },
    ],
  }),
  ...placed(
    'write and end that are wrapped',
    (t) => [
      (_req, res, next) => {
        const { write, end, writeHead } = res;
        Object.assign(res, {
          write: (...args: unknown[]) => {
            t.note('write', String(args[0]));
            return (write as never as (...a: unknown[]) => unknown).apply(res, args);
          },
          end: (...args: unknown[]) => {
            t.note('end', String(args[0]));
            return (end as never as (...a: unknown[]) => unknown).apply(res, args);
          },
          writeHead: (...args: unknown[]) => {
            t.note('writeHead', args[0]);
            return (writeHead as never as (...a: unknown[]) => unknown).apply(res, args);
          },
        });
        next();
      },
    ],
    (_req, res) => {
      res.write('a');
      res.end('b');
    },
  ),
  ...placed(
    'a body that is changed on its way',
    () => [
      (_req, res, next) => {
        const send = res.send.bind(res);
        res.send = (body) => send(typeof body === 'string' ? body.toUpperCase() : body);
        next();
      },
    ],
    text,
  ),
];

/** Keeps sessions in memory, a moment later. */
function slowStore(): object {
  const { Store } = load('express-session') as { Store: new () => object };
  const kept = new Map<string, string>();
  return Object.assign(new Store(), {
    get: (id: string, then: (error: null, found?: object) => void) =>
      setTimeout(() => then(null, kept.has(id) ? JSON.parse(kept.get(id)!) : undefined), 5),
    set: (id: string, value: object, then: (error: null) => void) =>
      setTimeout(() => {
        kept.set(id, JSON.stringify(value));
        then(null);
      }, 5),
    touch: (_id: string, _value: object, then: (error: null) => void) => setTimeout(() => then(null), 5),
    destroy: (id: string, then: (error: null) => void) => {
      kept.delete(id);
      then(null);
    },
  });
}
