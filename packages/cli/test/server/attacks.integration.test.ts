// What strangers and operators tried, and must not get.
import { describe, expect, test } from '@jest/globals';
import { Agent, acceptInvite, MemoryTrustRegistry } from '@private.me/xlink';
import { forwardedAddress } from '@private.me/xlink/http-api';
import { Documents } from '@private.me/xlink/server';
import { afterJunk } from '../../../../test/support/kept-alive.js';
import { MAX_ONE_TIME } from '../../src/server/prekeys.js';
import { ROUTES } from '../../src/server/routes/index.js';
import { memberOf, request, seedOf, startHere, type TestServer, unwrap } from './support.js';

const DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const ENVELOPE = { 'content-type': 'application/xlink-envelope' };
const targetOf = (path: string) => path.replace('{did}', DID).replace(/\{\w+\}/, 'a');

/** Entries of requests: there are some of the server itself, of its start. */
async function toldBy({ storage }: TestServer): Promise<number> {
  let count = 0;
  for await (const { type } of storage.audit.entries())
    if (type === 'server' || type === 'request') count += 1;
  return count;
}

describe('a body that is refused', () => {
  test('is out of the way of the next request on the connection, on every route', async () => {
    const server = await startHere();
    const port = Number(new URL(server.url).port);
    const kinds = [
      ENVELOPE,
      { 'content-type': 'application/json' },
      { 'content-type': 'application/json', authorization: `Bearer ${server.admin}` },
    ];
    const hanging: string[] = [];
    for (const { path, method } of [...ROUTES, { path: '/nothing', method: 'POST' }])
      await Promise.all(
        kinds.flatMap((headers) =>
          [false, true].map(async (chunked) => {
            const { status, next } = await afterJunk(port, {
              method: method === 'GET' ? 'POST' : method,
              path: targetOf(path),
              bytes: 300_000,
              start: chunked ? '{' : 'x',
              headers,
              chunked,
            });
            if (next === 'hangs' || status === 0)
              hanging.push(`${method} ${path} ${JSON.stringify(headers)} ${status} ${next}`);
          }),
        ),
      );
    expect(hanging).toEqual([]);
  }, 120_000);
});

describe('prekeys', () => {
  const bytes = (length: number) => Buffer.alloc(length, 1).toString('base64url');
  const signed = (length: number) => ({ id: 1, key: bytes(length), notAfter: 1, signature: bytes(64) });
  const bundle = { identity: bytes(32), signedPrekey: signed(32), kem: signed(1184) };
  const oneTime = Array.from({ length: 200 }, (_, id) => ({ id, key: bytes(32) }));
  const keptBy = async ({ storage }: TestServer) => (await storage.documents.list('prekey')).length;

  test('of any number of calls at once, those are refused for which there is no room, and write nothing', async () => {
    const server = await startHere();
    const owner = await memberOf(server, 'owner');
    const all = await Promise.all(
      Array.from({ length: 9 }, () => owner.send('PUT', '/v1/prekeys', { ...bundle, oneTime })),
    );
    expect(all.map(({ status }) => status).sort()).toEqual([...Array(5).fill(200), ...Array(4).fill(409)]);
    expect(await keptBy(server)).toBe(MAX_ONE_TIME);
    expect((await owner.send('GET', '/v1/prekeys')).json).toEqual({ remaining: MAX_ONE_TIME });
  });

  test('that a server left half-written are gone after the next start', async () => {
    const first = await startHere();
    const owner = await memberOf(first, 'owner');
    await owner.send('PUT', '/v1/prekeys', { ...bundle, oneTime: oneTime.slice(0, 2) });
    await new Documents<object>(first.storage.documents, 'prekeys').update(owner.did, (pool) => ({
      ...pool,
      batches: [
        ...((pool as { batches?: object[] } | undefined)?.batches ?? []),
        { name: 'half', next: 0, count: 200, writtenSince: Date.now() },
      ],
    }));
    await new Documents<object>(first.storage.documents, 'prekey').update(
      `${owner.did}/half/0`,
      () => oneTime[0]!,
    );
    expect(await keptBy(first)).toBe(3);
    await first.close();
    const second = await startHere({ data: first.data });
    expect(await keptBy(second)).toBe(2);
    expect(await second.server.access.roles()).toEqual([]);
  });
});

describe('refusals of strangers', () => {
  test('are neither in the audit log nor, beyond some, in lines of their own', async () => {
    const server = await startHere({ limits: { perAddress: 300, perCaller: 1000 } });
    const size = await toldBy(server);
    const junk = () =>
      request(server.url, 'POST', `/invite?number=${'A'.repeat(43)}`, { body: '{}', headers: ENVELOPE });
    const statuses = await Promise.all(Array.from({ length: 400 }, async () => (await junk()).status));
    expect(new Set(statuses)).toEqual(new Set([403, 429]));
    expect(await toldBy(server)).toBe(size);
    const lines = server
      .log()
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'));
    expect(lines.length).toBeLessThan(100);
  });
});

