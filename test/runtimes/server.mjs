// The other side in Node: the API, and a control server that hands out the vectors, exchanges envelopes and takes
// reports.
import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import express from 'express';
import { listen, serveApi } from './api.mjs';
import { readVectors } from './vectors.mjs';

/** An agent that says what it received, and sends what it is told to. */
async function createPeer() {
  const registry = new MemoryTrustRegistry();
  const agent = await Agent.quickstart({ postQuantumSig: true, registry });
  const meet = async (keyRecord) => {
    if (!(await registry.lookup(keyRecord.did)))
      await registry.register({
        did: keyRecord.did,
        keys: keyRecord,
        sendScopes: ['runtimes'],
        receiveScopes: ['runtimes'],
      });
  };
  return {
    keyRecord: () => agent.keyRecord(),
    async receive({ keyRecord, envelope, signedOnly }) {
      await meet(keyRecord);
      const received = await agent.receive(JSON.stringify(envelope), { allowCleartext: signedOnly });
      if (!received.ok) throw received.error;
      const { sender, payload, version, encrypted } = received.value;
      return { sender, payload, version, encrypted };
    },
    async send({ keyRecord, ...options }) {
      await meet(keyRecord);
      return agent.createEnvelope({ ...options, to: keyRecord.did });
    },
  };
}

/** Starts both servers. `nextReport()` resolves to what the next run posts; `script` is the bundle for browsers. */
export async function serveSuite(script) {
  const api = await serveApi();
  const peer = await createPeer();
  const world = JSON.stringify({ vectors: readVectors(), serverUrl: api.url });
  let take = () => {};
  const app = express();
  app.use(express.json({ type: () => true, limit: '4mb' }));
  const policy = `default-src 'none'; script-src 'self'; connect-src 'self' ${api.url}`;
  const page = '<!doctype html><script type="module" src="page.js"></script>';
  app.get('/', (_req, res) => res.set('Content-Security-Policy', policy).type('html').send(page));
  app.get('/page.js', (_req, res) => res.type('js').send(script));
  app.get('/world', (_req, res) => res.type('json').send(world));
  app.get('/peer', async (_req, res) => res.json({ keyRecord: await peer.keyRecord() }));
  app.post('/peer/receive', async (req, res) => res.json(await peer.receive(req.body)));
  app.post('/peer/send', async (req, res) => res.json(await peer.send(req.body)));
  app.post('/report', (req, res) => {
    res.json({});
    take(req.body);
  });
  const control = await listen(app);
  return {
    url: control.url,
    nextReport: () => new Promise((resolve) => (take = resolve)),
    close: () => Promise.all([api.close(), control.close()]),
  };
}
