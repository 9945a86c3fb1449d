import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startPostgres, startRedis } from '../../../../test/support/servers-of-test.js';
import { describeWith, until } from '../support/needs.js';
import { startServer } from './program.js';
import { request, temporaryFolder } from './support.js';

const KEY = { XLINK_AGENT_KEY: '07'.repeat(32) };

/** What two servers over one store must do, and what one does whose store is gone. */
async function twoServers(
  store: { readonly url: string; readonly stop: () => Promise<void> },
  hasRelay: boolean,
) {
  const folder = await temporaryFolder();
  const start = (name: string) =>
    startServer(
      [
        '--data',
        join(folder, name),
        '--store',
        store.url,
        '--identity',
        join(folder, 'identity.pkcs8'),
        '--log-level',
        'error',
      ],
      { env: KEY },
    );
  const [one, two] = await Promise.all([start('one'), start('two')]);
  const tokens = [one.adminToken, two.adminToken].filter((token) => token !== undefined);
  expect([one.did === two.did, tokens.length]).toEqual([true, 1]); // of both, one made the first admin
  const token = tokens[0];
  const ask = (server: typeof one, method: string, target: string, body?: unknown) =>
    request(server.url, method, target, { token, body });

  const { json: bob } = await ask(one, 'POST', '/v1/agents', { name: 'bob', scopes: ['*'] });
  expect((await ask(two, 'GET', `/v1/agents/${bob.did}`)).json.name).toBe('bob');
  const { json: sent } = await ask(two, 'POST', `/v1/agents/${bob.did}/send`, {
    to: bob.did,
    payload: 7,
    scope: 'x',
  });
  expect(sent.delivered).toBe(hasRelay);
  const { json: kept } = await ask(two, 'POST', `/v1/agents/${bob.did}/send`, {
    to: bob.did,
    payload: 8,
    scope: 'x',
    deliver: false,
  });
  // The same envelope at both at once: one opens it.
  const both = await Promise.all(
    [one, two].map((server) =>
      ask(server, 'POST', `/v1/agents/${bob.did}/receive`, { envelope: kept.envelope }),
    ),
  );
  expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);

  const { json: made } = await ask(one, 'POST', '/v1/tokens', { name: 'ci', role: 'operator' });
  const me = (server: typeof one) => request(server.url, 'GET', '/v1/me', { token: made.token });
  expect((await me(two)).json.role).toBe('operator');
  await ask(two, 'DELETE', `/v1/tokens/${made.id}`);
  expect((await me(one)).status).toBe(401);
  const { json: invite } = await ask(one, 'POST', '/v1/invites', { scopes: ['a'] });
  expect((await ask(two, 'DELETE', `/v1/invites/${invite.number}`)).json.state).toBe('revoked');
  await ask(one, 'PUT', '/v1/mode', { mode: 'deprecation' });
  await until(async () => (await ask(two, 'GET', '/v1/mode')).json.mode === 'deprecation');
  expect((await ask(one, 'GET', '/relay')).status).toBe(hasRelay ? 200 : 404);
  // With PostgreSQL one audit log is that of both; with Redis each has its own.
  const { json: audit } = await ask(one, 'GET', '/v1/audit');
  const told = audit.entries.map(({ request }: { request?: string }) => request);
  expect(told).toContain('PUT /v1/mode');
  expect(told.includes(`DELETE /v1/tokens/${made.id}`)).toBe(!hasRelay);

  await store.stop();
  await until(async () => (await ask(one, 'GET', '/ready')).status === 503, 20_000);
  const down = await ask(one, 'PUT', '/v1/services/a', { url: 'https://a.example' });
  expect(down.status).toBe(503);
  expect(down.text).not.toMatch(/127\.0\.0\.1|ECONN|postgres:|redis:/);
  expect((await ask(one, 'GET', '/health')).status).toBe(200);
  for (const server of [one, two]) expect(await server.end('SIGTERM')).toBe(0);
}

// Needs the built packages: `npm run build`.
describeWith(['redis-server'], 'two servers on one Redis', () => {
  test('share everything, and refuse while it is away', async () => {
    await twoServers(await startRedis(), true);
  });
});

describeWith(['initdb', 'postgres'], 'two servers on one PostgreSQL', () => {
  test('share everything but messages, and refuse while it is away', async () => {
    await twoServers(await startPostgres(), false);
  });
});
