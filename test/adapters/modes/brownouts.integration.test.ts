import { describe, expect, test } from '@jest/globals';
import type { Brownout, Mode } from '@private.me/xlink';
import { Brownouts } from '../../../src/adapters/modes/brownouts.js';
import { HOUR, MINUTE, NOON } from '../../support/clock.js';
import { ACME, BOLT, type RefusalText, WRONG } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { sealed, signed, withKey } from '../requests.js';

const brownoutAt = (from: number, until: number): Brownout => ({
  from: new Date(from),
  until: new Date(until),
});
const FIRST = brownoutAt(NOON + HOUR, NOON + HOUR + 10 * MINUTE);
const SECOND_ONE = brownoutAt(NOON + 3 * HOUR, NOON + 4 * HOUR);
const FIRST_TEXT = '2025-01-01T13:00:00.000Z/2025-01-01T13:10:00.000Z';
const SECOND_TEXT = '2025-01-01T15:00:00.000Z/2025-01-01T16:00:00.000Z';
const BROWNOUT: RefusalText = '401 API_KEY_BROWNOUT';

async function made(setup: object = {}) {
  const world = new World();
  const [api, caller] = [await world.agent('api'), await world.agent('caller')];
  const service = await world.serve({
    agent: api,
    clock: world.clock,
    mode: 'deprecation',
    brownouts: [FIRST],
    ...setup,
  });
  return { world, clock: world.clock, api, caller, service };
}

describe('a brownout', () => {
  test('is announced, refuses keys from its first to its last millisecond, and is over', async () => {
    const { clock, service } = await made();
    const announced = async () => (await service.accepted(withKey(ACME))).answer.headers['x-xlink-brownout'];
    const refused = async () => (await service.refused(withKey(ACME), BROWNOUT)).headers['x-xlink-brownout'];

    expect(await announced()).toBe(FIRST_TEXT);
    clock.set(FIRST.from.getTime() - 1);
    expect(await announced()).toBe(FIRST_TEXT);
    clock.advance(1);
    expect(await refused()).toBe(FIRST_TEXT);
    clock.set(FIRST.until.getTime() - 1);
    expect(await refused()).toBe(FIRST_TEXT);
    clock.advance(1);
    expect(await announced()).toBeUndefined();
  });

  test('[E15] is not forgotten by a clock that was ahead for one request', async () => {
    const { clock, service } = await made({ brownouts: [FIRST, SECOND_ONE] });
    const page = async () => (await service.send({ path: '/.well-known/xlink/brownouts' })).text;
    clock.set(NOON + 365 * 24 * HOUR);
    expect((await service.accepted(withKey(ACME))).answer.headers['x-xlink-brownout']).toBeUndefined();
    expect(await page()).toContain('None is planned');
    expect(service.adapter.brownouts).toEqual([]);
    clock.set(NOON);
    expect((await service.accepted(withKey(ACME))).answer.headers['x-xlink-brownout']).toBe(FIRST_TEXT);
    expect(await page()).not.toContain('None is planned');
    expect(service.adapter.brownouts).toEqual([FIRST, SECOND_ONE]);
    clock.set(FIRST.from.getTime());
    await service.refused(withKey(ACME), BROWNOUT);
  });

  test('has a problem type of its own, names both schemes, and says where to read on', async () => {
    const migrationUrl = 'https://api.example.com/migrate';
    const { clock, service } = await made({ deprecation: { migrationUrl } });
    clock.set(FIRST.from.getTime());
    const { text, headers } = await service.refused(withKey(ACME), BROWNOUT);
    expect(JSON.parse(text)).toMatchObject({
      type: 'https://xail.io/docs/packages/xlink/errors#API_KEY_BROWNOUT',
      authMethod: 'api-key',
    });
    expect(headers['www-authenticate']).toBe(
      'Xlink realm="api", error="API_KEY_BROWNOUT", ApiKey realm="api"',
    );
    expect(headers['x-migration-url']).toBe(migrationUrl);
    expect(headers.link).toContain('rel="deprecation"');
    expect(headers['retry-after']).toBeUndefined();
  });

  test('does not touch envelopes, nor tell them anything', async () => {
    const { clock, api, caller, service } = await made();
    clock.set(FIRST.from.getTime());
    for (const sent of [sealed(caller, api), signed(caller, api)]) {
      const { auth, answer } = await service.accepted(sent);
      expect(auth).toMatchObject({ mode: 'xlink', did: caller.did });
      expect(answer.headers['x-xlink-brownout']).toBeUndefined();
    }
  });

  test('a wrong key stays a wrong key, and none stays none', async () => {
    const { clock, service } = await made();
    clock.set(FIRST.from.getTime());
    const wrong = await service.refused(withKey(WRONG), '401 API_KEY_INVALID');
    const none = await service.refused({}, '401 CREDENTIALS_MISSING');
    for (const { headers } of [wrong, none]) expect(headers['x-xlink-brownout']).toBeUndefined();
  });

  test.each(['observe', 'hybrid'] as Mode[])('neither refuses nor is announced in %s mode', async (mode) => {
    const { clock, service } = await made({ mode });
    for (const time of [NOON, FIRST.from.getTime()]) {
      clock.set(time);
      const { answer } = await service.accepted(withKey(ACME));
      expect(answer.headers['x-xlink-brownout']).toBeUndefined();
    }
  });

  test('in xlink-only mode keys are refused for good, not for minutes', async () => {
    const { clock, service } = await made({ mode: 'xlink-only' });
    clock.set(FIRST.from.getTime());
    const { headers } = await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    expect(headers['x-xlink-brownout']).toBeUndefined();
  });

  test('goes by the mode of the client and the route', async () => {
    const { clock, service, world } = await made({ mode: 'hybrid' });
    clock.set(FIRST.from.getTime());
    await service.accepted(withKey(BOLT));
    service.adapter.setMode('deprecation', undefined, { route: { path: '/orders' } });
    await service.refused(withKey(BOLT), BROWNOUT);
    await service.accepted(withKey(BOLT, { path: '/refunds' }));

    const other = await made({
      clients: world.clients,
      clientModes: { bolt: 'hybrid', acme: 'deprecation' },
    });
    other.clock.set(FIRST.from.getTime());
    await other.service.accepted(withKey(BOLT));
    await other.service.refused(withKey(ACME), BROWNOUT);
  });

  test('one after the other, in whatever order they were planned', async () => {
    const { clock, service } = await made({ brownouts: [SECOND_ONE] });
    const announced = async () => (await service.accepted(withKey(ACME))).answer.headers['x-xlink-brownout'];
    expect(await announced()).toBe(SECOND_TEXT);
    service.adapter.scheduleBrownout(FIRST);
    expect(await announced()).toBe(FIRST_TEXT);
    clock.set(FIRST.until.getTime());
    expect(await announced()).toBe(SECOND_TEXT);
    clock.set(SECOND_ONE.from.getTime());
    await service.refused(withKey(ACME), BROWNOUT);
    clock.set(SECOND_ONE.until.getTime());
    expect(await announced()).toBeUndefined();
  });

  test('browsers may read the announcement', async () => {
    const { clock, service } = await made();
    const exposed = async () =>
      (await service.accepted(withKey(ACME))).answer.headers['access-control-expose-headers'];
    expect(await exposed()).toBe(
      'Deprecation, Sunset, Link, X-Deprecated-Auth, X-Migration-Url, X-Xlink-Brownout',
    );
    clock.set(FIRST.until.getTime());
    expect(await exposed()).toBe('Deprecation, Sunset, Link, X-Deprecated-Auth, X-Migration-Url');
  });

  test('is no fault of the server', async () => {
    const { clock, service } = await made();
    clock.set(FIRST.from.getTime());
    await service.refused(withKey(ACME), BROWNOUT);
    expect(service.of('fault')).toEqual([]);
    expect(service.adapter.getMetrics()).toMatchObject({ failedAuth: 1, totalRequests: 0 });
  });
});

