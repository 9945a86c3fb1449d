import type { ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import '../support/console.js'; // frameworks print the errors that they answer
import type { Gate } from './apps.js';
import { differences } from './compare.js';
import type { Part, Row } from './row.js';
import { FAULTS } from './rows/faults.js';
import { HEADS } from './rows/heads.js';
import { MIDDLEWARE } from './rows/middleware.js';
import { REQUESTS } from './rows/requests.js';
import { WRITING } from './rows/writing.js';
import { runRow } from './run-row.js';
import { stage } from './stage.js';

// Whether the suite would notice: adapters that are broken on purpose, each in one way, and rows that must find it.

type Write = (...args: unknown[]) => unknown;
type Breaks = (
  res: Omit<ServerResponse, 'write' | 'end'> & { write: Write; end: Write },
  req: ServerResponse['req'],
) => void;

const ROWS = [...FAULTS, ...HEADS, ...MIDDLEWARE, ...REQUESTS, ...WRITING];
const on = stage();

/** The adapter, and behind it something that changes what it lets through. */
const broken = (breaks: Breaks): Gate => ({
  express: () => {
    const adapter = on.adapter.express();
    return (req, res, next) =>
      adapter(req, res, (error) => {
        breaks(res as never, req as never);
        next(error);
      });
  },
  koa: () => on.adapter.koa(),
});

const callbackOf = (args: unknown[]) =>
  args.find((arg) => typeof arg === 'function') as (() => void) | undefined;

/** Collects what is written until the end, as the first edition did. */
const holds: Breaks = (res) => {
  const { end } = res;
  const held: Buffer[] = [];
  const keep = (args: unknown[]) => {
    if (typeof args[0] === 'string') held.push(Buffer.from(args[0], args[1] as never));
    else if (args[0] instanceof Uint8Array) held.push(Buffer.from(args[0]));
  };
  res.write = (...args) => {
    keep(args);
    callbackOf(args)?.();
    return true;
  };
  res.end = (...args) => {
    keep(args);
    return end.call(res, Buffer.concat(held), callbackOf(args) as never);
  };
};

const BROKEN: readonly (readonly [name: string, breaks: Breaks, row: string, parts: readonly Part[]])[] = [
  [
    'holds what is written until the end',
    holds,
    'what a response says of itself at each step',
    ['headers', 'trace'],
  ],
  [
    'holds what is written until the end',
    holds,
    'headers behind the first write',
    ['status', 'headers', 'trace'],
  ],
  [
    'holds what is written until the end',
    holds,
    'a partial write, and then a throw once it is out',
    ['status', 'body', 'trace'],
  ],
  [
    'calls back within the call',
    (res) => {
      const { write } = res;
      res.write = (...args) => {
        callbackOf(args)?.();
        return write.apply(
          res,
          args.filter((arg) => typeof arg !== 'function'),
        );
      };
    },
    'a piece in each call back',
    ['trace', 'body'],
  ],
  [
    'calls back when the response is over',
    (res) => {
      const { end } = res;
      res.end = (...args) => {
        const callback = callbackOf(args);
        if (callback) res.once('close', callback);
        return end.apply(
          res,
          args.filter((arg) => typeof arg !== 'function'),
        );
      };
    },
    'end with a text',
    ['trace'],
  ],
  [
    'keeps one of several values',
    (res) => {
      const { setHeader } = res;
      res.setHeader = (name, value) =>
        setHeader.call(res, name, Array.isArray(value) ? value[0]! : (value as string));
    },
    'a list of cookies',
    ['headers'],
  ],
  [
    'writes a head over the hooks of others',
    (res) => {
      res.writeHead = Object.getPrototypeOf(Object.getPrototypeOf(res)).writeHead;
    },
    'on-headers, three times, in front',
    ['status', 'headers', 'trace'],
  ],
  [
    'ends what broke off',
    (res, req) => {
      const socket = Object.create(req.socket, { destroy: { value: () => void res.end() } });
      Object.defineProperty(req, 'socket', { value: socket });
    },
    'a partial write, and then a throw once it is out',
    ['broken'],
  ],
  [
    'leaves a header of its own on the request',
    (_res, req) => {
      req.headers['xlink-envelope'] = 'a';
    },
    'headers in all their forms',
    ['request'],
  ],
  [
    'leaves old lines on the request',
    (_res, req) => {
      req.rawHeaders.push('Authorization', 'Xlink a');
    },
    'headers in all their forms',
    ['request'],
  ],
  [
    'swallows the end of a body',
    (res) => {
      const { end } = res;
      res.end = (...args) => (args[0] ? end.call(res, String(args[0]).slice(0, -1)) : end.apply(res, args));
    },
    'morgan of a stream, in front',
    ['body'],
  ],
];

test.each(BROKEN)('an adapter that %s differs', async (_, breaks, name, parts) => {
  const row: Row = ROWS.find((each) => each.name === name)!;
  const plain = (await runRow(on, row, ['Express 5', 'HTTP/1.1', 'plain']))!;
  for (const way of ['key', 'header form'] as const) {
    const sound = (await runRow(on, row, ['Express 5', 'HTTP/1.1', way]))!;
    expect([way, differences(row, plain, sound)]).toEqual([way, {}]);
    const run = (await runRow(on, row, ['Express 5', 'HTTP/1.1', way], broken(breaks)))!;
    expect([way, Object.keys(differences(row, plain, run))]).toEqual([
      way,
      expect.arrayContaining([...parts]),
    ]);
  }
});
