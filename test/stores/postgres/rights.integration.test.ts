import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MemoryKeyStore } from '@private.me/xlink';
import {
  PostgresAuditLog,
  PostgresClientStore,
  PostgresKeyStore,
  PostgresLeafStore,
  PostgresModeStore,
  PostgresNonceStore,
  PostgresOperationsStore,
  PostgresSequenceStore,
  PostgresTicketKeyStore,
  PostgresTrustRegistry,
  PostgresWrappingKeyStore,
} from '@private.me/xlink/postgres';
import pg from 'pg';
import { ringOver } from '../../identity/epoch-rings.js';
import { identityOf } from '../../support/agents.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { idOf, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';
import { poolsOf } from './support.js';

const [, grants] = /```sql\n(GRANT [^`]*)```/.exec(readFileSync('docs/stores.md', 'utf8'))!;
/** Each right of the docs by itself, such as `['UPDATE', 'xlink_modes']`. */
const RIGHTS = [...grants!.matchAll(/GRANT (.*) ON (\w+) TO xlink_app;/g)].flatMap(([, rights, table]) =>
  rights!.split(', ').map((right) => [right, table!] as const),
);
const alice = (await identityOf('alice', 1)).did;
const bob = (await identityOf('bob', 1)).did;
const nowhere = new MemoryKeyStore().wrappingKeys;
const ACTIVITY = { client: 'acme', keyRequests: 1, xlinkRequests: 0, failures: {} };

describeWithPostgres('Rights in PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
    const owner = new pg.Pool(server.connection);
    for (const Store of [
      PostgresTrustRegistry,
      PostgresClientStore,
      PostgresModeStore,
      PostgresOperationsStore,
      PostgresWrappingKeyStore,
      PostgresNonceStore,
      PostgresSequenceStore,
      PostgresTicketKeyStore,
      PostgresLeafStore,
    ])
      await new Store({ pool: owner }).migrate();
    await new PostgresKeyStore({ pool: owner, wrappingKeys: nowhere }).migrate();
    await PostgresAuditLog.migrate({ pool: owner });
    await owner.query('CREATE ROLE xlink_app LOGIN');
    await owner.query(grants!);
    await owner.end();
  }, 30_000);
  afterAll(() => server?.stop());
  const open = poolsOf(() => server);
  const owned = () => ({ owner: open(), app: open({ user: 'xlink_app' }) });

  /** Every statement of every store, over new ones. Rejects if one of them fails. */
  async function useAll(pool: pg.Pool, owner: pg.Pool): Promise<void> {
    const registry = new PostgresTrustRegistry({ pool, heartbeatMs: 100 });
    const clients = new PostgresClientStore({ pool });
    const modes = new PostgresModeStore({ pool, heartbeatMs: 100 });
    const wrappingKeys = new PostgresWrappingKeyStore({ pool });
    const keys = new PostgresKeyStore({ pool, wrappingKeys });
    await owner.query('DELETE FROM xlink_keys; DELETE FROM xlink_wrapping_keys');
    await owner.query('DELETE FROM xlink_registry; DELETE FROM xlink_clients_dids; DELETE FROM xlink_modes');
    await owner.query('DELETE FROM xlink_clients; DELETE FROM xlink_clients_batches');
    await owner.query("INSERT INTO xlink_clients_batches VALUES ('old', now() - interval '2 days')");

    await owner.query('DELETE FROM xlink_operations');
    const operations = new PostgresOperationsStore({ pool });
    await operations.save('invitation/a', '{}', 0);
    await operations.save('invitation/a', '{"b":1}', 1);
    await operations.load('invitation/a');
    await operations.list('invitation');
    await operations.remove('invitation/a', 2);

    await owner.query('DELETE FROM xlink_audit; DELETE FROM xlink_audit_heads; DELETE FROM xlink_audit_keys');
    let now = Date.UTC(2026, 0, 1);
    const organization = await identityOf('organization', 2);
    const identity = await identityOf('service', 2);
    const audit = { pool, identity, organization, retention: '1-month', clock: () => now } as const;
    const log = await PostgresAuditLog.open(audit);
    await log.append({ type: 'note' });
    await log.export();
    now = Date.UTC(2026, 5, 1);
    await log.eraseExpired();

    unwrap(await registry.add(alice));
    unwrap(await registry.revoke(alice));
    await registry.list();

    await clients.link(alice, 'acme');
    await clients.link(alice, 'acme');
    await clients.setKeyOff('acme', 1);
    await clients.setRevoked('acme', 1);
    await clients.link('did:key:b', 'acme', { maxDids: 2, validUntil: 5 });
    expect(await clients.unlink('did:key:b')).toBe('acme');
    await clients.add([ACTIVITY, { ...ACTIVITY, client: 'other' }], 'batch');
    await clients.add([ACTIVITY], 'batch');
    expect((await clients.list()).map(({ keyRequests }) => keyRequests)).toEqual([1, 1]);
    expect(await clients.clientOf(alice)).toBe('acme');

    expect(await modes.save({ mode: 'hybrid', since: 1 }, 0)).toBe(true);
    expect(await modes.save({ mode: 'hybrid', since: 2 }, 1)).toBe(true);
    expect((await modes.load())?.version).toBe(2);

    const ring = await ringOver(keys, Date.now);
    const { keyEpoch } = await ring.current();
    await ring.rotate();
    expect(await (await ringOver(keys, Date.now)).find(keyEpoch)).toBeDefined();
    const [id] = await wrappingKeys.ids();
    await wrappingKeys.destroy(id!);
    expect(await wrappingKeys.ids()).not.toContain(id);

    const timestamp = Date.now() + 60_000;
    for (const table of ['xlink_nonces', 'xlink_sequences', 'xlink_ticket_keys'])
      await owner.query(
        `DELETE FROM ${table}; ${table === 'xlink_ticket_keys' ? '' : `DELETE FROM ${table}_since`}`,
      );
    const nonces = new PostgresNonceStore({ pool });
    const use = { recipient: alice, sender: alice, nonce: 'a', timestamp };
    await owner.query("INSERT INTO xlink_nonces VALUES ('old', now() - interval '1 s')");
    expect([await nonces.claim(use, 1000), await nonces.seen(use)]).toEqual([true, true]);
    const sequences = new PostgresSequenceStore({ pool });
    await owner.query("INSERT INTO xlink_sequences VALUES ('old', now() - interval '1 s')");
    expect(await sequences.claimSequence({ sender: alice, sid: 'a', seq: 1, timestamp }, 1000)).toBe(true);
    const tickets = new PostgresTicketKeyStore({ pool });
    expect(await tickets.keep('slot', 'sealed', 1000)).toBe('sealed');
    expect(await tickets.read('slot')).toBe('sealed');
    const leaves = new PostgresLeafStore({ pool });
    for (let n = 0; n < 2; n++) await leaves.keep({ sid: 'a', seq: 0, leaf: 'b' });
    expect(await leaves.take('a', 0, 1)).toHaveLength(1);
    const isSwept = async () =>
      (
        await owner.query(
          "SELECT FROM xlink_nonces WHERE key = 'old' UNION ALL SELECT FROM xlink_sequences WHERE key = 'old'",
        )
      ).rows.length === 0;
    await until(isSwept, { withinMs: 500, what: 'claims that are over to be gone' });

    // The old names of batches go in the background.
    const isTidy = async () =>
      (await owner.query("SELECT FROM xlink_clients_batches WHERE batch = 'old'")).rows.length === 0;
    await until(isTidy, { withinMs: 500, what: 'old names of batches to be gone' });
  }

  test('[E20] the rights that the docs list are enough for every store, listening included', async () => {
    const { owner, app } = owned();
    await useAll(app, owner);
    const registry = new PostgresTrustRegistry({ pool: app });
    const stop = registry.onChange(() => {});
    await until(() => registry.changeFeed === 'live');
    stop();
  });

  test('a service that only asks who may call needs SELECT alone, and can let nobody in', async () => {
    const { owner, app } = owned();
    unwrap(await new PostgresTrustRegistry({ pool: owner }).add(alice, { scopes: ['a'] }));
    await owner.query('REVOKE INSERT, UPDATE ON xlink_registry FROM xlink_app');
    const registry = new PostgresTrustRegistry({ pool: app });
    try {
      expect(await registry.lookup(alice)).toMatchObject({ sendScopes: ['a'] });
      const stop = registry.onChange(() => {});
      await until(() => registry.changeFeed === 'live');
      stop();
      expect(idOf(await registry.add(bob))).toBe('REGISTRATION_FAILED');
      expect(idOf(await registry.revoke(alice))).toBe('REGISTRATION_FAILED');
    } finally {
      await owner.query('GRANT INSERT, UPDATE ON xlink_registry TO xlink_app');
    }
  });

  test('[E20] each of these rights is needed', async () => {
    const { owner, app } = owned();
    expect(RIGHTS).toHaveLength(58);
    const needless: string[] = [];
    for (const [right, table] of RIGHTS) {
      await owner.query(`REVOKE ${right} ON ${table} FROM xlink_app`);
      const works = await useAll(app, owner).then(
        () => true,
        () => false,
      );
      if (works) needless.push(`${right} ON ${table}`);
      await owner.query(`GRANT ${right} ON ${table} TO xlink_app`);
    }
    expect(needless).toEqual([]);
    await useAll(app, owner);
  });
});
