// A process that loads the package both ways has two copies of it, which must agree.
const assert = require('node:assert');
const { once } = require('node:events');
const express = require('express');
const required = require('@private.me/xlink');
const { createRelay } = require('@private.me/xlink/server');
const allVersions = require('./all-versions.cjs');

import('@private.me/xlink').then(async (imported) => {
  assert.notEqual(required.Agent, imported.Agent);
  assert.deepEqual(Object.keys(required).sort(), Object.keys(imported).sort());

  // Errors. Fronts of one build share one class; between the builds `instanceof` holds all the same.
  for (const [one, other] of [
    [required, imported],
    [imported, required],
  ]) {
    const error = one.xlinkError('REPLAY_DETECTED');
    assert.ok(other.isXlinkError(error));
    assert.ok(error instanceof other.XlinkError);
    assert.ok(error instanceof other.XlinkAgentError);
    assert.ok(!(error instanceof other.XlinkRegistryError));
    assert.equal(other.toXlinkError(error), error);
    assert.ok(!(new Error('x') instanceof other.XlinkError));
  }
  const refused = await createRelay({}).catch((error) => error);
  assert.ok(Object.getPrototypeOf(Object.getPrototypeOf(refused)) === required.XlinkError.prototype);

  // A subclass of a user is told by its prototype, as ever.
  class OwnError extends required.XlinkError {}
  assert.ok(new OwnError('INTERNAL') instanceof imported.XlinkError);
  assert.ok(!(required.xlinkError('INTERNAL') instanceof OwnError));

  // An agent and an identity of one, an adapter and a guard of the other.
  const { value: identity } = await imported.generateIdentity();
  const agent = new required.Agent({ identity });
  const adapter = new imported.DualModeAdapter({
    agent,
    mode: 'hybrid',
    legacyKeyValidator: (key) => (key === 'k' ? { userId: 'u1', scopes: ['orders:read'] } : null),
  });
  const app = express().use(adapter.middleware(), required.requireScope('orders:read'));
  app.get('/', (request, response) => response.json([required.authOf(request), imported.authOf(request)]));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}/`;
  const response = await fetch(url, { headers: { 'x-api-key': 'k', connection: 'close' } });
  server.close();
  const [byRequired, byImported] = await response.json();
  assert.equal(byImported?.userId, 'u1');
  assert.deepEqual(byRequired, byImported);

  // Envelopes of one, opened by the other: parts of both copies mixed.
  const { LoopbackTransport, isXlinkError } = imported;
  await allVersions(assert, {
    Agent: required.Agent,
    LoopbackTransport,
    MemoryTrustRegistry: imported.MemoryTrustRegistry,
    isXlinkError,
  });
});
