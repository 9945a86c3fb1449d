// A service of several processes, as cluster.integration.test.ts starts it: the primary serves /metrics, the workers the API.
// Talks to the test by messages; ends when the test does.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, DualModeAdapter, MemoryClientStore, MemoryTrustRegistry } from '@private.me/xlink';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import express from 'express';
import { AggregatorRegistry, register } from 'prom-client';

if (cluster.isPrimary) await primary();
else await worker(process.env.ROLE);

async function primary() {
  process.on('disconnect', () => process.exit());
  const aggregator = new AggregatorRegistry();
  const server = createServer(async (_req, res) => {
    try {
      const text = await aggregator.clusterMetrics();
      res.setHeader('Content-Type', aggregator.contentType).end(text);
    } catch (error) {
      res.writeHead(503).end(error.message);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  process.on('message', async ({ fork, tell, message }) => {
    if (fork) {
      const child = cluster.fork({ ROLE: fork });
      const [{ port }] = await once(child, 'message');
      process.send({ id: child.id, port });
    } else {
      const done = once(cluster.workers[tell], 'message');
      cluster.workers[tell].send(message);
      await done;
      process.send({ done: true });
    }
  });
  process.send({ port: server.address().port });
}

async function worker(role) {
  if (role !== 'careless') new AggregatorRegistry(); // answers the primary
  const registry = new MemoryTrustRegistry();
  await agentOf('caller', registry); // registers it
  const clients = new MemoryClientStore();
  const adapter = new DualModeAdapter({
    agent: await agentOf('api', registry),
    mode: 'hybrid',
    clients,
    legacyKeyValidator: (key) => (key.startsWith('good-') ? { clientId: key.slice('good-'.length) } : null),
    deprecation: { sunset: new Date('2100-01-01') },
    observers: [prometheusMetrics({ register, maxClients: 10 })],
  });
  const app = express();
  app.use(adapter.middleware());
  app.all('/orders', (_req, res) => void res.json({ pid: process.pid }));
  // A port of its own for each worker, so that the test decides who gets what.
  const server = createServer(app).listen({ port: 0, host: '127.0.0.1', exclusive: true });
  await once(server, 'listening');

  process.on('message', ({ mode, advice }) => {
    if (mode === undefined && advice === undefined) return; // of prom-client
    if (mode) adapter.setMode(mode);
    if (advice) adapter.emit(advice);
    process.send({ done: true });
  });
  process.send({ port: server.address().port });
}

async function agentOf(name, registry) {
  const seed = new Uint8Array(32).fill(name.length);
  const made = await Agent.fromSeed({ seed, name, registry });
  if (!made.ok) throw made.error;
  return made.value;
}
