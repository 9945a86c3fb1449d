import { describe, expect, test } from '@jest/globals';
import { Agent, connect, GatewayTransport, HttpTrustRegistry } from '@private.me/xlink';
import { ROUTES } from '../../src/server/routes/index.js';
import { memberOf, request, seedOf, startHere, unwrap } from './support.js';

describe('the identity server', () => {
  test('says that it is alive, in the documented shape', async () => {
    const server = await startHere();
    const { status, json } = await server.get('/health', undefined);
    expect(status).toBe(200);
    expect(json).toEqual({ status: 'ok', version: '0.1.0', uptime: expect.any(Number) });
    expect((await server.get('/ready')).json).toEqual({ ready: true, why: [] });
  });

  test('has a page of its routes, with nothing but text', async () => {
    const server = await startHere();
    const root = await server.get('/', undefined);
    expect([root.status, root.headers.get('location')]).toEqual([302, '/docs']);
    const { headers, text } = await server.get('/docs', undefined);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'self';/);
    expect(text).not.toMatch(/<script|style=|onclick/);
    for (const { method, path } of ROUTES) expect(text).toContain(`<code>${method} ${path}</code>`);
    expect((await server.get('/docs/page.css', undefined)).status).toBe(200);
  });

  test('speaks of tokens, and names the member that it does not know', async () => {
    const server = await startHere();
    const refused = await server.get('/v1/me', 'wrong');
    expect([refused.status, refused.text]).toEqual([401, expect.not.stringMatching(/API key/)]);
    const unknown = await server.send('POST', '/v1/tokens', { name: 'x', role: 'admin', rolle: 1 });
    expect(unknown.json.expected).toBe('an object of name, role, expiresAt; rolle is none of them');
  });

  test('holds agents, which send to and receive from each other', async () => {
    const server = await startHere();
    const make = async (name: string) =>
      (await server.send('POST', '/v1/agents', { name, scopes: ['orders'] })).json.did as string;
    const [a, b] = [await make('a'), await make('b')];
    expect((await server.get('/v1/agents')).json.agents).toHaveLength(2);
    const sent = await server.send('POST', `/v1/agents/${a}/send`, {
      to: b,
      payload: { n: 1 },
      scope: 'orders',
    });
    expect(sent.json).toEqual({ envelopeId: expect.any(String), version: 3, delivered: true });
    const body = { to: b, payload: 1, scope: 'news' };
    const unheard = await server.send('POST', `/v1/agents/${a}/send`, body);
    expect([unheard.status, unheard.json.code]).toEqual([403, 'SCOPE_DENIED']);
    const receive = (body: object) => server.send('POST', `/v1/agents/${b}/receive`, body);
    const first = await receive({});
    expect(first.json.messages).toMatchObject([
      { sender: a, scope: 'orders', payload: { n: 1 }, encrypted: true },
    ]);
    expect((await receive({})).json).toEqual(first.json); // until it is acknowledged
    expect((await receive({ ack: [first.json.messages[0].id] })).json.messages).toEqual([]);
    const kept = await server.send('POST', `/v1/agents/${a}/send`, {
      ...body,
      scope: 'orders',
      deliver: false,
    });
    expect((await receive({ envelope: kept.json.envelope })).status).toBe(200);
    const again = await receive({ envelope: kept.json.envelope });
    expect([again.status, again.json.code]).toEqual([409, 'REPLAY_DETECTED']);

    expect((await server.send('DELETE', `/v1/agents/${a}`)).status).toBe(200);
    expect((await server.get(`/v1/agents/${a}`)).status).toBe(404);
    expect((await server.get(`/registry/resolve/${a}`)).json.status).toBe('revoked');
  });

  test('opens an envelope that is handed in once, and not for another agent', async () => {
    const server = await startHere();
    const { json: one } = await server.send('POST', '/v1/agents', { name: 'one', scopes: ['*'] });
    const { json: two } = await server.send('POST', '/v1/agents', { name: 'two' });
    const { json } = await server.send('POST', `/v1/agents/${one.did}/send`, {
      to: two.did,
      payload: 'hello',
      scope: 'x',
      deliver: false,
    });
    expect(json.delivered).toBe(false);
    const opened = await server.send('POST', `/v1/agents/${two.did}/receive`, { envelope: json.envelope });
    expect(opened.json.messages).toMatchObject([{ payload: 'hello' }]);
    const wrong = await server.send('POST', `/v1/agents/${one.did}/receive`, { envelope: json.envelope });
    expect(wrong.json.code).toBe('RECIPIENT_MISMATCH');
    const verified = await server.send('POST', '/v1/envelopes/verify', { envelope: json.envelope });
    expect(verified.json).toMatchObject({ valid: true, from: one.did, sender: 'active' });
    const forged = { ...json.envelope, scope: 'y' };
    const refused = await server.send('POST', '/v1/envelopes/verify', { envelope: forged });
    expect(refused.json).toEqual({ valid: false, reason: expect.stringMatching(/^VERIFICATION_FAILED/) });
  });

  test('holds no keys of agents unless it was asked to', async () => {
    const server = await startHere({ agentKey: undefined });
    const { status, json } = await server.send('POST', '/v1/agents', { name: 'a' });
    expect([status, json.code]).toEqual([404, 'AGENTS_DISABLED']);
    expect((await server.get('/v1/capabilities')).json.agents).toBe(false);
  });

  test('keeps the keys of agents sealed: neither the store nor a wrong key opens them', async () => {
    const server = await startHere();
    const { json } = await server.send('POST', '/v1/agents', { name: 'a' });
    await server.close();
    const wrong = startHere({ data: server.data, agentKey: new Uint8Array(32).fill(8) });
    await expect(wrong).rejects.toMatchObject({ id: 'AGENT_KEY_WRONG' });
    expect(json.did).toMatch(/^did:key:/);
  });

  test('is a registry for HttpTrustRegistry, at its address and below /v1', async () => {
    const server = await startHere();
    for (const [at, name] of [
      ['', 'one'],
      ['/v1', 'two'],
    ] as const) {
      const registry = new HttpTrustRegistry({ baseUrl: server.url + at, authToken: server.admin });
      const agent = unwrap(await Agent.fromSeed({ seed: seedOf(name), registry, name }));
      expect((await registry.lookup(agent.did))?.name).toBe(name);
      unwrap(await registry.updateScopes(agent.did, { scopes: ['orders'] }));
      expect((await registry.list()).map(({ did }) => did)).toContain(agent.did);
      unwrap(await registry.revoke(agent.did, { reason: 'key_compromise' }));
      expect((await registry.lookup(agent.did))?.revocationReason).toBe('key_compromise');
      expect((await request(server.url, 'GET', `${at}/registry/changes`)).status).toBe(200);
    }
    const stranger = new HttpTrustRegistry({ baseUrl: server.url, authToken: 'x'.repeat(40) });
    expect((await stranger.revoke(server.storage.identity.did)).ok).toBe(false);
  });

  test('finds services by name for connect(), and is one itself', async () => {
    const server = await startHere();
    const { did } = server.storage.identity;
    expect((await server.send('PUT', '/v1/services/identity', { url: server.url, did })).status).toBe(200);
    expect((await request(server.url, 'GET', '/services/identity')).json).toEqual({
      name: 'identity',
      url: server.url,
      did,
    });
    const connection = unwrap(
      await connect('identity', {
        registryUrl: server.url,
        unsafeAllowHttp: true,
        unsafeAllowPrivateAddresses: true,
      }),
    );
    expect(connection.did).toBe(did);
    expect((await server.get('/v1/services')).json.services).toHaveLength(1);
    await server.send('DELETE', '/v1/services/identity');
    expect((await request(server.url, 'GET', '/services/identity')).json.code).toBe('SERVICE_UNKNOWN');
  });

  test('takes an envelope of an admin DID in the place of a token', async () => {
    const server = await startHere();
    const boss = await memberOf(server, 'boss');
    expect((await boss.send('GET', '/v1/me')).json).toEqual({ by: 'did', id: boss.did, permissions: [] });
    expect((await boss.send('POST', '/v1/tokens', { name: 'x', role: 'admin' })).json.code).toBe(
      'PERMISSION_DENIED',
    );
    await server.send('PUT', `/v1/roles/${boss.did}`, { role: 'admin' });
    expect((await boss.send('GET', '/v1/me')).json.role).toBe('admin');
    const made = await boss.send('POST', '/v1/tokens', { name: 'x', role: 'auditor' });
    expect(made.status).toBe(201);
    expect((await server.get('/v1/me', made.json.token)).json.role).toBe('auditor');
    unwrap(await server.storage.registry.revoke(boss.did));
    await expect(boss.send('GET', '/v1/me')).rejects.toThrow();
  });

  test('moves from tokens to envelopes, and does not lock its admin out', async () => {
    const server = await startHere();
    const locked = await server.send('PUT', '/v1/mode', { mode: 'xlink-only' });
    expect([locked.status, locked.json.code]).toEqual([409, 'MODE_LOCKS_OUT']);
    const boss = await memberOf(server, 'boss');
    await server.send('PUT', `/v1/roles/${boss.did}`, { role: 'admin' });
    const set = await boss.send('PUT', '/v1/mode', { mode: 'xlink-only', reason: 'all have moved' });
    expect(set.json).toMatchObject({ mode: 'xlink-only', reason: 'all have moved', by: boss.did });
    expect((await server.get('/v1/me')).json.code).toBe('XLINK_REQUIRED');
    expect((await boss.send('PUT', '/v1/mode', { mode: 'hybrid' })).json.mode).toBe('hybrid');
    expect((await server.get('/v1/me')).status).toBe(200);
  });

  test('keeps the last admin', async () => {
    const server = await startHere();
    const [{ id }] = (await server.get('/v1/tokens')).json.tokens;
    expect((await server.send('DELETE', `/v1/tokens/${id}`)).json.code).toBe('LAST_ADMIN');
    const second = await server.tokenOf('admin');
    expect((await server.send('DELETE', `/v1/tokens/${id}`)).status).toBe(200);
    expect((await server.get('/v1/me')).json.code).toBe('API_KEY_INVALID');
    expect((await server.get('/v1/me', second)).status).toBe(200);
  });

  test('keeps tokens as hashes, ends them when their time is over, and shows none again', async () => {
    let now = Date.now();
    const server = await startHere({ clock: () => now });
    const { json } = await server.send('POST', '/v1/tokens', {
      name: 'ci',
      role: 'operator',
      expiresAt: now + 60_000,
    });
    const { text } = await server.get('/v1/tokens');
    const stored = await server.storage.documents.list('access');
    for (const seen of [text, JSON.stringify(stored), server.log()]) {
      expect(seen).not.toContain(json.token.split('.')[1]);
      expect(seen).not.toContain(server.admin.split('.')[1]);
    }
    expect((await server.get('/v1/me', json.token)).status).toBe(200);
    now += 60_000;
    expect((await server.get('/v1/me', json.token)).status).toBe(401);
  });

  test('relays messages of those who are in its registry', async () => {
    const server = await startHere();
    const transportOf = () => new GatewayTransport({ relayUrl: server.url });
    const registry = new HttpTrustRegistry({ baseUrl: server.url, authToken: server.admin });
    const alice = unwrap(await Agent.fromSeed({ seed: seedOf('alice'), registry, transport: transportOf() }));
    const { json: bob } = await server.send('POST', '/v1/agents', { name: 'bob' });
    unwrap(await alice.send({ to: bob.did, payload: { over: 'the relay' } }));
    const { json } = await server.send('POST', `/v1/agents/${bob.did}/receive`, {});
    expect(json.messages).toMatchObject([{ sender: alice.did, payload: { over: 'the relay' } }]);
    expect((await request(server.url, 'GET', '/relay')).json.did).toBe(server.storage.identity.did);
    const stranger = await request(server.url, 'POST', '/v1/envelopes', {
      body: '{}',
      headers: { 'content-type': 'application/xlink-envelope' },
    });
    expect(stranger.status).toBe(400);
    alice.dispose();
  });

  test('hands out one-time prekeys once, and five an hour to each caller', async () => {
    const server = await startHere();
    const owner = await memberOf(server, 'owner');
    const [one, two] = [await memberOf(server, 'one'), await memberOf(server, 'two')];
    const bytes = (length: number) => Buffer.alloc(length, 1).toString('base64url');
    const signed = (length: number) => ({ id: 1, key: bytes(length), notAfter: 1, signature: bytes(64) });
    const bundle = { identity: bytes(32), signedPrekey: signed(32), kem: signed(1184) };
    const oneTime = Array.from({ length: 12 }, (_, id) => ({ id, key: bytes(32) }));
    expect((await owner.send('PUT', '/v1/prekeys', { ...bundle, oneTime })).json).toEqual({ remaining: 12 });
    expect((await server.send('PUT', '/v1/prekeys', bundle)).json.subCode).toBe('ENVELOPE_REQUIRED');
    const take = (who: typeof one) => who.send('POST', `/v1/prekeys/${owner.did}`);
    const taken = await Promise.all([one, two].flatMap((who) => Array.from({ length: 6 }, () => take(who))));
    const ids = taken.flatMap(({ json }) => json.oneTime?.id ?? []);
    expect([ids.length, new Set(ids).size]).toEqual([10, 10]);
    expect(taken[0]!.json).toMatchObject({ did: owner.did, ...bundle, keyRecord: { did: owner.did } });
    expect((await owner.send('GET', '/v1/prekeys')).json).toEqual({ remaining: 2 });
    expect((await one.send('POST', `/v1/prekeys/${two.did}`)).json.code).toBe('PREKEYS_UNKNOWN');
    const many = Array.from({ length: 200 }, (_, id) => ({ id, key: bytes(32) }));
    for (let n = 0; n < 4; n++) await owner.send('PUT', '/v1/prekeys', { ...bundle, oneTime: many });
    const full = await owner.send('PUT', '/v1/prekeys', { ...bundle, oneTime: many });
    expect([full.status, full.json.subCode]).toEqual([409, 'FULL']);
  });

  test('drops one-time prekeys whose private halves are lost, and shows a bundle without using any up', async () => {
    const server = await startHere();
    const [owner, other] = [await memberOf(server, 'owner'), await memberOf(server, 'other')];
    const bytes = (length: number) => Buffer.alloc(length, 1).toString('base64url');
    const signed = (length: number) => ({ id: 1, key: bytes(length), notAfter: 1, signature: bytes(64) });
    const bundle = { identity: bytes(32), signedPrekey: signed(32), kem: signed(1184) };
    const oneTime = (first: number) =>
      Array.from({ length: 200 }, (_, at) => ({ id: first + at, key: bytes(32) }));
    const publish = async (more: object) =>
      (await owner.send('PUT', '/v1/prekeys', { ...bundle, ...more })).json.remaining;
    for (let n = 0; n < 5; n++) await publish({ oneTime: oneTime(n * 200) });
    expect(await publish({ oneTime: oneTime(5000), replace: true })).toBe(200); // 1000 waited, which is all there may be
    const look = () => other.send('GET', `/v1/prekeys/${owner.did}`);
    expect((await look()).json).toEqual({ did: owner.did, ...bundle });
    expect((await owner.send('GET', '/v1/prekeys')).json).toEqual({ remaining: 200 });
    expect((await other.send('POST', `/v1/prekeys/${owner.did}`)).json.oneTime.id).toBe(5000);
    expect(await publish({ replace: true })).toBe(0);
    expect((await other.send('POST', `/v1/prekeys/${owner.did}`)).json.oneTime).toBeUndefined();
    expect((await look()).status).toBe(200);
    expect((await owner.send('GET', `/v1/prekeys/${other.did}`)).json.code).toBe('PREKEYS_UNKNOWN');
  });

  test('shows who did what', async () => {
    const server = await startHere();
    const auditor = await server.tokenOf('auditor');
    await server.send('PUT', '/v1/services/a', { url: 'https://a.example' });
    await server.send('PUT', '/v1/services/a', { url: 'https://evil.example' }, auditor);
    const { json } = await server.get('/v1/audit', auditor);
    const own = json.entries.filter(({ type }: { type: string }) => type === 'server');
    expect(own[0].data.what).toEqual({ name: 'a', url: 'https://a.example' });
    const [{ id: adminId }, { id: auditorId }] = (await server.get('/v1/tokens')).json.tokens;
    expect(own).toMatchObject([
      { client: adminId, request: 'PUT /v1/services/a', decision: 'received' },
      { client: adminId, request: 'PUT /v1/services/a', decision: 'accepted', reason: 'ok' },
      { client: auditorId, decision: 'refused', reason: 'PERMISSION_DENIED' },
    ]);
    const { json: signed } = await server.send('POST', '/v1/audit/checkpoint', undefined, auditor);
    expect(signed.checkpoint).toContain(json.origin);
  });

  test('describes who can be found for a capability', async () => {
    const server = await startHere();
    const { json: made } = await server.send('POST', '/v1/agents', { name: 'ocr', capabilities: ['ocr'] });
    const found = await server.get('/v1/discovery?capability=ocr');
    expect(found.json.agents).toEqual([{ did: made.did, name: 'ocr', capabilities: ['ocr'] }]);
    expect((await server.get('/v1/discovery?capability=other')).json.agents).toEqual([]);
  });

  test('counts its requests by route', async () => {
    const server = await startHere();
    await server.get('/v1/me');
    const { text } = await server.get('/metrics');
    expect(text).toMatch(/xlink_server_requests_total\{route="me",status="200"\} 1/);
    expect(text).toMatch(/xlink_requests_total/);
    expect((await request(server.url, 'GET', '/metrics')).status).toBe(401);
  });

  test('takes so many requests of a caller and of an address, and says when the next', async () => {
    const server = await startHere({ limits: { perAddress: 6, perCaller: 2 } });
    expect((await server.get('/v1/me')).status).toBe(200);
    expect((await server.get('/v1/me')).status).toBe(200);
    const third = await server.get('/v1/me');
    expect([third.status, third.json.code]).toEqual([429, 'RATE_LIMITED']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    for (let n = 0; n < 3; n++) await request(server.url, 'GET', '/health');
    expect((await request(server.url, 'GET', '/health')).status).toBe(429);
  });
});
