import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import { cancelQuery } from '../../../src/stores/postgres/cancel.js';
import { describeWith } from '../../support/needs-program.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { until } from '../../support/until.js';
import { backendsOf, poolsOf } from './support.js';

describeWith(['initdb', 'postgres', 'openssl'], 'A cancel request to PostgreSQL', () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-tls-'));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const request =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost';
    execFileSync('openssl', [...request.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'postgres', folder]);
    server = await PostgresServer.start({ settings: { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key } });
  }, 30_000);
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  const open = poolsOf(() => server);

  const socketFolder = async () =>
    (await open().query('SHOW unix_socket_directories')).rows[0].unix_socket_directories;

  test.each<[string, () => Promise<pg.PoolConfig>]>([
    ['TCP', async () => ({})],
    ['TLS', async () => ({ ssl: { rejectUnauthorized: false } })],
    ['a Unix socket', async () => ({ host: await socketFolder() })],
    [
      'a connection string',
      async () => ({ connectionString: `postgres://postgres@127.0.0.1:${server.port}/` }),
    ],
  ])('ends the query of a connection over %s, and takes no connection itself', async (_, config) => {
    const [pool, observer] = [open(await config()), open()];
    const client = await pool.connect();
    const query = client.query('SELECT pg_sleep(60)');
    query.catch(() => {});
    await until(async () => (await backendsOf(pool, observer))[0]?.state === 'active');
    await cancelQuery(client, pool.options);
    await expect(query).rejects.toMatchObject({ code: '57014' });
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(await backendsOf(pool, observer)).toHaveLength(1);
    client.release();
  });

  test('resolves where the server is gone', async () => {
    const pool = open();
    const client = await pool.connect();
    client.on('error', () => {});
    await server.kill();
    await cancelQuery(client, pool.options);
    client.release(true);
  });
});
