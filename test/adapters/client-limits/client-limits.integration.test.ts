import { describe, expect, test } from '@jest/globals';
import { type DualModeOptions, type LimitStore, MemoryLimitStore } from '@private.me/xlink';
import { DAY, MINUTE, SECOND } from '../../support/clock.js';
import { ACME, BOLT, withKey as keyed } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { STAGES } from '../../support/stages/stages.js';
import { World } from '../../support/world.js';
import { enrollment, sealed, withKey } from '../requests.js';

const EXCEEDED = '429 CLIENT_LIMIT_EXCEEDED';

async function made(clientLimits: DualModeOptions['clientLimits'], setup: object = {}) {
  const world = new World();
  const { clock } = world;
  const api = await world.agent('api');
  const service = await world.serve({
    agent: api,
    clock,
    clients: world.clients,
    ...(clientLimits ? { clientLimits } : {}),
    ...setup,
  });
  return { world, clock, api, service };
}

describe.each(STAGES)('$name', ({ serve }) => {
  test('what is left is said on each answer, and on the refusal that comes of it', async () => {
    const known = await World.withCaller();
    const service = await serve(known, { clientLimits: { requestsPerMinute: 1 } });
    const first = await service.send(keyed());
    expect([first.status, first.headers['ratelimit-policy'], first.headers['ratelimit']]).toEqual([
      200,
      '"minute";q=1;w=60',
      '"minute";r=0;t=60',
    ]);
    const { headers } = await service.refused(keyed(), EXCEEDED);
    expect([headers['ratelimit'], headers['retry-after']]).toEqual(['"minute";r=0;t=60', '60']);
    expect(headers['content-type']).toContain('application/problem+json');
  });
});

describe('a limit of a client', () => {
  test('counts key and xLink together, and begins anew after its window', async () => {
    const { world, api, service, clock } = await made({ requestsPerMinute: 2 });
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await service.accepted(withKey(ACME));
    clock.advance(20 * SECOND);
    const { answer } = await service.accepted(sealed(device, api, {}, { scope: 'orders:read' }));
    expect(answer.headers['ratelimit']).toBe('"minute";r=0;t=40');
    const refused = await service.refused(sealed(device, api, {}, { scope: 'orders:read' }), EXCEEDED);
    expect(refused.headers['retry-after']).toBe('40');
    await service.accepted(withKey(BOLT));
    clock.advance(40 * SECOND);
    await service.accepted(withKey(ACME));
  });

  test('a day’s quota counts beside it, and the longer wait is said', async () => {
    const { service, clock } = await made({ requestsPerMinute: 1, requestsPerDay: 2 });
    const first = await service.accepted(withKey(ACME));
    expect(first.answer.headers['ratelimit-policy']).toBe('"minute";q=1;w=60, "day";q=2;w=86400');
    clock.advance(MINUTE);
    await service.accepted(withKey(ACME));
    clock.advance(MINUTE);
    const { headers } = await service.refused(withKey(ACME), EXCEEDED);
    expect(headers['retry-after']).toBe(String((DAY - 2 * MINUTE) / SECOND));
  });

  test('of one client is its own', async () => {
    const of = (client: string) => (client === 'acme' ? { requestsPerMinute: 2 } : undefined);
    const { service } = await made({ requestsPerMinute: 1, of });
    for (const key of [ACME, ACME, BOLT]) await service.accepted(withKey(key));
    for (const key of [ACME, BOLT]) await service.refused(withKey(key), EXCEEDED);
  });

  test('what is refused for another reason counts nothing, nor does a limit make a client "failing"', async () => {
    const { world, api, service } = await made({ requestsPerMinute: 1 });
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    world.clock.advance(1);
    await service.accepted(sealed(device, api, {}, { scope: 'orders:read' }));
    world.clock.advance(1);
    await service.refused(sealed(device, api, {}, { scope: 'orders:read' }), EXCEEDED);
    await service.quiet();
    const { clients } = await service.adapter.report();
    expect(clients.find(({ client }) => client === 'acme')).toMatchObject({
      state: 'moved',
      failures: { CLIENT_LIMIT_EXCEEDED: 1 },
    });
  });

  test('a store that is down refuses nobody: the process counts for itself', async () => {
    const store: LimitStore = { take: () => Promise.reject(new Error('connection refused')) };
    const { service } = await made({ requestsPerMinute: 1, store });
    await service.accepted(withKey(ACME));
    await service.refused(withKey(ACME), EXCEEDED);
    expect(service.of('fault').length).toBeGreaterThan(0);
  });

  test('two instances with one store let through as much as one', async () => {
    const store = new MemoryLimitStore();
    const [one, two] = [
      await made({ requestsPerMinute: 3, store }),
      await made({ requestsPerMinute: 3, store }),
    ];
    for (const { service } of [one, two, one]) await service.accepted(withKey(ACME));
    for (const { service } of [one, two]) await service.refused(withKey(ACME), EXCEEDED);
  });

  test('is not there without the option', async () => {
    const { service } = await made(undefined);
    const { answer } = await service.accepted(withKey(ACME));
    expect(answer.headers).not.toHaveProperty('ratelimit');
  });

  test.each([
    [{ requestsPerMinute: 0 }, 'requestsPerMinute'],
    [{ requestsPerSecond: 5 }, 'requestsPerSecond'],
    [{ store: {} }, 'store'],
  ])('%j is refused by name', async (limits, field) => {
    expect(await optionRefusedBy(() => made(limits as object))).toBe(field);
  });
});
