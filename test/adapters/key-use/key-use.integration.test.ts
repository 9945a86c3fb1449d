import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore, type OperationsStore, outreachCsv } from '@private.me/xlink';
import { DAY, HOUR, MINUTE, NOON } from '../../support/clock.js';
import { ACME, BOLT } from '../../support/http.js';
import { thrownBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { signed, withKey } from '../requests.js';

async function made(setup: object = {}) {
  const world = await World.withCaller();
  const { clock, api, caller } = world;
  const operations = new MemoryOperationsStore();
  const service = await world.serve({
    clock,
    clients: world.clients,
    operations,
    keyUse: true,
    ...setup,
  });
  const call = (key: string, agent: string, more: object = {}) =>
    service.send(withKey(key, { headers: { 'user-agent': agent }, ...more }));
  const softwareOf = async (client: string) => {
    await service.quiet();
    const { clients } = await service.adapter.report();
    return clients.find((one) => one.client === client)?.software;
  };
  return { world, clock, api, caller, operations, service, call, softwareOf };
}

describe('which programs still send a key', () => {
  test('by product and version, with routes and the network, the last one first', async () => {
    const { call, clock, softwareOf } = await made();
    await call(ACME, 'python-requests/2.31.0 (build host db-7.internal; secret)');
    clock.advance(MINUTE);
    await call(ACME, 'curl/8.5.0');
    await call(ACME, 'curl/8.5.0');
    await call(BOLT, '');
    expect(await softwareOf('acme')).toEqual([
      {
        name: 'curl/8.5.0',
        requests: 2,
        firstUse: new Date(NOON + MINUTE).toISOString(),
        lastUse: new Date(NOON + MINUTE).toISOString(),
        network: '127.0.0.0/24',
        routes: [expect.any(String)],
      },
      expect.objectContaining({ name: 'python-requests/2.31.0', requests: 1 }),
    ]);
    expect((await softwareOf('bolt'))?.map(({ name }) => name)).toEqual(['(none)']);
    expect(JSON.stringify(await softwareOf('acme'))).not.toMatch(/internal|secret/);
  });

  test('also where keys are refused: that is whom to write to', async () => {
    const { call, softwareOf } = await made({ mode: 'xlink-only' });
    expect((await call(ACME, 'curl/8.5.0')).status).toBe(401);
    expect(await softwareOf('acme')).toMatchObject([{ name: 'curl/8.5.0', requests: 1 }]);
  });

  test('holds 20 programs of a client, the last ones', async () => {
    const { call, clock, softwareOf } = await made();
    for (let version = 0; version < 25; version++) {
      clock.advance(1);
      await call(ACME, `worker/1.${version}`);
    }
    const names = (await softwareOf('acme'))!.map(({ name }) => name);
    expect(names).toEqual(Array.from({ length: 20 }, (_, at) => `worker/1.${24 - at}`));
  });

  test('networks are left out if they are not to be kept', async () => {
    const { call, softwareOf } = await made({ keyUse: { networks: false } });
    await call(ACME, 'curl/8.5.0');
    expect((await softwareOf('acme'))![0]).not.toHaveProperty('network');
  });

  test('nothing is kept unless that is asked for', async () => {
    const { call, operations, softwareOf, service } = await made({ keyUse: false });
    await call(ACME, 'curl/8.5.0');
    expect(await softwareOf('acme')).toBeUndefined();
    expect(operations.list('key-use')).toEqual([]);
    expect((await thrownBy(() => service.adapter.preview({ to: 'xlink-only' }))).field).toBe('keyUse');
  });

  test('two instances add up, and a store that was away gets what it missed', async () => {
    const shared = new MemoryOperationsStore();
    let isAway = true;
    const store: OperationsStore = {
      load(id) {
        if (isAway) throw new Error('connection refused');
        return shared.load(id);
      },
      list: (kind) => shared.list(kind),
      save: (id, json, version) => shared.save(id, json, version),
      remove: (id, version) => shared.remove(id, version),
    };
    const [one, two] = [await made({ operations: store }), await made({ operations: shared })];
    await one.call(ACME, 'curl/8.5.0');
    await one.service.quiet();
    await one.service.adapter.close();
    expect(one.service.of('fault')).toMatchObject([{ error: { id: 'OPERATIONS_STORE_UNAVAILABLE' } }]);
    isAway = false;
    await two.call(ACME, 'curl/8.5.0');
    await two.service.quiet();
    await Promise.all([one.service.adapter.close(), two.service.adapter.close()]);
    expect(await two.softwareOf('acme')).toMatchObject([{ requests: 2 }]);
  });
});

describe('what a step would have refused', () => {
  test('xlink-only: all that came by key in the last seven days', async () => {
    const { call, clock, service } = await made();
    await call(BOLT, 'old/1.0');
    clock.advance(7 * DAY);
    for (let times = 0; times < 3; times++) await call(ACME, 'curl/8.5.0');
    await service.quiet();
    expect(await service.adapter.preview({ to: 'xlink-only' })).toMatchObject({
      keyRequests: 3,
      refused: 3,
      clients: [
        {
          client: 'acme',
          keyRequests: 3,
          refused: 3,
          reasons: { XLINK_REQUIRED: 3 },
          lastRefused: new Date(NOON + 7 * DAY).toISOString(),
        },
      ],
    });
    expect(await service.adapter.preview({ to: 'hybrid' })).toMatchObject({ refused: 0, clients: [] });
  });

  test('deprecation: what lies in the hours of a brownout, weeks earlier if it is to come', async () => {
    const { call, clock, service } = await made();
    await call(ACME, 'curl/8.5.0');
    clock.advance(2 * HOUR);
    await call(ACME, 'curl/8.5.0');
    await service.quiet();
    const at = (hours: number) => new Date(NOON + 21 * DAY + hours * HOUR);
    const preview = (from: Date, until: Date) =>
      service.adapter.preview({ to: 'deprecation', brownouts: [{ from, until }] });
    expect(await preview(at(0), at(1))).toMatchObject({
      keyRequests: 2,
      refused: 1,
      clients: [{ reasons: { API_KEY_BROWNOUT: 1 } }],
    });
    expect(await preview(at(-5), at(-4))).toMatchObject({ refused: 0 });
    expect(await service.adapter.preview({ to: 'deprecation' })).toMatchObject({ refused: 0 });
  });

  test('hybrid: keys beside envelopes that would not be taken', async () => {
    const { service, api, caller } = await made({ mode: 'observe' });
    await service.send(withKey(ACME, await signed(caller, api)));
    await service.send(
      withKey(ACME, await signed(caller, api, {}, { scope: 'refunds', request: 'GET /other' })),
    );
    await service.quiet();
    expect(await service.adapter.preview({ to: 'hybrid' })).toMatchObject({
      keyRequests: 2,
      refused: 1,
      clients: [{ client: 'acme', refused: 1, reasons: { REQUEST_BINDING_MISMATCH: 1 } }],
    });
    expect((await service.adapter.preview({ to: 'xlink-only' })).clients[0]!.reasons).toEqual({
      REQUEST_BINDING_MISMATCH: 1,
      XLINK_REQUIRED: 1,
    });
    expect(await service.adapter.preview({ to: 'deprecation' })).toMatchObject({ refused: 1 });
    expect(await service.adapter.preview({ to: 'observe' })).toMatchObject({ refused: 0, clients: [] });
  });

  test.each([
    [{}, 'to'],
    [{ to: 'off' }, 'to'],
    [{ to: 'deprecation', brownouts: [{ from: new Date() }] }, 'brownouts'],
  ])('%j is refused by name', async (options, field) => {
    const { service } = await made();
    const error = await thrownBy(() => service.adapter.preview(options as { to: 'hybrid' }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
  });
});

describe('whom to write to', () => {
  test('nobody where a key names no client, and nothing that only we know', async () => {
    const { service, call } = await made({
      legacyKeyValidator: (key: string) => (key === ACME ? { clientId: 'acme' } : { name: 'x' }),
    });
    await call(BOLT, 'curl/8.5.0');
    await call(ACME, 'key4711key4711key4711/1', { path: '/nowhere' });
    await service.quiet();
    const rows = await service.adapter.outreach({ api: 'Orders API' });
    expect(rows.map(({ client, software }) => [client, software])).toEqual([['acme', ['(other)']]]);
    expect(rows[0]!.text).not.toMatch(/\(|unmatched|null|undefined/);
  });

  test('one row for each client that has not moved, with a letter', async () => {
    const sunset = new Date(NOON + 30 * DAY);
    const { service, call } = await made({
      deprecation: { sunset, migrationUrl: 'https://api.example.com/move' },
    });
    await call(ACME, 'python-requests/2.31.0');
    await service.quiet();
    const rows = await service.adapter.outreach({ api: 'Orders API' });
    expect(rows).toMatchObject([
      {
        client: 'acme',
        state: 'not-enrolled',
        software: ['python-requests/2.31.0'],
        subject: 'Orders API: API keys stop working on 2025-01-31',
      },
    ]);
    expect(rows[0]!.text).toContain('It was sent by python-requests/2.31.0');
    expect(rows[0]!.text).toContain('How to move: https://api.example.com/move');
    const named = (client: string) => outreachCsv([{ ...rows[0]!, client }]).split('\r\n');
    const [head, line] = named('=cmd|"x"');
    expect(head).toBe('client,state,lastKeyUse,software,subject,text');
    expect(line).toMatch(/^"'=cmd\|""x""",not-enrolled,/);
    for (const client of [' =cmd', '\n+cmd', '＝cmd', '@cmd'])
      expect(named(client).join('\r\n')).toContain(`'${client}`); // spreadsheets see through what stands in front
  });
});
