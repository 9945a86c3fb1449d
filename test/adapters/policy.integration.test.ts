import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type DualModeOptions,
  PolicyEngine,
  type PolicyEngineOptions,
  type PolicyRequest,
  type PolicyRule,
} from '@private.me/xlink';
import { RedisLimitStore } from '@private.me/xlink/redis';
import { CLIENTS } from '../stores/redis/trust-registry-clients.js';
import { documentedEvents } from '../support/event-docs.js';
import { ACME } from '../support/http.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { optionRefusedBy } from '../support/results.js';
import { until } from '../support/until.js';
import { openSocket } from '../support/wire.js';
import { World } from '../support/world.js';
import { enrollment, sealed, signed, withKey } from './requests.js';

async function made(
  rules: readonly PolicyRule[],
  more: Partial<PolicyEngineOptions> = {},
  setup: Partial<DualModeOptions> = {},
) {
  const world = new World();
  const recorded: PolicyRequest[] = [];
  const record = (request: PolicyRequest) => recorded.push(request);
  const policy = await PolicyEngine.create({
    rules,
    clock: world.clock,
    onWarning: () => {},
    record,
    ...more,
  });
  const api = await world.agent('api');
  const service = await world.serve({
    agent: api,
    clock: world.clock,
    clients: world.clients,
    policy,
    ...setup,
  });
  const device = await world.stranger('device');
  await service.send(enrollment(device, api, ACME));
  return { world, api, service, device, policy, recorded };
}

const SCOPE = { scope: 'orders:read' };

