import type { Row } from '../row.js';

// Node's own response, written to in all the ways there are.

const later = (then: () => void) => void setImmediate(then);

/** Of handlers that break an answer off. */
const RESET = {
  'header form':
    'Node resets the stream with NO_ERROR, which looks like an end; of a sealed answer it is known to be none',
};

export const WRITING: readonly Row[] = [
  {
    name: 'end with a text',
    node: (t) => (_req, res) => {
      t.sample('before');
      res.end('text', t.called('end'));
      t.sample('behind');
    },
  },
  { name: 'end with nothing', node: () => (_req, res) => void res.end() },
  {
    name: 'end with bytes and headers',
    node: () => (_req, res) => {
      res.setHeader('Content-Type', 'application/octet-stream');
      res.setHeader('Content-Length', 4);
      res.end(Buffer.from([0, 255, 13, 10]));
    },
  },
  {
    name: 'end with an encoding and a call back',
    node: (t) => (_req, res) => void res.end('w6k=', 'base64', t.called('end')),
  },
  {
    name: 'end with a call back alone',
    node: (t) => (_req, res) => {
      res.write('a');
      res.end(t.called('end'));
    },
  },
  {
    name: 'a piece in each call back',
    node: (t) => (_req, res) => {
      res.write(
        'one,',
        t.called('one', () =>
          res.write(
            'two,',
            t.called('two', () => res.end('three', t.called('end'))),
          ),
        ),
      );
      t.sample('behind write');
    },
  },
  {
    name: 'a piece at a time, later',
    node: (t) => (_req, res) => {
      t.attempt('write', () => res.write('one,'));
      later(() => {
        t.attempt('write', () => res.write(Buffer.from('two,')));
        later(() => t.attempt('end', () => res.end('three')));
      });
    },
  },
  {
    name: 'many small pieces in one go',
    node: () => (_req, res) => {
      for (let n = 0; n < 200; n++) res.write(`${n},`);
      res.end('end');
    },
  },
  {
    name: 'a length that was said, bit by bit',
    node: (t) => (_req, res) => {
      res.writeHead(200, { 'Content-Length': 9 });
      res.write(
        '0123',
        t.called('write', () => res.end('45678')),
      );
    },
  },
  {
    name: 'pieces of many encodings',
    node: () => (_req, res) => {
      res.write('é', 'latin1');
      res.write('é', 'utf8');
      res.write('é', 'utf16le');
      res.write('00ff', 'hex');
      res.end('YQ==', 'base64');
    },
  },
  {
    name: 'an empty piece, and nothing',
    node: (t) => (_req, res) => {
      t.attempt('write', () => res.write(''));
      t.attempt('end', () => res.end());
    },
  },
  {
    name: 'an empty piece whose call back ends it',
    node: (t) => (_req, res) =>
      void res.write(
        '',
        t.called('write', () => res.end('end')),
      ),
  },
  {
    name: 'flushHeaders, then a body',
    node: (t) => (_req, res) => {
      res.setHeader('X-A', '1');
      res.flushHeaders();
      t.sample('flushed');
      t.attempt('setHeader', () => res.setHeader('X-B', '1'));
      later(() => res.end('text'));
    },
  },
  {
    name: 'cork and uncork',
    only: { protocol: 'HTTP/1.1', why: 'HTTP/2 responses of Node have no cork' },
    node: (t) => (_req, res) => {
      res.cork();
      res.write('a');
      res.write('b');
      t.sample('corked');
      later(() => {
        res.uncork();
        res.end('c');
      });
    },
  },
  {
    name: '300 kB at once',
    node: (t) => (_req, res) => void res.end('0123456789'.repeat(30_000), t.called('end')),
  },
  {
    name: '2 MB with drain',
    node: (t) => (_req, res) => {
      const piece = Buffer.alloc(50_000, 'ab');
      let left = 40;
      const go = () => {
        while (left-- > 0) if (!res.write(piece)) return void res.once('drain', go);
        res.end(t.called('end'));
      };
      go();
    },
  },
  {
    name: 'write reports the need to wait',
    node: (t) => (_req, res) => {
      t.attempt('write 1 MB', () => res.write(Buffer.alloc(1_000_000)));
      t.note('needs drain', res.writableNeedDrain);
      res.once('drain', () => {
        t.note('needs drain', res.writableNeedDrain);
        res.end();
      });
    },
  },
  {
    name: 'no Date',
    node: () => (_req, res) => {
      res.sendDate = false;
      res.end('a');
    },
  },
  {
    name: 'a stream that is piped',
    node: (t) => async (_req, res) => {
      const { Readable } = await import('node:stream');
      res.on('pipe', () => t.note('piped'));
      Readable.from(['a,', 'b,', 'c']).pipe(res);
    },
  },
  {
    name: 'a pipeline',
    node: (t) => async (_req, res) => {
      const { pipeline } = await import('node:stream/promises');
      const { Readable } = await import('node:stream');
      await pipeline(Readable.from([Buffer.from('a,'), Buffer.from('b')]), res);
      t.sample('pipeline done');
    },
  },
  {
    name: 'a gzip stream that is piped',
    node: () => async (_req, res) => {
      const { createGzip } = await import('node:zlib');
      res.setHeader('Content-Encoding', 'gzip');
      const gzip = createGzip();
      gzip.pipe(res);
      gzip.write('a'.repeat(10_000));
      gzip.end('b');
    },
  },
  {
    name: 'a file that is piped',
    node: () => async (_req, res) => {
      const { createReadStream } = await import('node:fs');
      res.setHeader('Content-Type', 'application/json');
      createReadStream('package.json').pipe(res);
    },
  },
  {
    name: 'server-sent events',
    node: (t) => (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
      let n = 0;
      const next = () => {
        if (n === 5) return void res.end();
        res.write(
          `id: ${n}\ndata: tick\n\n`,
          t.called(`event ${n++}`, () => later(next)),
        );
      };
      next();
    },
  },
  {
    name: 'a caller that leaves in the middle',
    asks: { leaves: true },
    leavesOut: {
      body: 'how much of it came is a matter of time',
      headers: 'the answer was not read to an end',
      status: 'the same',
      broken: 'the caller broke it off itself',
      reason: 'the same',
      'order of headers': 'the same',
    },
    node: (t) => (_req, res) => {
      res.write('a', t.called('write'));
      res.on('close', () => {
        t.attempt('write behind close', () => res.write('b'));
        t.attempt('end behind close', () => res.end('c'));
      });
    },
  },
  {
    name: 'a response that the handler destroys',
    differs: RESET,
    differsOver: 'HTTP/2',
    node: (t) => (_req, res) => {
      res.setHeader('X-A', '1');
      res.write(
        'part',
        t.called('write', () => res.destroy()),
      );
    },
  },
  {
    name: 'a response that is destroyed with an error, unwritten',
    node: () => (_req, res) => void res.destroy(new Error('broken')),
  },
  {
    name: 'what a response says of itself at each step',
    node: (t) => (_req, res) => {
      t.sample('new');
      t.note('names', res.getHeaderNames?.(), res.hasHeader('x-a'));
      res.setHeader('X-A', ['1', '2']);
      t.note('values', res.getHeader('x-a'), res.getHeaders());
      res.statusCode = 201;
      t.sample('status');
      res.write('a');
      t.sample('written');
      t.note('written', res.getHeader('x-a'), res.finished);
      res.end('b', () => {
        t.sample('called back');
        t.note('called back', res.finished);
      });
      t.note('ended', res.finished, res.writableEnded);
    },
  },
];
