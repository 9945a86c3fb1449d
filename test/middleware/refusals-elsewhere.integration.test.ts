import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { describe, expect, test } from '@jest/globals';
import type { Refusal } from '@private.me/xlink';
import { requireScope as fastifyScope, fastifyXlink } from '@private.me/xlink/fastify';
import { honoMiddleware, requireScope as honoScope } from '@private.me/xlink/hono';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterTest } from '../support/after-test.js';
import { ACME, BOLT, recorder, WRONG } from '../support/http.js';
import { World } from '../support/world.js';

type Parts = ReturnType<typeof recorder>;

const shapeOf = ({ error }: Refusal) => ({ error: { type: error.code } });

async function overHono({ adapter }: Parts, told: Refusal[]): Promise<string> {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header('access-control-allow-origin', '*');
  });
  app.use(
    honoMiddleware(adapter, {
      onRefusal(refusal) {
        told.push(refusal);
        return Response.json(shapeOf(refusal), { status: refusal.status });
      },
    }) as never,
  );
  app.get('/guarded', honoScope('orders:write') as never, (c) => c.text('ok'));
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  if (!server.listening) await once(server, 'listening');
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** `how`: by itself, or by the error handler of Fastify. */
const overFastify =
  (how: 'itself' | 'error handler') =>
  async ({ adapter }: Parts, told: Refusal[]): Promise<string> => {
    const app = Fastify();
    app.addHook(
      'onRequest',
      async (_request, reply) => void reply.header('access-control-allow-origin', '*'),
    );
    await app.register(
      fastifyXlink(adapter, {
        async onRefusal(refusal, _request, reply) {
          told.push(refusal);
          if (how === 'error handler') throw refusal.error;
          reply.code(refusal.status).send(shapeOf(refusal));
        },
      }) as never,
    );
    app.setErrorHandler((error, _request, reply) => {
      const { status = 500, code } = error as { status?: number; code?: string };
      reply.code(status).send({ error: { type: code } });
    });
    app.get('/guarded', { preHandler: fastifyScope('orders:write') as never }, () => 'ok');
    afterTest(() => void app.close());
    return app.listen({ port: 0, host: '127.0.0.1' });
  };

const SERVERS: [string, (parts: Parts, told: Refusal[]) => Promise<string>][] = [
  ['Hono', overHono],
  ['Fastify, by itself', overFastify('itself')],
  ['Fastify, by its error handler', overFastify('error handler')],
];

describe.each(SERVERS)('%s: an API answers refusals in its own way', (_, start) => {
  test('[C7] those of the adapter and of guards, with the headers that belong to them', async () => {
    const told: Refusal[] = [];
    const parts = recorder(await new World().agent('api'), { realm: 'shop' });
    const url = await start(parts, told);
    const ask = async (key: string) => {
      const answer = await fetch(`${url}/guarded`, { headers: { 'x-api-key': key } });
      return { answer, text: await answer.text() };
    };
    const wrong = await ask(WRONG);
    expect([wrong.answer.status, JSON.parse(wrong.text)]).toEqual([
      401,
      { error: { type: 'API_KEY_INVALID' } },
    ]);
    expect(wrong.answer.headers.get('www-authenticate')).toContain('realm="shop"');
    expect(wrong.answer.headers.get('access-control-allow-origin')).toBe('*');
    const denied = await ask(BOLT);
    expect([denied.answer.status, JSON.parse(denied.text)]).toEqual([
      403,
      { error: { type: 'SCOPE_DENIED' } },
    ]);
    expect(denied.answer.headers.get('www-authenticate')).toContain('scope="orders:write"');
    expect(await ask(ACME)).toMatchObject({ text: 'ok' });
    expect(told.map(({ error }) => error.id)).toEqual(['API_KEY_INVALID', 'SCOPE_DENIED']);
  });
});
