import { createServer, type Server } from 'node:http';
import {
  type ClientRecord,
  type DashboardOptions,
  DualModeAdapter,
  type DualModeOptions,
  type ErrorId,
  MemoryClientStore,
  type RequestEvent,
} from '@private.me/xlink';
import express from 'express';
import { listen } from '../support/listen.js';
import { World } from '../support/world.js';

export const KEY = 'key-canary-dashboard-7d1f';
export const PASSWORD = 'a password of the test';
export const BASIC = `Basic ${Buffer.from(`anybody:${PASSWORD}`).toString('base64')}`;

/** An adapter in hybrid mode, with a client store unless the options say otherwise. */
export async function adapterOf(options: Partial<DualModeOptions> = {}): Promise<DualModeAdapter> {
  const agent = await new World().agent('orders-api', { clock: Date.now });
  return new DualModeAdapter({
    agent,
    mode: 'hybrid',
    legacyKeyValidator: (key) => (key === KEY ? { clientId: 'acme' } : null),
    clients: new MemoryClientStore(),
    ...options,
  });
}

/** The dashboard of an adapter on a free port, open to everybody unless the options say otherwise. */
export async function serveDashboard(
  adapter: DualModeAdapter,
  options: Partial<DashboardOptions<never>> = {},
): Promise<{ readonly url: string; readonly server: Server }> {
  const app = express();
  const access = options.password || options.authorize ? {} : { unsafeOpenToEveryone: true as const };
  app.use('/xlink', adapter.dashboard({ ...access, refreshMs: 200, ...(options as object) }));
  app.use(adapter.middleware());
  app.get('/orders', (_req, res) => void res.json({ orders: [] }));
  const server = createServer(app);
  return { url: `${(await listen(server)).url}/xlink`, server };
}

/** What an adapter says about a request that is over. */
export const requestEvent = (
  method: RequestEvent['method'],
  reason: ErrorId | 'ok' = 'ok',
): RequestEvent => ({
  type: 'request',
  mode: 'hybrid',
  method,
  outcome: reason === 'ok' ? 'accepted' : 'refused',
  reason,
  status: reason === 'ok' ? 200 : 401,
  route: '/orders',
  durationMs: 1,
});

export const clientRecord = (client: string, more: Partial<ClientRecord> = {}): ClientRecord => ({
  client,
  dids: [],
  keyRequests: 0,
  xlinkRequests: 0,
  failures: {},
  ...more,
});
