import { Redis } from 'ioredis';
import { afterTest } from '../../../test/support/after-test.js';
import { startRedis as startServer } from '../../../test/support/servers-of-test.js';

export { describeWith, findProgram } from '../../../test/support/needs-program.js';

/** A redis-server of this test; each call of the function is a client of its own. */
export async function startRedis(): Promise<() => Redis> {
  const { url } = await startServer();
  return () => {
    const client = new Redis(url, { retryStrategy: () => 50 });
    client.on('error', () => undefined);
    afterTest(() => client.disconnect());
    return client;
  };
}
