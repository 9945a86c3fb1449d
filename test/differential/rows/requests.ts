import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestHandler } from 'express';
import express from 'express';
import type { Ask, Row } from '../row.js';
import { load, use } from './load.js';

// What applications see of requests: bodies of every type, parsers in front and behind, headers in all their forms.

const TYPES: readonly [string, Ask][] = [
  [
    'JSON',
    { headers: { 'content-type': 'application/json' }, body: '{"b":1.0,"a":[1,2,"\u00e9"],"b2":1e2}' },
  ],
  [
    'JSON with a charset',
    { headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"a":1}' },
  ],
  ['JSON that is broken', { headers: { 'content-type': 'application/json' }, body: '{"a":' }],
  ['JSON that is a text', { headers: { 'content-type': 'application/json' }, body: '"a"' }],
  [
    'merge-patch',
    { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: '{"a":null}' },
  ],
  [
    'json-patch',
    {
      method: 'PATCH',
      headers: { 'content-type': 'application/json-patch+json' },
      body: '[{"op":"remove","path":"/a"}]',
    },
  ],
  [
    'a form',
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1&b=x+y&c[]=1&c[]=2' },
  ],
  ['text', { headers: { 'content-type': 'text/plain' }, body: 'text' }],
  [
    'text of latin1',
    {
      headers: { 'content-type': 'text/plain; charset=iso-8859-1' },
      body: Buffer.from('caf\u00e9', 'latin1'),
    },
  ],
  ['XML', { method: 'PUT', headers: { 'content-type': 'application/xml' }, body: '<a b="c"/>' }],
  [
    'bytes',
    { headers: { 'content-type': 'application/octet-stream' }, body: Buffer.from([0, 1, 255, 254, 10, 13]) },
  ],
  ['bytes without a type', { body: Buffer.from([0, 255]) }],
  ['200 kB', { headers: { 'content-type': 'application/octet-stream' }, body: Buffer.alloc(200_000, 'abc') }],
  ['nothing, of a type', { method: 'POST', headers: { 'content-type': 'application/json' } }],
  [
    'DELETE with a body',
    { method: 'DELETE', headers: { 'content-type': 'application/json' }, body: '{"a":1}' },
  ],
];

const MULTIPART: Ask = {
  headers: { 'content-type': 'multipart/form-data; boundary=border' },
  body: Buffer.from(
    [
      '--border',
      'Content-Disposition: form-data; name="title"',
      '',
      'a title',
      '--border',
      'Content-Disposition: form-data; name="file"; filename="a.bin"',
      'Content-Type: application/octet-stream',
      '',
      '\u0000\u00ff\u0001',
      '--border--',
      '',
    ].join('\r\n'),
    'latin1',
  ),
};

const parsers = (): RequestHandler[] => [
  express.json({ type: ['json', '+json'] }),
  express.urlencoded({ extended: true }),
  express.text(),
  express.raw({ limit: '1mb', type: ['application/octet-stream', 'application/xml'] }),
];

const UNPARSED = {
  'body form':
    'a parser in front of the adapter sees an envelope, which is not for it, and behind it nobody parses (migration.md: where to put it)',
};
const EATEN = {
  'header form':
    'a parser in front of the adapter has eaten the bytes that were signed: BODY_CONSUMED (migration.md: where to put it)',
};

