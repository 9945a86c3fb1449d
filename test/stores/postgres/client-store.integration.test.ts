import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresClientStore } from '@private.me/xlink/postgres';
import pg from 'pg';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { describeClientStore } from '../client-store-conformance.js';

describeWithPostgres('PostgresClientStore', () => {
  let server: PostgresServer;
  let tables = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());

  describeClientStore('PostgresClientStore', async () => {
    const table = `clients_${tables++}`;
    const pools: pg.Pool[] = [];
    const another = async () => {
      const pool = new pg.Pool({ ...server.connection, max: 5 });
      pools.push(pool);
      return new PostgresClientStore({ pool, table, timeoutMs: 10_000 });
    };
    return {
      store: await another(),
      another,
      async close() {
        await Promise.all(pools.map((pool) => pool.end()));
      },
    };
  });
});

test('a connection that breaks as it is handed out is an error of the call, not of the process', async () => {
  const message = (type: string, body: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')]);
  };
  // Logged in, ready, and gone, all in one packet.
  const goodbye = message('E', 'SFATAL\0C57P01\0Mterminating connection\0\0');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.end(Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I'), goodbye]));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres' });
  try {
    const store = new PostgresClientStore({ pool });
    await expect(store.get('acme')).rejects.toMatchObject({ id: 'CLIENT_STORE_UNAVAILABLE' });
  } finally {
    await pool.end();
    server.close();
  }
});
