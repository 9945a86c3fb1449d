// The TypeScript consumer. One source for ESM, CommonJS and bundlers, hence no top-level await.
import assert from 'node:assert';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Agent, DualModeAdapter, LoopbackTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { redactUrl } from '@private.me/xlink/logging';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import express from 'express';

async function main(): Promise<void> {
  assert.equal(typeof prometheusMetrics, 'function');
  assert.equal(redactUrl('/?token=x'), '/?token=[redacted]');

  const registry = new MemoryTrustRegistry();
  const transport = new LoopbackTransport();
  const alice: Agent = await Agent.quickstart({ name: 'Alice', registry, transport });
  const bob = await Agent.quickstart({ name: 'Bob', registry, transport });

  const sent = await alice.send({ to: bob.did, payload: { text: 'hi' }, scope: 'chat' });
  if (!sent.ok) throw sent.error;
  const received = await bob.receive(transport.outbox[0]!);
  if (!received.ok) throw received.error;
  assert.deepEqual(received.value.payload, { text: 'hi' });
  assert.equal(received.value.sender, alice.did);

  // @ts-expect-error A DID is a string: were the package's types not found, all would be any and this would pass.
  const wrong: number = bob.did;
  assert.ok(wrong);

  const adapter = new DualModeAdapter({
    agent: bob,
    legacyKeyValidator: async (key) => (key === 'k' ? { userId: 'u1' } : null),
    mode: 'hybrid',
  });
  const app = express();
  app.use(adapter.middleware());
  app.get('/whoami', (request, response) => {
    response.json(Reflect.get(request, 'auth'));
  });

  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const headers = { 'x-api-key': 'k', connection: 'close' };
  const response = await fetch(`http://127.0.0.1:${port}/whoami`, { headers });
  server.close();
  assert.equal(response.status, 200);
  assert.equal(Reflect.get(Object(await response.json()), 'userId'), 'u1');
}

main();
