import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterTest } from './after-test.js';

export interface Listening {
  readonly server: Server;
  readonly port: number;
  /** `http://127.0.0.1:` and the port. */
  readonly url: string;
}

/** Serves on a loopback port, a free one unless said otherwise; stopped after the test at the latest. */
export async function listen(served: Server | RequestListener, at = 0): Promise<Listening> {
  const server = typeof served === 'function' ? createServer(served) : served;
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => stopServer(server));
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `http://127.0.0.1:${port}` };
}

export async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
