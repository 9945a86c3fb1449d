import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
import { type AgentOptions, HttpsTransportAdapter } from '@private.me/xlink';
import express from 'express';
import { listen } from '../support/listen.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const TOOLS = Array.from({ length: 400 }, (_, n) => ({
  name: `tool-${n}`,
  scopes: ['payments'],
  description: 'What it does, in some words. '.repeat(10),
  inputSchema: { type: 'object', properties: { amount: { type: 'integer' } } },
}));

/** Bob at a route of Express, and Alice, who sends there. */
async function route(forBob: AgentOptions = {}) {
  const world = new World();
  const bob = await world.agent('bob', { tools: TOOLS, ...forBob });
  const handled: unknown[] = [];
  const app = express();
  app.post('/messages', bob.middleware(), (req, res) => {
    handled.push(req.body);
    res.status(204).end();
  });
  const { port } = await listen(app);
  const to = (path: string) =>
    new HttpsTransportAdapter({ baseUrl: `http://127.0.0.1:${port}${path}`, retries: 0 });
  const alice = await world.agent('alice', { transport: to('/messages') });
  return { world, app, bob, alice, handled, to, url: `http://127.0.0.1:${port}/messages` };
}

test('the route of agent.middleware() answers, and its handler hears nothing of it', async () => {
  const { alice, bob, handled } = await route();
  const said = unwrap(await alice.discover(bob.did));
  expect(said.tools).toEqual(TOOLS);
  unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
  expect(handled).toEqual([1]);
});

test('a route that is not discoverable refuses by a signed answer', async () => {
  const { alice, bob, handled } = await route({ discoverable: false });
  expect(idOf(await alice.discover(bob.did))).toBe('CAPABILITIES_UNAVAILABLE:REFUSED');
  expect(handled).toEqual([]);
});

test('a question that was made for another route is refused, and one that is played again, too', async () => {
  const { app, world, bob, to, url } = await route();
  app.post('/elsewhere', bob.middleware());
  const bodies: string[] = [];
  const elsewhere = to('/elsewhere');
  const carol = await world.agent('carol', {
    transport: {
      ...{ onReceive: () => {}, dispose: () => {}, binding: 'POST /messages' },
      send: (envelope, did, again, onReceipt) => {
        bodies.push(JSON.stringify(envelope));
        return elsewhere.send(envelope, did, again, onReceipt);
      },
    },
  });
  const error = errorOf(await carol.discover(bob.did));
  expect(error.cause).toMatchObject({ id: 'REQUEST_BINDING_MISMATCH' });
  const replay = async () => {
    const headers = { 'content-type': 'application/xlink-envelope' };
    const response = await fetch(url, { method: 'POST', headers, body: bodies[0]! });
    const { kind, code } = (await response.json()) as { kind?: string; code?: string };
    return [response.status, response.headers.get('content-type'), kind ?? code];
  };
  expect(await replay()).toEqual([200, 'application/xlink-envelope', 'message']);
  expect(await replay()).toEqual([409, 'application/problem+json', 'REPLAY_DETECTED']);
});

test('the question alone, without asking for an answer, gets none', async () => {
  const { world, bob } = await route();
  const taking = new HttpsTransportAdapter({ baseUrl: 'http://localhost/messages' });
  const carol = await world.agent('carol', { transport: taking, capabilities: ['a'] });
  carol.onMessage(() => {});
  const envelope = await bob.createEnvelope({
    to: carol.did,
    scope: 'xlink:discover',
    payload: {},
    request: 'POST /messages',
  });
  const post = () =>
    taking.handle(
      new Request('http://localhost/messages', { method: 'POST', body: JSON.stringify(envelope) }),
    );
  expect((await post()).status).toBe(204);
});

test('handlers of onMessage answer through transport.handle()', async () => {
  const world = new World();
  const taking = new HttpsTransportAdapter({ baseUrl: 'http://localhost/messages' });
  const bob = await world.agent('bob', { transport: taking, tools: TOOLS });
  const fetch = ((url: string, init: RequestInit) =>
    taking.handle(new Request(url, init))) as typeof globalThis.fetch;
  const transport = new HttpsTransportAdapter({ baseUrl: 'http://localhost/messages', fetch, retries: 0 });
  const alice = await world.agent('alice', { transport });
  expect(idOf(await alice.discover(bob.did))).toBe('SEND_FAILED:UNKNOWN_OUTCOME'); // nothing takes messages there yet
  bob.onMessage(() => {});
  expect(unwrap(await alice.discover(bob.did)).tools).toEqual(TOOLS);
});

test('a peer that knows no discovery refuses the scope, and that is told', async () => {
  const { world, bob } = await route();
  const problem = JSON.stringify({ status: 403, code: 'SCOPE_NOT_ALLOWED' });
  const { port } = await listen(
    createServer((req, res) => {
      req
        .resume()
        .on('end', () => res.writeHead(403, { 'content-type': 'application/problem+json' }).end(problem));
    }),
  );
  const transport = new HttpsTransportAdapter({ baseUrl: `http://127.0.0.1:${port}/`, retries: 0 });
  const alice = await world.agent('dave', { transport });
  const error = errorOf(await alice.discover(bob.did));
  expect(error).toMatchObject({
    id: 'CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED',
    cause: { id: 'SCOPE_NOT_ALLOWED' },
  });
});

test.each<[string, (res: import('node:http').ServerResponse) => void, string]>([
  [
    'takes it and answers nothing',
    (res) => res.writeHead(204).end(),
    'CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED',
  ],
  ['answers something else', (res) => res.end('<html>'), 'CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED'],
  [
    'answers with an envelope of nobody',
    (res) => res.writeHead(200, { 'content-type': 'application/xlink-envelope' }).end('{}'),
    'CAPABILITIES_INVALID:OTHER_DID',
  ],
  ['does not answer', () => {}, 'CAPABILITIES_UNAVAILABLE:NO_ANSWER'],
  [
    'never stops answering',
    (res) => {
      res.writeHead(200, { 'content-type': 'application/xlink-envelope' });
      const more = (): void =>
        void (res.destroyed || res.write('x'.repeat(65_536), () => setImmediate(more)));
      more();
    },
    'SEND_FAILED:UNKNOWN_OUTCOME',
  ],
])('a server that %s', async (_, answer, id) => {
  const { world, bob } = await route();
  const { port } = await listen(createServer((req, res) => void req.resume().on('end', () => answer(res))));
  const transport = new HttpsTransportAdapter({ baseUrl: `http://127.0.0.1:${port}/`, retries: 0 });
  const alice = await world.agent('dave', { transport });
  expect(idOf(await alice.discover(bob.did, { timeoutMs: 700 }))).toBe(id);
  transport.dispose();
});
