import type { RequestHandler } from 'express';
import type { Row } from '../row.js';
import type { Trace } from '../trace.js';

// Handlers of Express that throw, early or late, answer twice, or not at all.

const boom = () => Object.assign(new Error('boom'), { status: 422, expose: true });

/** Writes a part, and fails once it is out. */
const failsBehindPart =
  (t: Trace): RequestHandler =>
  (_req, res, next) =>
    void res.write(
      'part',
      t.called('write', () => next(boom())),
    );

/** Of handlers that break an answer off. */
const RESET = {
  'header form':
    'Node resets the stream with NO_ERROR, which looks like an end; of a sealed answer it is known to be none',
};

export const FAULTS: readonly Row[] = [
  {
    name: 'a handler that throws',
    express: () => ({
      handler: () => {
        throw boom();
      },
    }),
  },
  {
    name: 'a handler that calls next with an error',
    express: () => ({ handler: (_req, _res, next) => next(boom()) }),
  },
  {
    name: 'a handler that rejects',
    only: { frameworks: /^Express 5/, why: 'Express 4 does not wait for promises' },
    express: () => ({ handler: async () => Promise.reject(boom()) }),
  },
  { name: 'nobody answers: 404', express: () => ({ handler: (_req, _res, next) => next() }) },
  {
    name: 'an error handler of the API',
    express: (t) => ({
      handler: (_req, _res, next) => next(boom()),
      errors: [
        (error, _req, res, _next) => {
          t.sample('error handler');
          res.status(error.status).json({ error: error.message });
        },
      ],
    }),
  },
  {
    name: 'headers that were set before it throws',
    express: () => ({
      handler: (_req, res) => {
        res.set('X-A', '1').status(201).type('text');
        throw boom();
      },
    }),
  },
  {
    name: 'an error handler behind a partial write',
    differs: RESET,
    differsOver: 'HTTP/2',
    express: (t) => ({
      handler: failsBehindPart(t),
      errors: [
        (_error, _req, res, next) => {
          t.sample('error handler');
          t.attempt('status', () => void res.status(500));
          t.attempt('json', () => void res.json({}));
          next(_error);
        },
      ],
    }),
  },
  {
    name: 'a partial write, and then a throw once it is out',
    differs: RESET,
    differsOver: 'HTTP/2',
    express: (t) => ({
      handler: failsBehindPart(t),
    }),
  },
  {
    name: 'a partial write, and a throw at once',
    differs: RESET,
    differsOver: 'HTTP/2',
    leavesOut: {
      status: 'whether the piece was out when the connection was destroyed is a matter of time',
      body: 'see status',
      headers: 'see status',
      reason: 'see status',
      'order of headers': 'see status',
    },
    express: () => ({
      handler: (_req, res) => {
        res.write('part');
        throw boom();
      },
    }),
  },
  {
    name: 'an answer, and then a throw',
    express: () => ({
      handler: (_req, res) => {
        res.json({ ok: true });
        throw boom();
      },
    }),
  },
  {
    name: 'an answer, and a connection that is destroyed at once',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 requests of Node do not let it' },
    node: () => (req, res) => {
      res.end('a');
      req.socket.destroy();
    },
  },
  {
    name: 'json twice',
    express: (t) => ({
      handler: (_req, res) => {
        res.json({ n: 1 });
        t.attempt('json', () => void res.json({ n: 2 }));
      },
    }),
  },
  {
    name: 'end twice, and writes behind the end',
    only: { protocol: 'HTTP/1.1', why: 'the row below' },
    differs: {
      'header form':
        '`finish` comes when the bytes are out, with sealing some turns of the event loop later, so errors of calls behind the end come first',
    },
    node: (t) => (_req, res) => {
      res.end('a', t.called('end'));
      t.attempt('end', () => void res.end('b', t.called('second end')));
      t.attempt('write', () => res.write('c', t.called('write')));
    },
  },
  {
    name: 'end twice',
    node: (t) => (_req, res) => {
      res.end('a');
      t.attempt('end', () => void res.end());
    },
  },
  {
    name: 'a chunk that is none',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node destroy the stream' },
    node: (t) => (_req, res) => {
      t.attempt('write', () => res.write(7 as never));
      t.attempt('write', () => res.write(null as never));
      t.attempt('end', () => void res.end({} as never));
      t.attempt('end', () => void res.end('a'));
    },
  },
  {
    name: 'more than Content-Length said, strictly',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node do not count' },
    node: (t) => (_req, res) => {
      res.strictContentLength = true;
      res.setHeader('Content-Length', 2);
      t.attempt('end', () => void res.end('abc'));
      res.destroy();
    },
  },
  {
    name: 'redirect twice',
    express: (t) => ({
      handler: (_req, res) => {
        res.redirect(303, '/a');
        t.attempt('redirect', () => res.redirect('/b'));
      },
    }),
  },
  {
    name: 'a file that is not there',
    express: (t) => ({
      handler: (_req, res, next) =>
        res.sendFile('nothing', { root: '.' }, (error) => {
          t.note('sent', (error as { code?: string }).code);
          next(error);
        }),
    }),
  },
  {
    name: 'a stream that fails in the middle',
    express: (t) => ({
      handler: async (_req, res, next) => {
        const { Readable } = await import('node:stream');
        const { pipeline } = await import('node:stream/promises');
        const failing = Readable.from(
          (async function* () {
            yield 'part';
            await new Promise((resolve) => setTimeout(resolve, 20)); // the part is out by then
            throw boom();
          })(),
        );
        await pipeline(failing, res).catch((error: Error) => {
          t.note('pipeline', error.message);
          next(error);
        });
      },
    }),
  },
  ...(
    [
      'json',
      'jsonp',
      'send',
      'sendStatus',
      'links',
      'attachment',
      'cookies',
      'vary',
      'location',
      'type',
    ] as const
  ).map(
    (name): Row => ({
      name: `res.${name}`,
      asks: { path: '/orders?callback=f' },
      express: () => ({ handler: HELPERS[name] }),
    }),
  ),
];

const HELPERS = {
  json: (_req, res) => void res.status(201).json({ a: [1, null, 'é'] }),
  jsonp: (_req, res) => void res.jsonp({ a: 1 }),
  send: (_req, res) => void res.send(Buffer.from([1, 2, 255])),
  sendStatus: (_req, res) => void res.sendStatus(403),
  links: (_req, res) => void res.links({ next: '/orders?page=2' }).send('a'),
  attachment: (_req, res) => void res.attachment('ü.csv').send('a,b'),
  cookies: (_req, res) =>
    void res
      .cookie('a', { b: 1 }, { expires: new Date(0), secure: true })
      .clearCookie('c')
      .send('a'),
  vary: (_req, res) => void res.vary('Origin').vary('Accept').send('a'),
  location: (_req, res) => void res.status(201).location('/orders/7?a=é').end(),
  type: (_req, res) => void res.type('png').send(Buffer.from('png')),
} satisfies Record<string, RequestHandler>;