describe('a policy of an adapter', () => {
  test('judges a request by every method that it may be given behind: by a header, by the query, by what is sealed', async () => {
    const { service, device, api } = await made([{ route: '/orders', method: 'DELETE', effect: 'deny' }]);
    const override = { 'x-http-method-override': 'DELETE' };
    await service.accepted(withKey(ACME));
    await service.refused(withKey(ACME, { headers: override }), '403 POLICY_DENIED');
    await service.refused(withKey(ACME, { path: '/orders?_method=delete' }), '403 POLICY_DENIED');
    await service.accepted(sealed(device, api, {}, SCOPE));
    const proxied = await sealed(device, api, {}, SCOPE);
    const original = { 'x-original-method': 'DELETE' }; // stays, though nobody signed it
    await service.refused({ ...proxied, headers: { ...proxied.headers, ...original } }, '403 POLICY_DENIED');
    const covered = { ...SCOPE, headers: Object.entries(override) };
    await service.refused(sealed(device, api, {}, covered as never), '403 POLICY_DENIED');
  });

  test('refuses key and xLink alike before the handler, and says so to observers', async () => {
    const { service, device, api } = await made([{ id: 'off', scope: 'orders:read', effect: 'deny' }]);
    await service.refused(withKey(ACME), '403 POLICY_DENIED');
    await service.refused(sealed(device, api, {}, SCOPE), '403 POLICY_DENIED');
    await service.quiet();
    expect(service.of('policy-decision')).toMatchObject([
      { outcome: 'refused', reason: 'POLICY_DENIED', rule: 'off', client: 'acme' },
      { rule: 'off', client: 'acme', did: device.did },
    ]);
    expect(service.of('policy')).toMatchObject([{ outcome: 'in-force', revision: 1 }]);
    const late: string[] = [];
    service.adapter.observe(({ type }) => late.push(type));
    expect(late).toEqual(['mode', 'policy']);
  });

  test('tells each member of its events that the page has', async () => {
    const { service, device, api, policy } = await made([{ id: 'off', effect: 'deny' }]);
    await service.refused(sealed(device, api, {}, SCOPE), '403 POLICY_DENIED');
    policy.setMode('observe', { by: 'ops', why: 'a trial' });
    await expect(policy.replace({ rules: [{ scop: 1 }] } as never)).rejects.toMatchObject({
      id: 'POLICY_INVALID',
    });
    await service.quiet();
    for (const type of ['policy', 'policy-decision'] as const) {
      const { always, sometimes } = documentedEvents()[type]!;
      const seen = new Set(service.of(type).flatMap((event) => Object.keys(event)));
      expect([...seen].sort()).toEqual([...always, ...sometimes].sort());
    }
  });

  test('knows what a request is about', async () => {
    const { service, device, api, recorded } = await made([]);
    await service.accepted(sealed(device, api, {}, { ...SCOPE, payload: { amount: 12 } }));
    await service.accepted(withKey(ACME));
    expect(recorded).toMatchObject([
      {
        proof: 'envelope',
        from: device.did,
        client: 'acme',
        scopes: ['orders:read'],
        amount: 12,
        method: 'POST',
        mutualTrust: true,
      },
      { proof: 'api-key', client: 'acme', mutualTrust: false },
    ]);
    expect(recorded[0]!.contentDigest).toMatch(/^[\w-]{43}$/);
  });

  test('a large amount has to be approved; one in a body that is not sealed is unknown', async () => {
    const approved: (string | undefined)[] = [];
    const approve = ({ request }: { request: PolicyRequest }) => approved.push(request.id) > 0;
    const { service, device, api } = await made([{ amount: { above: 1000 }, require: ['2FA'] }], { approve });
    const pay = (amount: unknown) => sealed(device, api, {}, { ...SCOPE, payload: { amount } });
    await service.accepted(pay(1000));
    expect(approved).toEqual([]);
    await service.accepted(pay(1001));
    await service.accepted(pay('1001'));
    expect(approved).toHaveLength(2);
    await service.accepted(sealed(device, api, {}, { ...SCOPE, payload: [{ amount: 5000 }] }));
    await service.accepted(sealed(device, api, {}, { ...SCOPE, payload: { payment: { amount: 5000 } } }));
    expect(approved).toHaveLength(4);
    await service.accepted(signed(device, api, {}, SCOPE));
    expect(approved).toHaveLength(4);
    await service.refused(
      withKey(ACME, { method: 'POST', body: '{"amount":1}' }),
      '403 POLICY_UNMET:TWO_FACTOR',
    );
    await service.accepted(withKey(ACME));
  });

  test('nobody is asked for a caller that is gone', async () => {
    const signals: AbortSignal[] = [];
    const { service, device, api } = await made([{ require: ['2FA'] }], {
      approvalTimeoutMs: 60_000,
      approve: ({ signal }) => {
        signals.push(signal);
        return new Promise<boolean>(() => {});
      },
    });
    const { headers = {}, body = '' } = await sealed(device, api, {}, SCOPE);
    const socket = await openSocket(service.port);
    const fields = Object.entries({ host: 'test', 'content-length': Buffer.byteLength(body), ...headers });
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`POST /orders HTTP/1.1\r\n${lines}\r\n`);
    socket.write(body);
    await until(() => signals.length === 1);
    socket.destroy();
    await until(() => signals[0]!.aborted);
  });

  test('a log that is down lets nothing through, and a wait is said', async () => {
    const audit = { append: () => Promise.reject(new Error('disk full')) };
    const { service, device, api } = await made(
      [
        { require: ['audit-log'], method: 'POST' },
        { method: 'GET', limits: { requestsPerDay: 1 } },
      ],
      { audit },
    );
    await service.refused(sealed(device, api, {}, SCOPE), '503 POLICY_UNMET:AUDIT_LOG');
    await service.accepted(withKey(ACME));
    const { headers } = await service.refused(withKey(ACME), '429 POLICY_LIMIT_EXCEEDED');
    expect(headers['retry-after']).toBe('86400');
    await service.quiet();
    expect(service.of('fault').map(({ error }) => error.id)).toEqual(['POLICY_UNMET:AUDIT_LOG']);
  });

  test('one that does not decide lets nothing through', async () => {
    const decide = () => {
      throw new Error('down');
    };
    const { service } = await made([], {}, { policy: { decide } });
    await service.refused(withKey(ACME), '503 POLICY_UNAVAILABLE');
  });

  test.each([[undefined], [{ effect: 'maybe' }], [true], [new Promise(() => {})]])(
    'one that answers %j lets nothing through, and it is a fault',
    async (answer) => {
      const policy = { decide: () => answer as never, timeoutMs: 50 };
      const { service } = await made([], {}, { policy });
      await service.refused(withKey(ACME), '503 POLICY_UNAVAILABLE');
      await service.quiet();
      expect(service.of('fault').map(({ error }) => error.id)).toEqual(['POLICY_UNAVAILABLE']);
    },
  );

  test('one of your own is told of as an engine is, whatever its error', async () => {
    const cause = new Error('no');
    const decide = () => ({ effect: 'deny', error: cause }) as never;
    const { service, device, api } = await made([], {}, { policy: { decide } });
    await service.refused(withKey(ACME), '403 POLICY_DENIED');
    await service.refused(sealed(device, api, {}, SCOPE), '403 POLICY_DENIED');
    await service.quiet();
    const told = { type: 'policy-decision', outcome: 'refused', reason: 'POLICY_DENIED', revision: 0 };
    expect(service.of('policy-decision')).toEqual([
      { ...told, client: 'acme' },
      { ...told, client: 'acme', did: device.did },
    ]);
  });

  test('is that of its agent, if it has none of its own', async () => {
    const policy = await PolicyEngine.create({ rules: [{ effect: 'deny' }] });
    const world = new World();
    const service = await world.serve({ agent: await world.agent('api', { policy }), clock: world.clock });
    await service.refused(withKey(ACME), '403 POLICY_DENIED');
  });

  test('the header form says the digest of its body', async () => {
    const { service, device, api, recorded } = await made([]);
    await service.accepted(signed(device, api, {}, SCOPE));
    expect([recorded[0]!.proof, recorded[0]!.amount]).toEqual(['envelope', undefined]);
  });

  test('its options are checked', async () => {
    const decide = () => ({ effect: 'allow' });
    expect(await optionRefusedBy(() => made([], {}, { policy: {} as never }))).toBe('policy');
    for (const timeoutMs of [0, Number.NaN, '5', 2 ** 31])
      expect(await optionRefusedBy(() => made([], {}, { policy: { decide, timeoutMs } as never }))).toBe(
        'policy',
      );
    expect(await optionRefusedBy(() => made([], {}, { amountOf: 1 as never }))).toBe('amountOf');
    expect(await optionRefusedBy(() => made([], { mode: 'off' as never }))).toBe('mode');
  });
});

describeWithRedis('with Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  }, 60_000);
  afterAll(() => server?.stop());

  test('four instances let through as much as one, in a race', async () => {
    const { client, end } = await Object.values(CLIENTS)[0]!.one({ host: '127.0.0.1', port: server.port });
    const services = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const limitStore = new RedisLimitStore({ client, timeoutMs: 10_000 });
        return (await made([{ id: 'all', limits: { requestsPerDay: 10 } }], { limitStore })).service;
      }),
    );
    const answers = await Promise.all(
      services.flatMap((service) => Array.from({ length: 8 }, () => service.send(withKey(ACME)))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(22);
    end();
  });
});
