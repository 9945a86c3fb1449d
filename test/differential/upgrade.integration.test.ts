import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { WebSocket, WebSocketServer } from 'ws';
import { afterTest } from '../support/after-test.js';
import { listen } from '../support/listen.js';
import { recorder } from '../support/service.js';
import { World } from '../support/world.js';
import { HAND_WRITTEN } from './apps.js';
import { exchangeHttp1 } from './exchange.js';
import type { Way } from './row.js';
import { Trace } from './trace.js';
import { askIn } from './ways.js';

// WebSockets of ws on the server of an application: the adapter stands in the application, and not in their way.

const WAYS = ['plain', 'key', 'body form', 'header form'] as const satisfies Way[];

/** What both ends of a WebSocket see while HTTP requests go on beside it. */
async function runBeside(way: Way) {
  const known = await World.withCaller();
  const { adapter } = recorder(known.api);
  const trace = new Trace();
  const app = express();
  app.use((way === 'plain' ? HAND_WRITTEN.express() : adapter.middleware()) as never);
  app.use((_req, res) => void res.json({ ok: true }));
  const { server, port } = await listen(app as never);
  let closed: Promise<unknown[]> | undefined;
  const sockets = new WebSocketServer({ server, path: '/live' });
  sockets.on('connection', (socket, req) => {
    trace.note('connection', req.url);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    closed = once(socket, 'close');
  });
  const ask = async () => {
    const asking = (await askIn(way, known, { body: 'a' }))!;
    const { status, bytes } = await asking.open(await exchangeHttp1(port, false, asking.sent));
    trace.note('answer', status, String(bytes));
  };
  await ask();
  const client = new WebSocket(`ws://127.0.0.1:${port}/live`);
  afterTest(() => client.terminate());
  await once(client, 'open');
  for (const message of ['text', Buffer.from([0, 255]), 'x'.repeat(100_000)]) {
    client.send(message);
    const [data, isBinary] = await once(client, 'message');
    trace.note('message', isBinary, Buffer.from(data).equals(Buffer.from(message)));
    await ask();
  }
  client.close(4001);
  const [code] = await once(client, 'close');
  trace.note('close', code, (await closed)![0]);
  const refused = new WebSocket(`ws://127.0.0.1:${port}/elsewhere`);
  const [error] = await once(refused, 'error');
  trace.note('elsewhere', (error as Error).message);
  sockets.close();
  return trace.steps;
}

describe('a WebSocket beside the adapter', () => {
  test.each(WAYS.slice(1))('%s', async (way) => {
    const plain = await runBeside('plain');
    expect(plain).toHaveLength(10);
    expect(await runBeside(way)).toEqual(plain);
  });
});
