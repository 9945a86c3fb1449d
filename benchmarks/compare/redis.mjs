import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** A redis-server of its own, without files. `connect` resolves to a client that is ready. */
export async function startRedis() {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  await once(server, 'spawn');
  return {
    port,
    connect: (redisClientOptions, at = port) => connect(redisClientOptions, at),
    async stop() {
      server.kill('SIGKILL');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    },
  };
}

async function connect(options, port) {
  const client = new Redis({ ...options, port, host: '127.0.0.1', retryStrategy: () => 50 });
  client.on('error', () => {}); // it is starting
  for (let left = 100; client.status !== 'ready'; left--) {
    if (left === 0) throw new Error('redis-server does not answer');
    await wait(50);
  }
  return client;
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
