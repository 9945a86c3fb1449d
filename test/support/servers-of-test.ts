// Real servers that end with the test that started them.
import { afterTest } from './after-test.js';
import { PostgresServer } from './postgres-server.js';
import { RedisServer } from './redis-server.js';

/** A real Redis on a free port, which evicts nothing. `stop` is a power cut. */
export async function startRedis(): Promise<{
  readonly port: number;
  readonly url: string;
  readonly stop: () => Promise<void>;
}> {
  const server = await RedisServer.start({ args: ['--maxmemory-policy', 'noeviction'] });
  afterTest(() => server.stop());
  return { port: server.port, url: server.url, stop: () => server.kill() };
}

/** A real PostgreSQL on a free port. `stop` is a power cut. */
export async function startPostgres(): Promise<{
  readonly url: string;
  readonly stop: () => Promise<void>;
}> {
  const server = await PostgresServer.start();
  afterTest(() => server.stop());
  return { url: `postgres://postgres@127.0.0.1:${server.port}/postgres`, stop: () => server.kill() };
}