describe('brownouts that are not two dates in order', () => {
  const [from, until] = [FIRST.from, FIRST.until];
  const WRONG_ONES: [string, unknown][] = [
    ['the wrong way round', { from: until, until: from }],
    ['no time at all', { from, until: from }],
    ['no valid date', { from, until: new Date('soon') }],
    ['no valid start', { from: new Date(Number.NaN), until }],
    ['texts', { from: from.toISOString(), until: until.toISOString() }],
    ['numbers', { from: from.getTime(), until: until.getTime() }],
    ['no end', { from }],
    ['no start', { until }],
    ['nothing', {}],
    ['null', null],
    ['undefined', undefined],
    ['a text', 'tomorrow'],
  ];

  test.each(WRONG_ONES)('%s: refused as an option and when scheduled', async (_, brownout) => {
    expect(await optionRefusedBy(() => made({ brownouts: [FIRST, brownout] }))).toBe('brownouts');
    const { service } = await made();
    const field = await optionRefusedBy(() => service.adapter.scheduleBrownout(brownout as Brownout));
    expect(['from', 'until', 'options']).toContain(field);
    expect((await service.accepted(withKey(ACME))).answer.headers['x-xlink-brownout']).toBe(FIRST_TEXT);
  });

  test('one that is over already is refused when scheduled, and kept in the options of a deploy', async () => {
    const over = { from: new Date(FIRST.from.getTime() - 2), until: new Date(FIRST.from.getTime() - 1) };
    const { service, clock } = await made({ brownouts: [over] });
    clock.set(over.until.getTime());
    const schedule = () => service.adapter.scheduleBrownout(over);
    expect(await optionRefusedBy(schedule)).toBe('until');
    expect(schedule).toThrow(`until (${over.until.toISOString()}) is over already`);
  });

  test.each([null, {}, 'soon', FIRST])('%j in place of the list is refused', async (brownouts) => {
    expect(await optionRefusedBy(() => made({ brownouts }))).toBe('brownouts');
  });
});

test('of brownouts that overlap, the one that began first is shown, and all of them count', () => {
  const brownouts = new Brownouts([brownoutAt(20, 40), brownoutAt(10, 30), brownoutAt(50, 60)]);
  const active = (now: number) => brownouts.active(now) !== undefined;
  expect([9, 10, 25, 30, 39, 40, 49, 50, 59, 60].map(active)).toEqual([
    false,
    true,
    true,
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
  const shown = (now: number) => brownouts.announcement(now)['X-Xlink-Brownout']?.slice(19, 24);
  expect([0, 29, 30, 40, 59, 60].map(shown)).toEqual([
    '.010Z',
    '.010Z',
    '.020Z',
    '.050Z',
    '.050Z',
    undefined,
  ]);
});