describe('an operator and a DID with a role', () => {
  const withBoss = async () => {
    const server = await startHere();
    const operator = await server.tokenOf('operator');
    const agent = unwrap(
      await Agent.fromSeed({ seed: seedOf('boss'), name: 'boss', registry: new MemoryTrustRegistry() }),
    );
    await server.send('PUT', `/v1/roles/${agent.did}`, { role: 'admin' }); // it is not in the registry yet
    return { server, operator, boss: agent };
  };
  const entryOf = async (server: TestServer, did: string) =>
    (await server.get(`/registry/resolve/${did}`)).json;

  test('does not bring it in by an invite; an admin does', async () => {
    const { server, operator, boss } = await withBoss();
    const inviteBy = async (token: string) =>
      (await server.send('POST', '/v1/invites', { scopes: ['*'] }, token)).json.code as string;
    await expect(acceptInvite(boss, await inviteBy(operator))).rejects.toThrow();
    expect((await entryOf(server, boss.did)).status).not.toBe('active');
    await acceptInvite(boss, await inviteBy(server.admin));
    expect(await entryOf(server, boss.did)).toMatchObject({ status: 'active', sendScopes: ['*'] });
  });

  test('does not widen its scopes by an invite', async () => {
    const { server, operator } = await withBoss();
    const held = await memberOf(server, 'held', ['a']);
    await server.send('PUT', `/v1/roles/${held.did}`, { role: 'auditor' });
    const { json } = await server.send('POST', '/v1/invites', { scopes: ['*'] }, operator);
    await expect(acceptInvite(held.agent, json.code)).rejects.toThrow();
    expect((await entryOf(server, held.did)).sendScopes).toEqual(['a']);
  });

  test('does not put it in the place of another', async () => {
    const { server, operator, boss } = await withBoss();
    const other = await memberOf(server, 'other', ['a']);
    const succession = { from: other.did, to: boss.did };
    const body = { did: other.did, succession };
    const sent = await server.send('POST', '/registry/succeed', body, operator);
    expect([sent.status, sent.json.subCode, sent.json.field]).toEqual([403, 'ROLE_HOLDER', 'succession']);
  });

  test('does not speak with its key, nor end it, where the server holds that', async () => {
    const { server, operator } = await withBoss();
    const { json: held } = await server.send('POST', '/v1/agents', { name: 'held', scopes: ['*'] });
    await server.send('PUT', `/v1/roles/${held.did}`, { role: 'admin' });
    const body = { to: held.did, payload: 1 };
    for (const [method, path, sent] of [
      ['POST', `/v1/agents/${held.did}/send`, body],
      ['POST', `/v1/agents/${held.did}/receive`, {}],
      ['DELETE', `/v1/agents/${held.did}`, undefined],
    ] as const) {
      const { status, json } = await server.send(method, path, sent, operator);
      expect([path, status, json.subCode]).toEqual([path, 403, 'ROLE_HOLDER']);
    }
  });
});

describe('the last admin', () => {
  test('is one who can act: a DID that is not active does not count', async () => {
    const server = await startHere();
    await server.send('PUT', `/v1/roles/${DID}`, { role: 'admin' }); // nobody's, here
    const [{ id }] = (await server.get('/v1/tokens')).json.tokens;
    const refused = await server.send('DELETE', `/v1/tokens/${id}`);
    expect([refused.status, refused.json.code]).toEqual([409, 'LAST_ADMIN']);
  });

  test('is not revoked in the registry, nor succeeded, once no token is left', async () => {
    const server = await startHere();
    const boss = await memberOf(server, 'boss', ['*']);
    await server.send('PUT', `/v1/roles/${boss.did}`, { role: 'admin' });
    const [{ id }] = (await server.get('/v1/tokens')).json.tokens;
    expect((await boss.send('DELETE', `/v1/tokens/${id}`)).status).toBe(200);
    for (const path of ['revoke', 'succeed']) {
      const sent = await boss.send('POST', `/registry/${path}`, { did: boss.did });
      expect([path, sent.status, sent.json.code]).toEqual([path, 409, 'LAST_ADMIN']);
    }
    expect((await boss.send('GET', '/v1/me')).json.role).toBe('admin');
  });

  test('a token that has ended before it began is none', async () => {
    const server = await startHere();
    const sent = await server.send('POST', '/v1/tokens', { name: 'x', role: 'admin', expiresAt: 1 });
    expect([sent.status, sent.json.field]).toEqual([400, 'expiresAt']);
  });
});

