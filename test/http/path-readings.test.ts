import { describe, expect, test } from '@jest/globals';
import express from 'express';
import express4 from 'express4';
import Fastify from 'fastify4';
import { Hono } from 'hono';
import { pathOf, readingsOf } from '../../src/http/path-readings.js';
import { seededRandom } from '../support/random.js';

const TOKENS = [
  ...['/', '/', '/', 'payments', 'payments', 'PAYMENTS', '%70ayments', '%2570ayments', 'x', ''],
  ...[';', ';a=b', '..', '.', '%2e', '%2f', '%5c', '%3b', '\\', '%zz', '?', '#', '%252f'],
];

type Reaches = (path: string) => Promise<boolean>;

/** Whether the handler of /payments, or of what is below it, gets a request for this path. */
const ROUTERS: Record<string, Reaches> = {
  'Express 5': byExpress(express()),
  'Express 4': byExpress(express4() as never),
  'Fastify, as strict as it is': byFastify({}),
  'Fastify, as lax as it can be': byFastify({
    caseSensitive: false,
    ignoreDuplicateSlashes: true,
    ignoreTrailingSlash: true,
    useSemicolonDelimiter: true,
  }),
  Hono: byHono(),
};

function byExpress(app: ReturnType<typeof express>): Reaches {
  app.use('/payments', (req, _res, next) => {
    (req as { reached?: boolean }).reached = true;
    next();
  });
  return async (url) => {
    const req = { method: 'GET', url, headers: {} } as { reached?: boolean };
    await new Promise((done) => {
      (app as unknown as { handle: (...args: unknown[]) => void }).handle(req, { setHeader() {} }, done);
    });
    return req.reached === true;
  };
}

function byFastify(options: object): Reaches {
  const app = Fastify(options);
  app.get('/payments', async () => 'reached');
  app.get('/payments/*', async () => 'reached');
  return async (url) => {
    if (!URL.canParse(url, 'http://localhost')) return false; // nor does `inject` take it
    return (await app.inject({ method: 'GET', url })).body === 'reached';
  };
}

function byHono(): Reaches {
  const app = new Hono().all('/payments/*', (c) => c.text('reached'));
  return async (path) => {
    const url = new URL('http://localhost');
    const request = {
      method: 'GET',
      url: `${url.origin}${path}`,
      headers: new Headers(),
    } as unknown as Request;
    return (await (await app.fetch(request)).text()) === 'reached';
  };
}

describe('the readings of a path', () => {
  test.each(Object.entries(ROUTERS))('have among them the one of %s', async (_, reaches) => {
    const random = seededRandom(7);
    let reached = 0;
    for (let i = 0; i < 4000; i++) {
      const length = 1 + random.below(7);
      const path = `/${Array.from({ length }, () => random.pick(TOKENS)).join('')}`;
      if (!(await reaches(path))) continue;
      reached += 1;
      const isFound = readingsOf(pathOf(path)).some((one) => /^\/payments(\/|$)/.test(one));
      if (!isFound) throw new Error(`${path} reaches /payments, and is read as ${readingsOf(pathOf(path))}`);
    }
    expect(reached).toBeGreaterThan(50);
  });

  test('of a plain path is one', () => {
    for (const path of ['/', '/orders', '/Orders/7/', '/a.b/c-d_e~f/x:y@z'])
      expect(readingsOf(path)).toHaveLength(1);
  });
});
