// The API of leftovers.integration.test.ts, in a process of its own, so that what requests leave in its memory can be told.
// Started with --expose-gc. Talks to the test by messages; ends when the test does.
import { once } from 'node:events';
import { getHeapSpaceStatistics } from 'node:v8';
import { bodyParser } from '@koa/bodyparser';
import { Agent, DualModeAdapter, MemoryClientStore } from '@private.me/xlink';
import { fastifyXlink } from '@private.me/xlink/fastify';
import fastify from 'fastify';
import Koa from 'koa';

process.on('disconnect', () => process.exit());
const adapter = new DualModeAdapter({
  agent: await Agent.quickstart({ name: 'api' }),
  mode: 'hybrid',
  clients: new MemoryClientStore(),
  sessions: {},
  legacyKeyValidator: () => ({ clientId: 'acme', scopes: ['*'] }),
});

const said = (req, { text }) => ({ length: text.length, by: adapter.authOf(req)?.form ?? 'key' });

const servers = {
  async koa() {
    const app = new Koa().use(adapter.koaWellKnown()).use(adapter.koa()).use(bodyParser());
    app.use((ctx) => {
      ctx.body = said(ctx.req, ctx.request.body);
    });
    return app.listen(0, '127.0.0.1');
  },
  async fastify() {
    const app = fastify();
    await app.register(fastifyXlink(adapter));
    app.post('/', async (req) => said(req.raw, req.body));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
};
const server = await servers[process.env.FRAMEWORK]();
if (!server.listening) await once(server, 'listening');
process.send({ port: server.address().port });

/** Bytes that have lived for longer than young memory lasts. */
const old = () =>
  getHeapSpaceStatistics()
    .filter(({ space_name: name }) => name === 'old_space' || name === 'trusted_space')
    .reduce((bytes, { space_used_size: used }) => bytes + used, 0);
process.on('message', (message) => {
  if (message === 'collect') {
    globalThis.gc();
    globalThis.gc();
  }
  process.send({ old: old() });
});
