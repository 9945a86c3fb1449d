import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { MeshError } from '../errors/mesh-error.js';
import type { Address } from './address.js';
import { MAX_MESSAGE } from './cipher.js';
import type { HandshakeBounds } from './connect.js';
import type { Acceptor } from './engine.js';
import type { NoiseListener } from './provider.js';
import { KEEP_ALIVE_MS } from './tcp.js';
import { SUBPROTOCOL, WebSocketPipe, type WsSocket } from './websocket.js';

/** A listener for `upgrade` of an HTTP server. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Connects. Throws `NOISE_HANDSHAKE_FAILED:CONNECTION` or `…:TIMEOUT`; `INVALID_OPTION` where `ws` is not installed. */
export async function dialWebSocket(
  { url }: Address,
  { timeoutMs, signal }: HandshakeBounds,
): Promise<WebSocketPipe> {
  const { WebSocket } = await ws();
  const options = { handshakeTimeout: timeoutMs, maxPayload: MAX_MESSAGE, perMessageDeflate: false };
  const socket = new WebSocket(url, SUBPROTOCOL, options);
  const pipe = new WebSocketPipe(socket as unknown as WsSocket);
  const abort = () => socket.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    socket.once('upgrade', (response) => response.socket.setKeepAlive(true, KEEP_ALIVE_MS));
    await once(socket, 'open');
    if (socket.protocol !== SUBPROTOCOL) throw new Error('the server did not take the subprotocol');
    return pipe;
  } catch (cause) {
    socket.terminate();
    throw new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Takes upgrades that name the subprotocol; others are answered with 400. */
export async function webSocketUpgrade(acceptor: Acceptor): Promise<UpgradeHandler> {
  const { WebSocketServer } = await ws();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
    handleProtocols: (offered: Set<string>) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
  });
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy()); // before anything else: an error that nobody listens for ends the process
    const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
    if (!offered.includes(SUBPROTOCOL)) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    request.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    server.handleUpgrade(request, socket, head, (open) =>
      acceptor.accept(new WebSocketPipe(open as unknown as WsSocket), request.socket.remoteAddress),
    );
  };
}

/** A server of its own, which answers nothing else. */
export async function listenWebSocket(address: Address, acceptor: Acceptor): Promise<NoiseListener> {
  const { host, port, url } = address;
  if (new URL(url).protocol === 'wss:')
    throw new MeshError('INVALID_OPTION', {
      field: 'address',
      hint: 'listen: give the upgrades of your HTTPS server to upgrades() for wss://.',
    });
  const { pathname } = new URL(url);
  const upgrade = await webSocketUpgrade(acceptor);
  const server = createServer((_, response) => response.writeHead(426, { Upgrade: 'websocket' }).end());
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?')[0] === pathname) upgrade(request, socket, head);
    else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  server.listen(port, host);
  await once(server, 'listening');
  const { port: chosen } = server.address() as AddressInfo;
  return {
    address: `ws://${host.includes(':') ? `[${host}]` : host}:${chosen}${pathname}`,
    get handshakes() {
      return acceptor.handshakes;
    },
    async close() {
      server.close();
      server.closeIdleConnections();
      acceptor.stop();
    },
  };
}

async function ws(): Promise<typeof import('ws')> {
  try {
    return await import('ws');
  } catch (cause) {
    throw new MeshError('INVALID_OPTION', {
      field: 'address',
      hint: 'Install the package ws to use ws:// and wss:// addresses.',
      cause,
    });
  }
}
