// The example API, one path prefix per kind of authentication. Started by http.mjs, in a process of its own.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Agent, DualModeAdapter, MemoryTrustRegistry } from '@private.me/xlink';
import express from 'express';
import { primitives } from './primitives.mjs';

const EMPTY = Buffer.alloc(0);
const keyHash = Buffer.from(process.env.API_KEY_SHA256, 'hex');
const isKey = (key) => timingSafeEqual(createHash('sha256').update(key).digest(), keyHash);

const registry = new MemoryTrustRegistry();
const agent = await Agent.quickstart({ registry, maxVersion: 3, name: 'orders-api' });
const adapter = new DualModeAdapter({
  agent,
  mode: 'hybrid',
  refusalsPerSecond: 1_000_000, // what a refusal costs is measured here, and no one waits
  legacyKeyValidator: (key) => (isKey(key) ? { clientId: 'client-1' } : null),
});

const orders = express.Router();
orders.use(express.json());
orders.post('/orders', (req, res) => {
  res.status(201).json({ id: 'order-1', accepted: req.body.text.length });
});
orders.get('/orders', (_req, res) => {
  res.json({ orders: ['order-1'] });
});

const app = express();
app.use('/open', orders);
app.use('/key', checkKey, orders);
app.use('/xlink', adapter.middleware(), orders);

// Version 2 by hand: the bare primitives, base64url in JSON, and one Map against replays. One caller, no registry, no scopes.
const CONTENT = Buffer.from(JSON.stringify({ text: 'x'.repeat(1024 - 11) }));
const byHand = primitives(2, CONTENT.length, CONTENT);
const BYTES = ['kemCiphertext', 'sealed', 'tag', 'signature'];
const seen = new Map();
app.use('/hand', express.raw({ type: 'application/xlink-envelope' }), openByHand, orders);

function openByHand(req, res, next) {
  const message = JSON.parse(req.body);
  if (Math.abs(Date.now() - message.timestamp) > 30_000 || seen.has(message.nonce))
    return res.status(401).end();
  for (const name of BYTES) message[name] = Buffer.from(message[name], 'base64url');
  const opened = byHand.receive({ ...message, sealed: [message.sealed, EMPTY, message.tag] });
  seen.set(message.nonce, message.timestamp);
  req.headers['content-type'] = 'application/json';
  req.body = JSON.parse(opened);
  next();
}

function sealByHand() {
  const { ephemeralPub, kemCiphertext, sealed, signature } = byHand.send();
  const [ciphertext, , tag] = sealed;
  const bytes = { kemCiphertext, sealed: ciphertext, tag, signature };
  const texts = Object.entries(bytes).map(([name, value]) => [
    name,
    Buffer.from(value).toString('base64url'),
  ]);
  const nonce = randomBytes(16).toString('base64url');
  return JSON.stringify({ nonce, timestamp: Date.now(), ephemeralPub, ...Object.fromEntries(texts) });
}

const server = app.listen(0, '127.0.0.1', async () => {
  process.send({ port: server.address().port, did: agent.did, keys: await agent.keyRecord() });
});
server.keepAliveTimeout = 600_000;

const delay = monitorEventLoopDelay({ resolution: 1 });
process.on('message', async (message) => {
  if (message.register) await registry.register(message.register);
  if (message.delay === 'watch') {
    delay.reset();
    delay.enable();
  } else if (message.delay) delay.disable();
  const byHand = Array.from({ length: message.byHand ?? 0 }, sealByHand);
  const [p50, p99] = [50, 99].map((share) => delay.percentile(share) / 1e6);
  process.send({
    ...process.cpuUsage(),
    byHand,
    delay: { p50, p99, max: delay.max / 1e6, count: delay.count },
  });
});
process.on('disconnect', () => process.exit());

/** What an API without the adapter does about keys. */
function checkKey(req, res, next) {
  if (isKey(req.get('x-api-key') ?? '')) next();
  else res.status(401).json({ error: 'unauthorized' });
}
