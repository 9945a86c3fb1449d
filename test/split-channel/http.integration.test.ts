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
  });
  app.post('/adapter', adapter.middleware(), (_req, res) => void res.json(handled.push('adapter')));
  app.post('/agent', agent.middleware(), (_req, res) => void res.json(handled.push('agent')));
  const { port } = await listen(createServer(app));

  const [to, payload] = [agent.did, { n: 1 }];
  for (const [path, id, kind] of [
    ['/adapter', 'KIND_NOT_ACCEPTED', 'createRequest'], // shares are messages
    ['/agent', 'SHARES_NOT_ACCEPTED', 'createEnvelope'],
  ] as const) {
    const request = `POST ${path}`;
    for (const bound of [{ request }, {}]) {
      const sent = await caller.send({ to, payload, security: 'high', xchange, ...bound });
      for (const envelope of unwrap(sent).envelopes) {
        const answer = await send(port, { method: 'POST', path, ...bodyForm(envelope) });
        expect(answer.status).toBe(400);
        expect(JSON.parse(answer.text).type.split('#')[1]).toBe(id);
      }
    }
    const whole = await caller[kind]({ to, payload, request });
    expect((await send(port, { method: 'POST', path, ...bodyForm(whole) })).status).toBe(200);
  }
  expect(handled).toEqual(['adapter', 'agent']);
});
