import { expect, test } from '@jest/globals';
import { HttpsTransportAdapter } from '@private.me/xlink';
import express from 'express';
import { listen } from '../support/listen.js';
import { errorOf, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

async function route(handler: express.RequestHandler) {
  const world = new World();
  const bob = await world.agent('bob');
  const app = express();
  app.post('/messages', bob.middleware(), handler);
  const { port } = await listen(app);
  const url = `http://127.0.0.1:${port}/messages`;
  const transport = new HttpsTransportAdapter({ baseUrl: url, retries: 0 });
  return { url, bob, alice: await world.agent('alice', { transport }) };
}

test.each<[string, express.RequestHandler]>([
  ['an empty answer', (_, res) => void res.status(204).end()],
  ['JSON', (_, res) => void res.json({ done: true })],
  ['an answer of its own head', (_, res) => void res.writeHead(200, { 'x-a': '1' }).end('ok')],
])('a route that answers with %s sends a receipt beside it', async (_, handler) => {
  const { alice, bob } = await route(handler);
  const sent = unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
  expect(sent).toMatchObject({
    receipt: { signer: bob.did, status: 'processed', inReplyTo: sent.envelopeId },
  });
  expect(unwrap(await alice.send({ to: bob.did, payload: 1 }))).not.toHaveProperty('receipt');
});

test('handlers of onMessage answer with a receipt in the body', async () => {
  const world = new World();
  const taking = new HttpsTransportAdapter({ baseUrl: 'http://localhost/messages' });
  const bob = await world.agent('bob', { transport: taking });
  bob.onMessage(() => {});
  const fetch = ((url: string, init: RequestInit) =>
    taking.handle(new Request(url, init))) as typeof globalThis.fetch;
  const transport = new HttpsTransportAdapter({ baseUrl: 'http://localhost/messages', fetch });
  const alice = await world.agent('alice', { transport });
  const sent = unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
  expect(sent.receipt).toMatchObject({ signer: bob.did, status: 'processed' });
});

test('a handler that fails is said to have failed', async () => {
  const { alice, bob, url } = await route((_, res) => void res.status(422).end());
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 1, request: 'POST /messages' });
  const headers = { 'content-type': 'application/xlink-envelope', 'xlink-receipt': 'requested' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(envelope) });
  const signed = JSON.parse(answer.headers.get('xlink-receipt')!);
  const { status, messageHash } = JSON.parse(Buffer.from(signed.payload, 'base64url').toString());
  expect([answer.status, status, signed.kind, messageHash.length]).toEqual([422, 'failed', 'receipt', 43]);
});

test('nobody gets a receipt for what was refused', async () => {
  const { alice, bob, url } = await route((_, res) => void res.end());
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 1, request: 'POST /other' });
  const headers = { 'content-type': 'application/xlink-envelope', 'xlink-receipt': 'requested' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(envelope) });
  expect([answer.status, answer.headers.get('xlink-receipt')]).toEqual([401, null]);
});

test('a handler that failed is in the error of send, verified; and whatever a proxy makes of its answer', async () => {
  const { alice, bob, url } = await route((req, res) => void res.status(req.body.ok ? 204 : 500).end());
  const error = errorOf(await alice.send({ to: bob.did, payload: {}, requestReceipt: true }));
  expect([error.id, error.receipt?.status, error.receipt?.signer]).toEqual([
    'SEND_FAILED',
    'failed',
    bob.did,
  ]);
  expect(JSON.stringify(error)).not.toContain(bob.did);
  expect(errorOf(await alice.send({ to: bob.did, payload: {} })).receipt).toBeUndefined();

  const through = async (change: (answer: Response) => Response) => {
    const proxy: typeof fetch = async (input, init) => change(await fetch(input, init));
    const transport = new HttpsTransportAdapter({ baseUrl: url, retries: 0, fetch: proxy });
    const world = new World();
    return world.agent('carol', { transport, registry: bob.registry });
  };
  const polite = await through(({ headers }) => new Response('{}', { status: 200, headers }));
  const hidden = errorOf(await polite.send({ to: bob.did, payload: {}, requestReceipt: true }));
  expect([hidden.id, hidden.receipt?.status]).toEqual(['SEND_FAILED', 'failed']);
  const rude = await through(({ headers }) => new Response('', { status: 500, headers }));
  const done = errorOf(await rude.send({ to: bob.did, payload: { ok: 1 }, requestReceipt: true }));
  expect([done.id, done.receipt?.status]).toEqual(['SEND_FAILED', 'processed']);

  const seen: string[] = [];
  const replaying = await through((answer) => {
    seen.push(answer.headers.get('xlink-receipt')!);
    return new Response('', { status: 500, headers: { 'xlink-receipt': seen[0]! } });
  });
  await replaying.send({ to: bob.did, payload: { ok: 1 }, requestReceipt: true });
  const other = errorOf(await replaying.send({ to: bob.did, payload: { ok: 1 }, requestReceipt: true }));
  expect(other.receipt).toBeUndefined(); // it is of another message
});
