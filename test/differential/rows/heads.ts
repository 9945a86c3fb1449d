import type { Row } from '../row.js';

// Status, headers, and answers without a body.

const CSV = { 'Content-Type': 'text/csv' };

export const HEADS: readonly Row[] = [
  {
    name: 'writeHead with a status',
    node: (t) => (_req, res) => {
      t.attempt('writeHead', () => void res.writeHead(202));
      res.end('a');
    },
  },
  { name: 'writeHead with headers', node: () => (_req, res) => void res.writeHead(201, CSV).end('a') },
  {
    name: 'writeHead with a reason',
    node: () => (_req, res) => void res.writeHead(200, 'All Right', CSV).end('a'),
  },
  {
    name: 'writeHead with lists in an object',
    node: () => (_req, res) =>
      void res.writeHead(200, { ...CSV, 'Set-Cookie': ['a=1', 'b=2'], 'X-List': ['1', '2'] }).end('a'),
  },
  {
    name: 'writeHead with names and values in one list',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node 20 do not take a list' },
    node: () => (_req, res) =>
      void res
        .writeHead(200, ['Content-Type', 'text/csv', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'] as never)
        .end('a'),
  },
  {
    name: 'writeHead over headers that were set',
    node: () => (_req, res) => {
      res.setHeader('X-A', 'set');
      res.setHeader('X-B', 'set');
      res.writeHead(200, { 'x-a': 'written', 'X-C': 'written' });
      res.end('a');
    },
  },
  {
    name: 'writeHead, and later with a body',
    node: (t) => (_req, res) => {
      res.writeHead(200, { 'X-A': '1' });
      t.sample('behind writeHead');
      setImmediate(() => res.end('a'));
    },
  },
  {
    name: 'writeHead twice',
    node: (t) => (_req, res) => {
      res.writeHead(200);
      t.attempt('writeHead', () => void res.writeHead(404));
      res.end('a');
    },
  },
  {
    name: 'a status that is none',
    node: (t) => (_req, res) => {
      t.attempt('writeHead', () => void res.writeHead(99));
      t.attempt('writeHead', () => void res.writeHead(1000));
      res.statusCode = 200;
      res.end('a');
    },
  },
  {
    name: 'names and values that are none',
    node: (t) => (_req, res) => {
      t.attempt('name', () => res.setHeader('a b', '1'));
      t.attempt('undefined', () => res.setHeader('x-a', undefined as never));
      t.attempt('number', () => void res.setHeader('x-n', 7));
      res.end('a');
    },
  },
  {
    name: 'a value with a line break',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node 20 take it' },
    node: (t) => (_req, res) => {
      t.attempt('value', () => res.setHeader('x-a', 'a\r\nb'));
      res.end('a');
    },
  },
  {
    name: 'a list of cookies',
    node: () => (_req, res) => {
      res.setHeader('Set-Cookie', ['a=1; Path=/; HttpOnly', 'b=2; SameSite=Lax', 'a=3']);
      res.end('a');
    },
  },
  {
    name: 'appendHeader',
    node: () => (_req, res) => {
      res.appendHeader('X-A', '1');
      res.appendHeader('X-A', '2');
      res.appendHeader('Set-Cookie', 'a=1');
      res.appendHeader('Set-Cookie', ['b=2', 'c=3']);
      res.end('a');
    },
  },
  {
    name: 'setHeaders and removeHeader',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node 20 have no setHeaders' },
    node: (t) => (_req, res) => {
      res.setHeaders(new Headers({ 'x-a': '1', 'x-b': '2' }));
      res.removeHeader('X-A');
      t.note('names', res.getHeaderNames());
      res.end('a');
    },
  },
  {
    name: 'headers behind the first write',
    node: (t) => (_req, res) => {
      res.write('a');
      t.attempt('setHeader', () => res.setHeader('X-A', '1'));
      t.attempt('removeHeader', () => res.removeHeader('X-A'));
      t.attempt('appendHeader', () => res.appendHeader('X-A', '1'));
      t.attempt('writeHead', () => void res.writeHead(500));
      t.attempt('flushHeaders', () => res.flushHeaders());
      res.end('b');
    },
  },
  {
    name: 'a status that changes behind the first write',
    node: (t) => (_req, res) => {
      res.statusCode = 202;
      res.write('a');
      res.statusCode = 500;
      t.sample('changed');
      res.end('b');
    },
  },
  {
    name: 'a value of latin1',
    node: () => (_req, res) => {
      res.setHeader('X-Name', 'caf\u00e9');
      res.end('a');
    },
  },
  {
    name: 'headers of caches',
    node: () => (_req, res) => {
      res.setHeader('Cache-Control', 'public, max-age=600');
      res.setHeader('Vary', 'Origin');
      res.setHeader('ETag', '"1"');
      res.setHeader('Last-Modified', 'Wed, 01 Jan 2025 00:00:00 GMT');
      res.setHeader('Expires', 'Wed, 01 Jan 2025 00:00:00 GMT');
      res.setHeader('Age', '1');
      res.end('a');
    },
  },
  {
    name: 'Connection: close',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 has no Connection' },
    node: () => (_req, res) => {
      res.setHeader('Connection', 'close');
      res.end('a');
    },
  },
  ...[200, 206, 301, 307, 400, 401, 404, 407, 418, 429, 500, 503, 599].map(
    (status): Row => ({
      name: `status ${status}`,
      node: () => (_req, res) => {
        res.statusCode = status;
        res.setHeader('Location', '/elsewhere');
        res.end('a');
      },
    }),
  ),
  ...[204, 205, 304].map(
    (status): Row => ({
      name: `status ${status}, without a body`,
      node: (t) => (_req, res) => {
        res.setHeader('ETag', '"1"');
        res.writeHead(status);
        t.sample('head');
        res.end(t.called('end'));
      },
    }),
  ),
  {
    name: 'status 204 with a body that Node drops',
    node: (t) => (_req, res) => {
      res.statusCode = 204;
      t.attempt('write', () => res.write('a'));
      t.attempt('end', () => res.end('b'));
    },
  },
  {
    name: 'HEAD of a body',
    asks: { method: 'HEAD' },
    node: (t) => (_req, res) => {
      res.setHeader('Content-Length', 4);
      res.setHeader('Set-Cookie', ['a=1', 'b=2']);
      t.attempt('end', () => res.end('text'));
    },
  },
  {
    name: 'HEAD of a stream',
    asks: { method: 'HEAD' },
    node: (t) => (_req, res) => {
      t.attempt('write', () => res.write('a'));
      setImmediate(() => res.end('b'));
    },
  },
  {
    name: 'writeContinue and early hints',
    node: () => (_req, res) => {
      res.writeContinue();
      res.writeEarlyHints({ link: ['</a.css>; rel=preload', '</b.js>; rel=preload'] });
      res.end('a');
    },
  },
  {
    name: 'early hints whose call back answers',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node do not call back' },
    node: (t) => (_req, res) =>
      res.writeEarlyHints(
        { link: '</a.css>; rel=preload' },
        t.called('hints', () => res.end('a')),
      ),
  },
  {
    name: 'writeProcessing',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node have no writeProcessing' },
    node: () => (_req, res) => {
      res.writeProcessing();
      res.end('a');
    },
  },
  {
    name: 'Expect: 100-continue',
    only: { protocol: 'HTTP/1.1', why: 'Node answers it by itself in HTTP/1.1' },
    asks: { headers: { expect: '100-continue' }, body: 'text' },
    node: (t) => async (req, res) => {
      let text = '';
      for await (const chunk of req) text += chunk;
      t.note('body', text);
      res.end('a');
    },
  },
  {
    name: 'trailers',
    differs: {
      'body form': 'a sealed answer has no trailers (PROTOCOL, 12.5): it is refused or broken off',
      'header form': 'a sealed answer has no trailers (PROTOCOL, 12.5): it is refused or broken off',
    },
    node: () => (_req, res) => {
      res.writeHead(200, { Trailer: 'X-Digest' });
      res.write('a');
      res.addTrailers({ 'X-Digest': '1' });
      res.end();
    },
  },
];
