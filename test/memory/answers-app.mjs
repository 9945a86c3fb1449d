// The two sides of answers.integration.test.ts, each in a process of its own, so that its memory can be told.
// Talks to the test by messages; ends when the test does.
import { once } from 'node:events';
import { Agent, DualModeAdapter, MemoryClientStore, xlinkFetch } from '@private.me/xlink';
import express from 'express';

process.on('disconnect', () => process.exit());
const peak = () => process.resourceUsage().maxRSS * 1024;
const api = process.env.ROLE === 'api' ? await serve() : undefined;
process.on('message', async (message) => {
  if (message === 'peak') return process.send({ peak: peak(), sent: api?.sent });
  process.send({ ...(await read(message)), peak: peak() });
});
process.send({ port: api?.port });

async function serve() {
  const adapter = new DualModeAdapter({
    agent: await Agent.quickstart({ name: 'api' }),
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    legacyKeyValidator: () => ({ clientId: 'acme', scopes: ['*'] }),
  });
  const state = { sent: 0 };
  const app = express().use(adapter.middleware());
  app.get('/download', (req, res) => {
    const piece = Buffer.alloc(65_536, 7);
    const total = Number(req.query.bytes);
    const go = () => {
      while (state.sent < total) {
        state.sent += piece.length;
        if (!res.write(piece)) return res.once('drain', go);
      }
      res.end();
    };
    go();
  });
  app.get('/events', (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    let left = Number(req.query.events);
    const timer = setInterval(() => {
      res.write(`data: ${Date.now()}\n\n`);
      if (--left > 0) return;
      clearInterval(timer);
      res.end();
    }, 1000 / Number(req.query.perSecond));
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(state, { port: server.address().port });
}

/** `by`: `key` or `xlink`; `pauseMs`: nothing is read for so long. */
async function read({ port, path, by, pauseMs }) {
  const baseUrl = `http://127.0.0.1:${port}`;
  const call =
    by === 'key'
      ? (target) => fetch(baseUrl + target, { headers: { 'x-api-key': 'k' } })
      : xlinkFetch({ apiKey: 'k', baseUrl, unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true });
  const answer = await call(path);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  const found = { bytes: 0, events: 0, pieces: 0, latestMs: 0, sealed: answer.headers.get('xlink-sealed') };
  for await (const piece of answer.body) {
    found.bytes += piece.length;
    found.pieces += 1;
    if (!path.startsWith('/events')) continue;
    for (const [, sentAt] of Buffer.from(piece)
      .toString()
      .matchAll(/data: (\d+)/g)) {
      found.events += 1;
      found.latestMs = Math.max(found.latestMs, Date.now() - Number(sentAt));
    }
  }
  return found;
}
