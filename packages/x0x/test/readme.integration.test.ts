import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, MemoryTrustRegistry } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { FileNonceStore, FileTrustRegistry, identityFromFile } from '@private.me/xlink/file';
import express from 'express';
import { Registry } from 'prom-client';
import { AgentDirectory, X0xNode, x0xGuards } from '../src/index.js';
import { x0xMetrics } from '../src/metrics.js';
import { afterTest, openNode, placesIn, temporaryFolder } from './support.js';

// "Guards for an API" of the README, line by line, with paths of a test.
test('the API of the README lets in the agent whose card was imported, at the next start, too, and nobody else', async () => {
  const folder = await temporaryFolder();
  const caller = await openNode(folder, 'caller');
  const stranger = await openNode(folder, 'stranger');
  const { link } = await caller.card();

  async function start() {
    const observers = [x0xMetrics({ register: new Registry() })];
    const node = await X0xNode.open({ ...placesIn(folder, 'api'), observers });
    const registry = new FileTrustRegistry({ path: join(folder, 'callers.jsonl') });
    const nonceStore = await FileNonceStore.open({ path: join(folder, 'nonces.jsonl') });
    const identity = await identityFromFile(join(folder, 'api.pkcs8'));
    const agent = new Agent({ identity, registry, nonceStore });
    const directory = new AgentDirectory({ registry, crypto: identity.crypto });
    const { requireTrust } = x0xGuards({ node, directory, did: agent.did, observers });
    const adapter = new DualModeAdapter({ agent, mode: 'xlink-only', legacyKeyValidator: () => null });
    const app = express().use(adapter.middleware(), express.json());
    app.post('/orders', requireTrust('known'), (_req, res) => void res.json({ done: true }));
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stop = async () => {
      server.close();
      server.closeAllConnections();
      adapter.close();
      await registry.close();
      await nonceStore.close();
      await node.close();
    };
    const admit = async () => {
      const { card } = await node.importCard(link, { trust: 'known' });
      await directory.learn(card.agent_id, card.xlink, ['*']);
    };
    return {
      did: agent.did,
      baseUrl: `http://localhost:${(server.address() as AddressInfo).port}`,
      stop,
      admit,
    };
  }

  const call = async (by: X0xNode, baseUrl: string) => {
    const agent = new Agent({ identity: by.identity.xlink, registry: new MemoryTrustRegistry() });
    const api = xlinkFetch({ agent, baseUrl });
    const headers = { 'content-type': 'application/json' };
    const answer = await api('/orders', { method: 'POST', headers, body: '{}' });
    return answer.status;
  };

  const first = await start();
  afterTest(first.stop);
  await first.admit();
  expect(await call(caller, first.baseUrl)).toBe(200);
  expect(await call(stranger, first.baseUrl).catch(() => 'refused')).not.toBe(200);
  await first.stop();
  const second = await start();
  afterTest(second.stop);
  expect(second.did).toBe(first.did);
  expect(await call(caller, second.baseUrl)).toBe(200);
});
