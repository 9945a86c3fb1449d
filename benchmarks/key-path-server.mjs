// One trivial Express route behind an API key: checked by hand, and by the adapter. Started by key-path.mjs.
import { Agent, DualModeAdapter } from '@private.me/xlink';
import express from 'express';

const KEY = process.env.API_KEY;
const customer = { clientId: 'acme', scopes: ['orders'] };
const adapter = new DualModeAdapter({
  agent: await Agent.quickstart({ name: 'orders-api' }),
  mode: 'hybrid',
  legacyKeyValidator: (key) => (key === KEY ? customer : null),
});

const byHand = (req, res, next) => {
  if (req.headers['x-api-key'] !== KEY) return res.status(401).json({ error: 'unauthorized' });
  req.auth = customer;
  next();
};
const route = express.Router().get('/orders', (_req, res) => void res.json({ orders: ['order-1'] }));
const app = express().use('/hand', byHand, route).use('/adapter', adapter.middleware(), route);
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
server.keepAliveTimeout = 600_000;
process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
