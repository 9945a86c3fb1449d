import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { type AuditEntry, type AuditSink, requestMatcher } from '@private.me/xlink/audit';
import { enrollment, sealed, signed, withKey } from '../adapters/requests.js';
import { RawCaller, serveSessions } from '../session/support.js';
import { ACME } from '../support/keys.js';
import { World } from '../support/world.js';

/** A log in memory that can be made to fail. */
function memorySink() {
  const entries: AuditEntry[] = [];
  const sink = {
    entries,
    fails: false,
    async append(entry: AuditEntry) {
      if (sink.fails) throw new Error('the disk is full');
      entries.push(JSON.parse(JSON.stringify(entry)));
    },
  };
  return sink satisfies AuditSink;
}

describe('an API with an audit log', () => {
  test('has an entry, with the signed envelope, for each request that is let through', async () => {
    const world = await World.withCaller();
    const audit = memorySink();
    const service = await world.serve({ audit, mode: 'hybrid' });
    const sent = await sealed(world.caller, world.api, { path: '/items/1847?why=old', method: 'DELETE' });
    expect((await service.send(sent)).status).toBe(200);
    const [entry] = audit.entries.filter(({ type }) => type === 'request');
    expect(entry).toMatchObject({
      from: world.caller.did,
      to: world.api.did,
      request: 'DELETE /items/1847?why=old',
      evidence: 'signed',
      decision: 'accepted',
      envelope: { from: world.caller.did, kind: 'request' },
    });
    expect(entry!.envelopeId).toBe(entry!.envelope!.nonce);
  });

  test('the entry of a request has the methods that it may be taken for', async () => {
    const world = await World.withCaller();
    const audit = memorySink();
    const service = await world.serve({ audit, mode: 'hybrid', clients: world.clients });
    const headers = { 'x-http-method-override': 'delete, <b>', 'x-method-override': 'POST' };
    await service.send(withKey(ACME, { path: '/items/1847?_method=PUT', method: 'POST', headers }));
    await service.send(
      await sealed(world.caller, world.api, { path: '/items/1847?_method=DELETE', method: 'POST' }),
    );
    await service.send(await sealed(world.caller, world.api, { path: '/items/1', method: 'POST' }));
    const requests = audit.entries.filter(({ type }) => type === 'request');
    expect(requests.map(({ overrides }) => overrides)).toEqual([['DELETE', 'PUT'], ['DELETE'], undefined]);
    expect(requests.filter(requestMatcher('DELETE /items/1847'))).toHaveLength(2);
  });

  test('of a request with a key the client is named, and the query is left out', async () => {
    const world = await World.withCaller();
    const audit = memorySink();
    const service = await world.serve({ audit, mode: 'hybrid', clients: world.clients });
    await service.send(withKey(ACME, { path: '/items/1?api_key=secret' }));
    const [entry] = audit.entries.filter(({ type }) => type === 'request');
    expect(entry).toMatchObject({
      request: 'GET /items/1',
      decision: 'accepted',
      client: expect.any(String),
    });
    expect(entry).not.toHaveProperty('envelope');
  });

  test('refusals of those who are known are entries, those of strangers are not', async () => {
    const world = await World.withCaller();
    const audit = memorySink();
    const service = await world.serve({ audit, mode: 'xlink-only' });
    const sent = await signed(world.caller, world.api);
    await service.send(sent);
    await service.send(sent); // again
    const stranger = await world.stranger('stranger');
    await service.send(await signed(stranger, world.api));
    await service.send({});
    const requests = audit.entries.filter(({ type }) => type === 'request');
    expect(requests.map(({ decision }) => decision)).toEqual(['accepted']);
  });

  test('fail closed: no handler runs before its entry is durable, and a request that cannot be kept is refused', async () => {
    const world = await World.withCaller();
    const audit = memorySink();
    const service = await world.serve({
      audit: { log: audit, failClosed: [{ path: '/pay' }] },
      mode: 'hybrid',
    });
    audit.fails = true;
    const refused = await service.send(await signed(world.caller, world.api, { path: '/pay' }));
    expect(refused.status).toBe(503);
    expect(service.calls).toHaveLength(0);
    const other = await service.send(await signed(world.caller, world.api, { path: '/open' }));
    expect(other.status).toBe(200);
    audit.fails = false;
    expect((await service.send(await signed(world.caller, world.api, { path: '/pay' }))).status).toBe(200);
    expect(audit.entries.filter(({ request }) => request === 'GET /pay')).toHaveLength(1);
  });

  test('copies of a request in a session are no entries: anybody may send them', async () => {
    const audit = memorySink();
    const api = await serveSessions(true, { audit });
    const caller = await RawCaller.of(api.url, api.registry);
    const sent = await caller.seal();
    const statuses = [];
    for (let n = 0; n < 5; n++) statuses.push((await caller.send(sent)).status);
    expect(statuses).toEqual([201, 409, 409, 409, 409]);
    const entries = audit.entries.filter(({ request }) => request === 'POST /form');
    expect(entries.map(({ decision }) => decision)).toEqual(['accepted']);
  });

  test.each([
    [[{ path: '/pay' }], false, ['the store of audit did not answer (AUDIT_UNAVAILABLE)'], []],
    [undefined, true, [], [expect.stringMatching(/audit log cannot be kept/)]],
  ])(
    'health names a log that cannot be written (failClosed %j), until it can',
    async (failClosed, ready, why, warnings) => {
      const world = await World.withCaller();
      const audit = memorySink();
      const option = { log: audit, ...(failClosed ? { failClosed } : {}) };
      const service = await world.serve({ audit: option, mode: 'hybrid' });
      const { adapter } = service;
      expect(await adapter.health()).toMatchObject({ ready: true, stores: { audit: { ok: true } } });
      audit.fails = true;
      await service.send(await signed(world.caller, world.api, { path: '/pay' }));
      const health = await adapter.health();
      expect(health).toMatchObject({ ready, why, warnings, stores: { audit: { ok: false } } });
      audit.fails = false;
      expect(await adapter.health()).toMatchObject({
        ready: true,
        why: [],
        warnings: [],
        stores: { audit: { ok: true } },
      });
      expect(audit.entries.filter(({ type }) => type === 'health')).toHaveLength(1);
    },
  );

  test('a log that may drop entries cannot fail closed', async () => {
    const world = await World.withCaller();
    const log = Object.assign(memorySink(), { mayDrop: true });
    for (const failClosed of [true, [{ path: '/pay' }]])
      await expect(world.serve({ audit: { log, failClosed }, mode: 'hybrid' })).rejects.toMatchObject({
        id: 'INVALID_OPTION',
        hint: expect.stringContaining('onOverload'),
      });
    await world.serve({ audit: { log, failClosed: [] }, mode: 'hybrid' });
  });

  test('enrollments, modes, revocations and what operators do are entries', async () => {
    const world = await World.withCaller();
    const audit = memorySink();
    const operations = new MemoryOperationsStore();
    const service = await world.serve({ audit, mode: 'hybrid', clients: world.clients, operations });
    const stranger = await world.stranger('newcomer');
    expect((await service.send(await enrollment(stranger, world.api, ACME))).status).toBeLessThan(300);
    service.adapter.setMode('deprecation', 'announced');
    const { client } = audit.entries.find(({ type }) => type === 'enrollment')!;
    await service.adapter.revokeClient(client!, { reason: 'left', by: 'ops' });
    await service.adapter.close();
    const types = audit.entries.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['mode', 'enrollment', 'client-revocation', 'operation']));
    expect(
      audit.entries.find(({ type, data }) => type === 'mode' && (data as { from?: string }).from),
    ).toMatchObject({
      to: world.api.did,
      data: { from: 'hybrid', to: 'deprecation', reason: 'announced' },
    });
  });
});
