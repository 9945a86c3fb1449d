import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PrometheusOptions } from '@private.me/xlink/metrics';

/** Serves a registry over HTTP, as an application does at `/metrics`. */
export class Exporter {
  readonly #server;

  constructor(register: NonNullable<PrometheusOptions['register']>) {
    this.#server = createServer(async (_req, res) => {
      res.setHeader('Content-Type', register.contentType);
      res.end(await register.metrics());
    });
  }

  /** Listens on a free loopback port; returns `127.0.0.1:port`. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
