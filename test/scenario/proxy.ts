import { once } from 'node:events';
import { createServer, Agent as HttpAgent, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A load balancer: each request goes to the next upstream in turn. One that is taken out gets no new requests. */
export class RoundRobinProxy {
  readonly #server: Server;
  readonly #connections = new HttpAgent({ keepAlive: true });
  readonly #inFlight = new Map<number, number>();
  #upstreams: number[] = [];
  #next = 0;
  #onIdle: (() => void) | undefined;

  private constructor() {
    this.#server = createServer((req, res) => {
      const port = this.#upstreams[this.#next++ % this.#upstreams.length]!;
      this.#inFlight.set(port, (this.#inFlight.get(port) ?? 0) + 1);
      res.once('close', () => {
        this.#inFlight.set(port, this.#inFlight.get(port)! - 1);
        this.#onIdle?.();
      });
      const options = {
        port,
        host: '127.0.0.1',
        method: req.method,
        path: req.url,
        headers: req.headers,
        agent: this.#connections,
      };
      const upstream = httpRequest(options, (answer) => {
        res.writeHead(answer.statusCode!, answer.rawHeaders);
        answer.pipe(res);
      });
      upstream.once('error', () => res.writeHead(502).end());
      req.pipe(upstream);
    });
  }

  static async start(): Promise<RoundRobinProxy> {
    const proxy = new RoundRobinProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  add(port: number): void {
    this.#upstreams.push(port);
  }

  /** Resolves once the upstream has answered what it had been given. */
  async remove(port: number): Promise<void> {
    this.#upstreams = this.#upstreams.filter((one) => one !== port);
    while ((this.#inFlight.get(port) ?? 0) > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#connections.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