test('names and reasons in the registry are as those of tokens', async () => {
  const server = await startHere();
  for (const name of ['a\u202eb', 'a\u0085b', 'a\u200bb', ''])
    for (const body of [{ name }, { reason: name }, { capabilities: [name] }]) {
      const sent = await server.send('POST', '/registry/add', { did: DID, ...body });
      expect([JSON.stringify(body), sent.status, sent.json.code]).toEqual([
        JSON.stringify(body),
        400,
        'REQUEST_INVALID',
      ]);
    }
});

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['9.9.9.9, 1.2.3.4:5678', '1.2.3.4'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['unknown', '127.0.0.1'],
  ['1.2.3.4:', '127.0.0.1'],
  ['1.2.3.4.5', '127.0.0.1'],
  [`${'1'.repeat(500)}`, '127.0.0.1'],
  ['', '127.0.0.1'],
])('X-Forwarded-For: %s is the address %s', (forwarded, address) => {
  const socket = { remoteAddress: '127.0.0.1' };
  expect(forwardedAddress({ headers: { 'x-forwarded-for': forwarded }, socket } as never)).toBe(address);
});

describe('the audit log', () => {
  test('says what was done and how it ended, once, and leaves reads out', async () => {
    const server = await startHere();
    const member = await memberOf(server, 'member', ['a']);
    await server.get('/v1/tokens');
    await server.get('/metrics');
    expect(await toldBy(server)).toBe(0);
    const { size } = server.storage.audit.status;
    await server.send('POST', '/v1/tokens', { name: 'ci', role: 'operator' });
    await server.send('POST', '/registry/add', { did: member.did, scopes: ['b'], name: 'member' });
    await server.send('PUT', `/v1/roles/${member.did}`, { role: 'auditor' });
    await server.send('DELETE', '/v1/tokens/aaaaaaaaaaaa');
    const { json } = await server.get(`/v1/audit?from=${size}&max=100`);
    const told = json.entries.map(
      (entry: {
        request: string;
        decision: string;
        reason: string;
        data: { what?: object; result?: object };
      }) => [entry.request, entry.decision, entry.reason, { ...entry.data.what, ...entry.data.result }],
    );
    const id = expect.stringMatching(/^[\w-]{12}$/);
    expect(told).toEqual([
      ['POST /v1/tokens', 'received', 'ok', { name: 'ci', role: 'operator' }],
      ['POST /v1/tokens', 'accepted', 'ok', { id, name: 'ci', role: 'operator' }],
      ['POST /registry/add', 'received', 'ok', { did: member.did, scopes: ['b'], name: 'member' }],
      ['POST /registry/add', 'accepted', 'ok', {}],
      [`PUT /v1/roles/${member.did}`, 'received', 'ok', { did: member.did, role: 'auditor' }],
      [`PUT /v1/roles/${member.did}`, 'accepted', 'ok', {}],
      ['DELETE /v1/tokens/aaaaaaaaaaaa', 'received', 'ok', { id: 'aaaaaaaaaaaa' }],
      ['DELETE /v1/tokens/aaaaaaaaaaaa', 'refused', 'TOKEN_UNKNOWN', {}],
    ]);
  });

  test('of an invite that was accepted: its number, and who', async () => {
    const server = await startHere();
    const { json } = await server.send('POST', '/v1/invites', { scopes: ['a'] });
    const agent = await Agent.quickstart({ registry: new MemoryTrustRegistry() });
    await acceptInvite(agent, json.code);
    const { entries } = (await server.get('/v1/audit')).json;
    expect(entries.at(-1)).toMatchObject({
      from: agent.did,
      request: 'POST /invite',
      decision: 'accepted',
      data: { what: { number: json.number, did: agent.did, scopes: ['a'] } },
    });
    expect(JSON.stringify(entries)).not.toContain(json.code);
  });

  test('keeps the signature of who changed something, and of no read', async () => {
    const server = await startHere();
    const boss = await memberOf(server, 'boss', ['*']);
    await server.send('PUT', `/v1/roles/${boss.did}`, { role: 'admin' });
    const { size } = server.storage.audit.status;
    await boss.send('GET', '/v1/me');
    await boss.send('PUT', '/v1/services/a', { url: 'https://a.example' });
    const { entries } = (await server.get(`/v1/audit?from=${size}&max=100`)).json;
    const told = entries.map(
      ({ type, decision }: { type: string; decision: string }) => `${type} ${decision}`,
    );
    expect(told.sort()).toEqual(['request authenticated', 'server accepted', 'server received']);
  });
});
