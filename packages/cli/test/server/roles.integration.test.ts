import { describe, expect, test } from '@jest/globals';
import { PERMISSIONS, type Permission, ROLES, type Role } from '../../src/server/roles.js';
import { ROUTES } from '../../src/server/routes/index.js';
import { memberOf, request, startHere, type TestServer } from './support.js';

/** A body that is not what any route takes: whoever may use the route learns that, and nothing happens. */
const WRONG = { body: { '\u0000': 1 } };

const targetOf = (path: string) => path.replace('{did}', 'nobody').replace(/\{\w+\}/, '!');

/** What the table of roles decides, for each permission with a route of its own. */
async function isAllowed(server: TestServer, id: string, token: string): Promise<boolean> {
  const { method, path, body } = ROUTES.find((route) => route.id === id)!;
  const sent = await request(server.url, method, targetOf(path), { token, ...(body ? WRONG : {}) });
  expect([200, 400, 403, 404]).toContain(sent.status);
  expect(sent.status === 403).toBe(sent.json?.code === 'PERMISSION_DENIED');
  return sent.status !== 403;
}

describe('roles', () => {
  const rows = Object.entries(PERMISSIONS) as [Permission, Readonly<Record<Role, boolean>>][];

  test.each(rows)('%s', async (permission, row) => {
    const server = await startHere();
    const routes = ROUTES.filter(({ access }) => access === permission);
    for (const role of ROLES) {
      const token = await server.tokenOf(role);
      for (const { id } of routes)
        expect([id, role, await isAllowed(server, id, token)]).toEqual([id, role, row[role]]);
    }
  });

  test('each permission has a route', () => {
    const used = new Set(ROUTES.map(({ access }) => access));
    const unused = Object.keys(PERMISSIONS).filter((permission) => !used.has(permission as Permission));
    expect(unused).toEqual([]);
  });

  test('nobody in particular gets past any route that is not public', async () => {
    const server = await startHere();
    for (const { method, path, access, body } of ROUTES.filter((route) => route.access !== 'public')) {
      const sent = await request(server.url, method, targetOf(path), body ? WRONG : {});
      expect([path, access, sent.status]).toEqual([path, access, 401]);
      const wrong = await request(server.url, method, targetOf(path), {
        token: `xlk_${'a'.repeat(12)}.${'a'.repeat(43)}`,
        ...(body ? WRONG : {}),
      });
      expect([path, wrong.status]).toEqual([path, 401]);
    }
  });

  test('an operator changes no entry of a DID with a role', async () => {
    const server = await startHere();
    const boss = await memberOf(server, 'boss');
    await server.send('PUT', `/v1/roles/${boss.did}`, { role: 'admin' });
    await server.send('POST', '/registry/revoke', { did: boss.did });
    const operator = await server.tokenOf('operator');
    for (const path of ['add', 'scopes', 'keys', 'revoke', 'register', 'succeed'])
      for (const prefix of ['', '/v1']) {
        const sent = await server.send('POST', `${prefix}/registry/${path}`, { did: boss.did }, operator);
        expect([path, sent.status, sent.json.subCode]).toEqual([path, 403, 'ROLE_HOLDER']);
      }
    expect((await server.get(`/registry/resolve/${boss.did}`)).json.status).toBe('revoked');
    expect((await server.send('POST', '/registry/add', { did: boss.did })).status).toBe(200);
  });

  test('a request that was limited to one scope has no role', async () => {
    const server = await startHere();
    const boss = await memberOf(server, 'boss', ['agents:use']);
    await server.send('PUT', `/v1/roles/${boss.did}`, { role: 'admin' });
    const { xlinkFetch } = await import('@private.me/xlink/client');
    const call = xlinkFetch({ baseUrl: server.url, agent: boss.agent, scope: 'agents:use' });
    const me = (await (await call('/v1/me')).json()) as object;
    expect(me).toEqual({ by: 'did', id: boss.did, permissions: [] });
  });
});
