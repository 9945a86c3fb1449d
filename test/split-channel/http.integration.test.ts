import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, LoopbackTransport } from '@private.me/xlink';
import express from 'express';
import { seedOf } from '../support/agents.js';
import { bodyForm, listen, send } from '../support/http.js';
import { unwrap } from '../support/results.js';
import { World } from '../support/world.js';

test.each([
  ['sealed shares', false],
  ['Xchange', true],
])('%s at an Express route: refused in so many words, and the handler does not run', async (_, xchange) => {
  const world = new World();
  const { clock, registry } = world;
  const agent = unwrap(await Agent.fromSeed({ seed: seedOf('api'), clock, registry, xchange: true }));
  const transport = [new LoopbackTransport(), new LoopbackTransport(), new LoopbackTransport()];
  const caller = await world.agent('caller', { transport, xchange: true, onWarning: () => undefined });
  const handled: string[] = [];
  const app = express();
  const adapter = new DualModeAdapter({
    agent,
    legacyKeyValidator: async () => null,
    mode: 'hybrid',
    requireRequestBinding: false,
  });
  app.post('/adapter', adapter.middleware(), (_req, res) => void res.json(handled.push('adapter')));
  app.post('/agent', agent.middleware(), (_req, res) => void res.json(handled.push('agent')));
  const { port } = await listen(createServer(app));

  for (const path of ['/adapter', '/agent']) {
    const request = `POST ${path}`;
    const sent = await caller.send({ to: agent.did, payload: { n: 1 }, security: 'high', xchange, request });
    for (const envelope of unwrap(sent).envelopes) {
      const answer = await send(port, { method: 'POST', path, ...bodyForm(envelope) });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text).type).toMatch(/SHARES_NOT_ACCEPTED$/);
    }
    const whole = await caller.createEnvelope({ to: agent.did, payload: { n: 1 }, request });
    expect((await send(port, { method: 'POST', path, ...bodyForm(whole) })).status).toBe(200);
  }
  expect(handled).toEqual(['adapter', 'agent']);
});