export const REQUESTS: readonly Row[] = [
  ...TYPES.flatMap(([name, asks]): Row[] => [
    {
      name: `${name}, to a handler that reads it itself`,
      asks,
      node: (t) => async (req, res) => {
        const chunks: Buffer[] = [];
        for await (const chunk of req) chunks.push(chunk as Buffer);
        const bytes = Buffer.concat(chunks);
        t.request(req, { body: bytes.toString('base64'), complete: req.complete, ended: req.readableEnded });
        res.end(bytes);
      },
    },
    {
      name: `${name}, to parsers behind the adapter`,
      ...(name === 'bytes without a type'
        ? {
            differs: {
              'body form': 'in Express `req.body` has the bytes that no parser takes, as documented',
            },
          }
        : {}),
      asks,
      express: (t) => ({
        behind: parsers(),
        handler: (req, res) => {
          t.request(req, { body: req.body, is: req.is(['json', 'text', '+json']) });
          res.json({ body: req.body });
        },
      }),
    },
  ]),
  ...(['json', 'urlencoded', 'text', 'raw'] as const).map(
    (kind, at): Row => ({
      name: `${kind} in front of the adapter`,
      asks: [TYPES[0]![1], TYPES[6]![1], TYPES[7]![1], TYPES[10]![1]][at]!,
      express: (t) => ({
        before: [
          {
            json: express.json(),
            urlencoded: express.urlencoded({ extended: false }),
            text: express.text(),
            raw: express.raw(),
          }[kind],
        ],
        handler: (req, res) => {
          t.request(req, { body: req.body });
          res.json({ body: req.body ?? null });
        },
      }),
      differs: { json: EATEN, urlencoded: { ...EATEN, ...UNPARSED }, text: UNPARSED, raw: {} }[kind],
    }),
  ),
  {
    name: 'multer',
    asks: MULTIPART,
    express: (t) => ({
      behind: [load('multer')().single('file')],
      handler: (req, res) => {
        const { file } = req as unknown as {
          file: { originalname: string; buffer: Buffer; mimetype: string };
        };
        t.note('file', file.originalname, file.mimetype, file.buffer.toString('hex'));
        res.status(201).json(req.body);
      },
    }),
  },
  {
    name: 'headers in all their forms',
    asks: {
      path: '/orders/7?full=1&a=%20b',
      headers: {
        accept: 'application/json',
        'accept-language': 'de',
        'x-custom': 'v',
        'user-agent': 'test',
        traceparent: '00-0-0-00',
        'if-none-match': '"1"',
        range: 'bytes=0-1',
        prefer: 'return=minimal',
        'idempotency-key': 'k1',
        cookie: 'a=1; b=2',
        origin: 'https://app.example',
        referer: 'https://app.example/a',
      },
      body: 'text',
    },
    node: (t) => (req, res) => {
      t.request(req);
      res.end();
    },
  },
  {
    name: 'what Express makes of a request',
    asks: {
      path: '/a/b?q=1&q=2&n[x]=1',
      headers: {
        accept: 'text/html, application/json;q=0.5',
        'accept-language': 'de, en;q=0.5',
        'x-requested-with': 'XMLHttpRequest',
      },
      body: 'a',
    },
    express: () => ({
      handler: (req, res) =>
        void res.json({
          q: req.query,
          path: req.path,
          url: req.originalUrl,
          base: req.baseUrl,
          accepts: req.accepts(['json', 'html']),
          language: req.acceptsLanguages(['en', 'de']),
          xhr: req.xhr,
          protocol: req.protocol,
          host: req.hostname,
          ip: req.ip,
          secure: req.secure,
          fresh: req.fresh,
        }),
    }),
  },
  {
    name: 'res.format',
    asks: { headers: { accept: 'text/html' } },
    express: () => ({
      handler: (_req, res) => void res.format({ json: () => res.json({}), html: () => res.send('<a>') }),
    }),
  },
  {
    name: 'an ETag that matches',
    asks: [
      {},
      (before) => ({
        headers: { 'if-none-match': before.headers.find(([name]) => name.toLowerCase() === 'etag')![1] },
      }),
    ],
    express: () => ({ handler: (_req, res) => void res.json({ a: 1 }) }),
  },
  ...(
    [
      ['a file', {}],
      ['a range of it', { headers: { range: 'bytes=2-5' } }],
      ['two ranges of it', { headers: { range: 'bytes=0-1,4-5' } }],
      ['a range that it does not have', { headers: { range: 'bytes=9999999-' } }],
      ['HEAD of a file', { method: 'HEAD' }],
      ['a file that was not changed', { headers: { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' } }],
      ['a file that is not there', { path: '/nothing.json' }],
      ['a folder', { path: '/docs' }],
    ] as [string, Ask][]
  ).map(
    ([name, asks]): Row => ({
      name: `serve-static: ${name}`,
      asks: { path: '/tsconfig.json', ...asks },
      express: () => ({
        behind: [use('serve-static', '.')],
        handler: (_req, res) => void res.sendStatus(404),
      }),
    }),
  ),
  {
    name: 'sendFile and download',
    express: (t) => ({
      handler: (_req, res) =>
        res.download('tsconfig.json', 'a.json', { root: '.' } as never, t.called('sent') as never),
    }),
  },
  {
    name: 'http-proxy-middleware, which forwards the request',
    asks: [
      { path: '/a?b=1', headers: { 'x-custom': 'v' } },
      { path: '/a', headers: { 'content-type': 'application/json' }, body: '{"a":1}' },
    ],
    only: { protocol: 'HTTP/1.1', why: 'http-proxy is for HTTP/1.1', frameworks: /^Express/ },
    express: (t) => {
      const { proxy, close } = proxied();
      return {
        before: [
          (_req, res, next) => {
            res.once('close', () => t.note('proxied'));
            next();
          },
        ],
        behind: [
          async (req, res, next) => {
            res.once('close', close);
            (await proxy())(req, res, next);
          },
        ],
        handler: (_req, res) => void res.sendStatus(404),
      };
    },
  },
];

/** A service that says what came to it, and a proxy that forwards to it; a new one for each request. */
function proxied() {
  const target = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const names = Object.keys(req.headers).filter(
      (name) => name !== 'x-api-key' && name !== 'host' && name !== 'connection',
    );
    res.setHeader('X-From', 'target');
    res.writeHead(202, { 'Content-Type': 'application/json' });
    res.end(
      JSON.stringify({
        method: req.method,
        url: req.url,
        headers: names.sort().map((name) => [name, req.headers[name]]),
        body: Buffer.concat(chunks).toString(),
      }),
    );
  });
  const listening = () =>
    new Promise<void>((resolve) =>
      target.listening ? resolve() : void target.listen(0, '127.0.0.1', resolve),
    );
  return {
    close: () => void target.close().closeAllConnections(),
    async proxy(): Promise<RequestHandler> {
      await listening();
      const { createProxyMiddleware } = await import('http-proxy-middleware');
      return createProxyMiddleware({
        target: `http://127.0.0.1:${(target.address() as AddressInfo).port}`,
      }) as unknown as RequestHandler;
    },
  };
}
