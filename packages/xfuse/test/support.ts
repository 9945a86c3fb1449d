import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Agent,
  DualModeAdapter,
  type DualModeOptions,
  MemoryClientStore,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import express from 'express';
import { afterTest } from '../../../test/support/after-test.js';
import { type BridgeEvent, isXfuseError, Xfuse, type XfuseOptions } from '../src/index.js';

export { afterTest } from '../../../test/support/after-test.js';
export { untilFound as until } from '../../../test/support/until.js';

/** A server on a free port of the loopback; its URL. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers with JSON. */
export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** The whole body of a request. */
export async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

export const KEY = 'sk_live_bridge_secret';

/** An API that knows only keys. */
export async function keyApi(handler: RequestListener): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const url = await listen((request, response) => {
    seen.push(request);
    if (request.headers['x-api-key'] === KEY) handler(request, response);
    else json(response, { error: 'no key' }, 401);
  });
  return { url, seen };
}

/** The same behind an adapter of xLink. */
export async function xlinkApi(handler: express.RequestHandler, options: Partial<DualModeOptions> = {}) {
  const registry = new MemoryTrustRegistry();
  const agent = await Agent.quickstart({ registry, name: 'modern' });
  const adapter = new DualModeAdapter({
    agent,
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    legacyKeyValidator: (key) => (key === KEY ? { clientId: 'bridge', scopes: ['orders:read'] } : null),
    ...options,
  });
  const seen: express.Request[] = [];
  const app = express().use(adapter.middleware(), express.json());
  app.use((request, response, next) => {
    seen.push(request);
    handler(request, response, next);
  });
  return { url: await listen(app), seen, adapter, registry, agent };
}

/** A bridge that ends with the test, and what it told. */
export async function openBridge(options: XfuseOptions): Promise<{ bridge: Xfuse; events: BridgeEvent[] }> {
  const events: BridgeEvent[] = [];
  const bridge = await Xfuse.create({ ...options, observers: [(event) => events.push(event)] });
  afterTest(() => bridge.close());
  return { bridge, events };
}

/** The id of the error with which something fails. */
export async function idOfFailure(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isXfuseError(error)) return error.id;
    throw error;
  }
  throw new Error('it did not fail');
}
