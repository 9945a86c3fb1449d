import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, type DualModeOptions, MemoryTrustRegistry } from '@private.me/xlink';
import { createRegistryServer } from '@private.me/xlink/server';
import { ACME, withKey as keyed, NAMELESS } from '../support/http.js';
import { listen } from '../support/listen.js';
import { optionRefusedBy } from '../support/results.js';
import { World } from '../support/world.js';
import { enrollment, withKey } from './requests.js';

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(() => void process.off('unhandledRejection', note));

type Callback = () => unknown;
/** A callback whose answer decides: the option, its place, and an answer that would be good if it came at once. */
type Row = readonly [
  name: string,
  options: (callback: Callback) => object,
  good: unknown,
  asked?: 'enrollment',
];

const DECIDING: readonly Row[] = [
  ['skip', (skip) => ({ skip }), true],
  ['requestTarget', (requestTarget) => ({ requestTarget }), '/orders'],
  ['clientId', (clientId) => ({ clientId }), 'acme'],
  ['clientLimits.of', (of) => ({ clientLimits: { of } }), { requestsPerMinute: 1 }],
  ['extract', (extract) => ({ apiKey: { extract } }), ACME],
  ['clientScopes', (clientScopes) => ({ clientScopes }), ['a'], 'enrollment'],
  [
    'enrollmentValidUntil',
    (enrollmentValidUntil) => ({ enrollmentValidUntil }),
    new Date(2e12),
    'enrollment',
  ],
];

async function serve(options: object) {
  const world = new World();
  const api = await world.agent('api');
  const service = await world.serve({ agent: api, clients: world.clients, ...options });
  return { world, api, service };
}

describe.each(DECIDING)('[E6] %s', (name, options, good, asked) => {
  /** Functions that look like others and return promises; and what is of another type. */
  const WRONG: readonly (readonly [string, Callback])[] = [
    ['a promise of a good answer', () => Promise.resolve(good)],
    ['a promise that rejects', () => Promise.reject(new Error('no database'))],
    ['a number', () => 1.5],
    ['a function', () => () => good],
  ];

  test.each(WRONG)('lets nobody through for %s, and a fault says what it must be', async (_, callback) => {
    unhandled.length = 0;
    const { world, api, service } = await serve(options(callback));
    const sent = asked ? enrollment(await world.stranger('device'), api, ACME) : keyed({}, ACME);
    await service.refused(sent, '500 INVALID_OPTION');
    const hint = expect.stringContaining(`${name} must answer at once, with `);
    expect(service.of('fault')[0]?.error).toMatchObject({ field: name, hint });
    for (let turns = 0; turns < 3; turns++) await turn();
    expect(unhandled).toEqual([]);
  });

  test('is refused as an option where it is async', async () => {
    const agent = await Agent.quickstart();
    const made = () =>
      new DualModeAdapter({
        agent,
        legacyKeyValidator: () => null,
        ...options(async () => good),
      } as DualModeOptions);
    expect(await optionRefusedBy(made)).toBe(name.split('.').at(-1));
  });

  test('may have a good answer', async () => {
    const { world, api, service } = await serve(options(() => good));
    const sent = asked ? enrollment(await world.stranger('device'), api, ACME) : keyed({}, ACME);
    expect((await service.send(sent)).status).toBe(200);
  });
});

test('a callback that has nothing to say says nothing', async () => {
  const { service } = await serve({
    skip: () => undefined,
    clientId: () => undefined,
    clientLimits: { of: () => undefined, requestsPerMinute: 1 },
    apiKey: { extract: () => null },
    addressOf: () => null,
  });
  expect((await service.accepted(withKey(NAMELESS))).answer.headers['ratelimit']).toBe('"minute";r=0;t=60');
  expect(service.of('fault')).toEqual([]);
});

test('an id that is a number is that of its text, as it is by default', async () => {
  const { service } = await serve({ clientId: () => 5, clientLimits: { requestsPerMinute: 9 } });
  await service.accepted(withKey(ACME));
  await service.adapter.revokeClient('5', { allowUnknown: true });
  await service.refused(withKey(ACME), '403 CLIENT_REVOKED');
});

describe('addressOf', () => {
  test.each([Promise.resolve('10.0.0.1'), Promise.reject(new Error('down')), { ip: '10.0.0.1' }])(
    'refuses nobody for %p, but a fault says so',
    async (address) => {
      unhandled.length = 0;
      const { service } = await serve({ addressOf: () => address, keyUse: true });
      await service.accepted(withKey(ACME));
      expect(service.of('fault')[0]?.error).toMatchObject({ id: 'INVALID_OPTION', field: 'addressOf' });
      for (let turns = 0; turns < 3; turns++) await turn();
      expect(unhandled).toEqual([]);
    },
  );

  test('of a registry server, too', async () => {
    const faults: unknown[] = [];
    const { url } = await listen(
      createRegistryServer({
        registry: new MemoryTrustRegistry(),
        adminToken: 'sixteen-characters',
        addressOf: (() => Promise.reject(new Error('down'))) as never,
        onFault: (error) => faults.push(error),
      }),
    );
    expect((await fetch(`${url}/registry/changes?wait=0`)).status).toBe(200);
    expect(faults).toMatchObject([{ cause: { id: 'INVALID_OPTION', field: 'addressOf' } }]);
    expect(unhandled).toEqual([]);
  });
});

test.each([{}, { count: Number.NaN, resetMs: 1 }, { count: '5', resetMs: 1 }, undefined])(
  'a store of limits that answers %p counts nobody: this process counts for itself, and a fault says so',
  async (answer) => {
    const store = { take: () => answer as never };
    const { service } = await serve({ clientLimits: { requestsPerMinute: 1, store } });
    await service.accepted(withKey(ACME));
    await service.refused(withKey(ACME), '429 CLIENT_LIMIT_EXCEEDED');
    expect(service.of('fault').length).toBeGreaterThan(0);
  },
);

test('a clock answers at once', async () => {
  const agent = await Agent.quickstart();
  const clock = (async () => 1) as never;
  expect(
    await optionRefusedBy(() => new DualModeAdapter({ agent, legacyKeyValidator: () => null, clock })),
  ).toBe('clock');
  expect(await optionRefusedBy(() => Agent.quickstart({ clock }))).toBe('clock');
});
