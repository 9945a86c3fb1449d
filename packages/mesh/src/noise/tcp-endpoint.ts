import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { MeshError } from '../errors/mesh-error.js';
import type { Address } from './address.js';
import type { HandshakeBounds } from './connect.js';
import type { Acceptor } from './engine.js';
import type { NoiseListener } from './provider.js';
import { TcpPipe } from './tcp.js';

/** Connects. Throws `NOISE_HANDSHAKE_FAILED:CONNECTION` or `…:TIMEOUT`. */
export async function dialTcp(address: Address, bounds: HandshakeBounds): Promise<TcpPipe> {
  return new TcpPipe(await connected(address, bounds));
}

/** How long connecting took, in ms, or why it failed. Rejects only when the signal is aborted. */
export async function probe(
  address: Address,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly latencyMs?: number; readonly error?: unknown }> {
  const began = performance.now();
  try {
    (await connected(address, { timeoutMs, signal })).destroy();
    return { latencyMs: performance.now() - began };
  } catch (error) {
    signal?.throwIfAborted();
    return { error };
  }
}

async function connected({ host, port }: Address, { timeoutMs, signal }: HandshakeBounds): Promise<Socket> {
  const socket = connect({ host, port });
  const timer = setTimeout(() => socket.destroy(new MeshError('NOISE_HANDSHAKE_FAILED:TIMEOUT')), timeoutMs);
  const abort = () => socket.destroy(new Error('aborted', { cause: signal?.reason }));
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    await once(socket, 'connect');
    return socket;
  } catch (cause) {
    socket.destroy();
    if (cause instanceof MeshError) throw cause;
    throw new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** Listens. Rejects with what the system says. */
export async function listenTcp({ host, port }: Address, acceptor: Acceptor): Promise<NoiseListener> {
  const server = createServer({ noDelay: true }, (socket) =>
    acceptor.accept(new TcpPipe(socket), socket.remoteAddress),
  );
  server.listen(port, host);
  await once(server, 'listening');
  const { port: chosen } = server.address() as AddressInfo;
  return {
    address: `tcp://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    get handshakes() {
      return acceptor.handshakes;
    },
    async close() {
      server.close();
      acceptor.stop();
    },
  };
}
