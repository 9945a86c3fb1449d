import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { MemoryTrustRegistry } from '@private.me/xlink';
import { createRegistryAuthMiddleware, createRegistryServer } from '@private.me/xlink/server';
import express from 'express';
import { identityOf } from '../support/agents.js';
import { listen, type Sent, send } from '../support/http.js';

const ALICE = (await identityOf('alice', 1)).did;
const TOKEN = 'token-canary-2b8e61f0';
const BEARER = { authorization: `Bearer ${TOKEN}` };
const post = (path: string): Sent => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: '{}',
});

describe('createRegistryAuthMiddleware', () => {
  async function guarded(mount: string) {
    const app = express();
    app.use(mount, createRegistryAuthMiddleware(TOKEN));
    app.use((req, res) => void res.status(200).json({ passed: req.originalUrl }));
    const { port } = await listen(createServer(app));
    return (sent: Sent) => send(port, sent);
  }

  test.each(['/registry', '/'])(
    'at %s lets lookups pass, and everything else with the token only',
    async (mount) => {
      const send = await guarded(mount);
      expect((await send({ path: `/registry/resolve/${ALICE}` })).status).toBe(200);
      expect((await send({ path: `/registry/resolve/${ALICE}?x=/register`, method: 'HEAD' })).status).toBe(
        200,
      );
      const others: Sent[] = [
        post('/registry/register'),
        { path: '/registry/list' },
        { path: '/registry' },
        { path: '/registry/resolve/' },
        { path: '/registry/resolve/x/../../register' },
        { path: '/registry/register?/registry/resolve/x' },
        post(`/registry/resolve/${ALICE}`),
        { path: `/registry/resolve/${ALICE}`, method: 'DELETE' },
      ];
      for (const sent of others) {
        const refused = await send(sent);
        expect(refused.status).toBe(401);
        expect(refused.headers['www-authenticate']).toMatch(/^Bearer/);
        expect((await send({ ...sent, headers: { ...sent.headers, ...BEARER } })).status).toBe(200);
      }
    },
  );

  test.each([undefined, null, '', 'short', 'fifteen-letters', ' '.repeat(20), 'with a space in it', 5])(
    'refuses %j for a token',
    (token) => {
      const refusal = (field: string) => expect.objectContaining({ id: 'INVALID_OPTION', field });
      expect(() => createRegistryAuthMiddleware(token as string)).toThrow(refusal('token'));
      expect(() =>
        createRegistryServer({ registry: new MemoryTrustRegistry(), adminToken: token as string }),
      ).toThrow(refusal('adminToken'));
    },
  );
});
