import {
  PostgresNonceStore,
  PostgresSequenceStore,
  PostgresTicketKeyStore,
  PostgresTrustRegistry,
} from '@private.me/xlink/postgres';
import pg from 'pg';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { testSharedSessions } from './shared-stores.js';

describeWithPostgres('sessions over instances that share PostgreSQL, and nothing else', () => {
  let server: PostgresServer;
  let admin: pg.Pool;
  const newPool = () => {
    const pool = new pg.Pool({ ...server.connection, max: 4, connectionTimeoutMillis: 1000 });
    pool.on('error', () => {});
    return pool;
  };

  testSharedSessions({
    async start() {
      server = await PostgresServer.start();
      admin = newPool();
    },
    async stop() {
      await admin?.end();
      await server?.stop();
    },
    empty: () => admin.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'),
    /** Unlogged tables are empty after a crash. The registry is not: it is logged. */
    lose: () => server.restart(),
    async connect() {
      const pool = newPool();
      const nonceStore = new PostgresNonceStore({ pool });
      const sequences = new PostgresSequenceStore({ pool });
      await Promise.all([nonceStore.migrate(), sequences.migrate()]);
      return {
        registry: new PostgresTrustRegistry({ pool }),
        nonceStore,
        sequences,
        tickets: new PostgresTicketKeyStore({ pool }),
        end: () => pool.end(),
      };
    },
    async ticketKeys() {
      return (await admin.query('SELECT sealed FROM xlink_ticket_keys')).rows.map(({ sealed }) => sealed);
    },
  });
});
