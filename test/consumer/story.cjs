// What every plain JavaScript consumer does, whichever way it loaded the package.
const assert = require('node:assert');
const { once } = require('node:events');

module.exports = async function story({ xlink, logging, metrics, opentelemetry, express }) {
  const { Agent, DualModeAdapter, LoopbackTransport, MemoryTrustRegistry } = xlink;
  assert.equal(typeof metrics.prometheusMetrics, 'function');

  const registry = new MemoryTrustRegistry();
  const transport = new LoopbackTransport();
  const alice = await Agent.quickstart({ name: 'Alice', registry, transport });
  const bob = await Agent.quickstart({ name: 'Bob', registry, transport });

  const sent = await alice.send({ to: bob.did, payload: { text: 'hi' }, scope: 'chat' });
  assert.ok(sent.ok, sent.error?.message);
  const received = await bob.receive(transport.outbox[0]);
  assert.ok(received.ok, received.error?.message);
  assert.deepEqual(received.value.payload, { text: 'hi' });
  assert.equal(received.value.sender, alice.did);

  const tracer = opentelemetry.openTelemetry();
  assert.equal(await tracer.ready, true); // prom-client brings the API along; bare.ts is without it
  const lines = [];
  const note = (_fields, message) => void lines.push(message);
  const logger = { debug: note, info: note, warn: note, error: note };

  const adapter = new DualModeAdapter({
    agent: bob,
    legacyKeyValidator: async (key) => (key === 'k' ? { userId: 'u1' } : null),
    mode: 'hybrid',
    tracer,
    observers: [logging.logObserver(logger)],
  });
  const app = express();
  app.use(adapter.middleware());
  app.get('/whoami', (request, response) => response.json(request.auth));

  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `http://127.0.0.1:${server.address().port}/whoami`;
    const welcome = await fetch(url, { headers: { 'x-api-key': 'k', connection: 'close' } });
    assert.equal(welcome.status, 200);
    const auth = await welcome.json();
    assert.equal(auth.mode, 'api-key');
    assert.equal(auth.userId, 'u1');
    const refused = await fetch(url, { headers: { 'x-api-key': 'wrong', connection: 'close' } });
    assert.equal(refused.status, 401);
    assert.ok(lines.includes('xlink: request accepted'), lines.join());
  } finally {
    server.close();
  }
};
