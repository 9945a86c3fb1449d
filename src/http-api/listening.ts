import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How long requests that are under way get once the server takes no more, in ms. */
const FINISH_MS = 8000;

/**
 * An HTTP server with limits against slow callers: heads up to 32 KiB in 10 s, requests in 30 s. It answers 503 until `begin` gives it a
 * handler, so that a port that is taken is told before anything is opened.
 */
export function apiServer(): {
  readonly http: Server;
  /** From now on this answers. */
  readonly begin: (handler: (req: IncomingMessage, res: ServerResponse) => void) => void;
  /** Takes no more; resolves once all that are under way are answered, or 8 s are over. */
  readonly drain: () => Promise<void>;
} {
  const http = createServer({ maxHeaderSize: 32 * 1024 }, starting);
  http.headersTimeout = 10_000;
  http.requestTimeout = 30_000;
  http.keepAliveTimeout = 75_000; // longer than that of a proxy: the side that closes must be the side that sends
  const drain = drainOf(http);
  return { http, begin: (handler) => void http.off('request', starting).on('request', handler), drain };
}

function starting(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(503, { 'Retry-After': '1', Connection: 'close' });
  res.end();
}

/** Listens, and says in plain words why it cannot; `code` is that of Node. */
export async function listenAt(http: Server, port: number, host: string): Promise<AddressInfo> {
  http.listen(port, host);
  try {
    await once(http, 'listening');
  } catch (cause) {
    const { code } = cause as { code?: string };
    const why =
      code === 'EADDRINUSE'
        ? `port ${port} of ${host} is in use: end the other program, or choose another --port`
        : `it cannot listen at ${host}:${port}`;
    throw Object.assign(new Error(why, { cause }), { code });
  }
  return http.address() as AddressInfo;
}

/** Counts requests. Upgraded sockets do not count. */
function drainOf(http: Server): () => Promise<void> {
  let underWay = 0;
  let told = () => {};
  http.on('request', (_req, res: ServerResponse) => {
    underWay += 1;
    res.once('close', () => {
      underWay -= 1;
      if (underWay === 0) told();
    });
  });
  return async () => {
    http.close();
    http.closeIdleConnections();
    if (underWay === 0) return;
    let deadline: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      told = resolve;
      deadline = setTimeout(resolve, FINISH_MS);
    });
    clearTimeout(deadline);
  };
}
