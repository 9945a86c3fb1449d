import { once } from 'node:events';
import { createServer, Agent as HttpAgent, type RequestListener } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  createServer as createHttp2Server,
  createSecureServer,
} from 'node:http2';
import { createServer as createHttpsServer, Agent as HttpsAgent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from '@jest/globals';
import { recorder } from '../support/service.js';
import { World, type WorldWithCaller } from '../support/world.js';
import type { Gate } from './apps.js';
import { exchangeHttp1, exchangeHttp2, type Received, type Sent } from './exchange.js';
import type { Protocol } from './row.js';

/** One server for each protocol and one adapter, which the rows of a test file take turns on. */
export interface Stage {
  readonly known: WorldWithCaller;
  readonly adapter: Gate;
  /** Sends a request to an application. `plain`: on a connection on which no adapter ever was. */
  send(protocol: Protocol, plain: boolean, sent: Sent): Promise<Received>;
  /** Puts an application on. */
  play(listener: RequestListener): void;
  /** Resolves when what was served so far is over. */
  over(): Promise<void>;
}

/** A certificate for 127.0.0.1, and its key; PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Opened before the tests of a file, closed behind them. With a certificate it speaks TLS. */
export function stage(tls?: Certificate): Stage {
  let listener: RequestListener = () => {};
  let known: WorldWithCaller;
  let adapter: Gate;
  let open: Promise<unknown>[] = [];
  const sockets = new Set<{ readonly destroyed: boolean }>();
  const serve: RequestListener = (req, res) => {
    open.push(once(res, 'close').catch(() => {}));
    sockets.add(req.socket);
    listener(req, res);
  };
  const http1 = tls ? createHttpsServer(tls, serve) : createServer(serve);
  const http2 = tls ? createSecureServer(tls, serve as never) : createHttp2Server(serve as never);
  const kept = { keepAlive: true, ca: tls?.cert };
  const agents = [0, 1].map(() => (tls ? new HttpsAgent(kept) : new HttpAgent(kept)));
  let sessions: ClientHttp2Session[] = [];
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

  beforeAll(async () => {
    known = await World.withCaller();
    const parts = recorder(known.api);
    adapter = { express: () => parts.adapter.middleware(), koa: () => parts.adapter.koa() };
    for (const server of [http1, http2]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    const scheme = tls ? 'https' : 'http';
    sessions = [0, 1].map(() => connect(`${scheme}://127.0.0.1:${portOf(http2)}`, { ca: tls?.cert }));
  });
  afterAll(async () => {
    for (const agent of agents) agent.destroy();
    for (const session of sessions) session.destroy();
    http1.closeAllConnections();
    await Promise.all([http1, http2].map((server) => new Promise((resolve) => server.close(resolve))));
  });

  return {
    get known() {
      return known;
    },
    get adapter() {
      return adapter;
    },
    play(next) {
      listener = next;
    },
    send(protocol, plain, sent) {
      const at = plain ? 0 : 1;
      if (protocol === 'HTTP/1.1') return exchangeHttp1(portOf(http1), agents[at]!, sent);
      return exchangeHttp2(sessions[at]!, sent);
    },
    async over() {
      const waiting = open;
      open = [];
      await Promise.all(waiting);
      await new Promise((resolve) => setImmediate(resolve)); // what comes behind `close`
      // The client may not know yet that a connection is gone, and would use it again.
      if ([...sockets].some(({ destroyed }) => destroyed)) for (const agent of agents) agent.destroy();
      sockets.clear();
    },
  };
}
