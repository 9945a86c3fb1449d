import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Agent,
  DualModeAdapter,
  type DualModeOptions,
  ERROR_TABLE,
  MemoryClientStore,
  MemoryOperationsStore,
} from '@private.me/xlink';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../../src/envelope/parse.js';
import { World } from '../support/world.js';
import '../support/console.js';
import { thrownBy } from '../support/results.js';

let agent: Agent;

beforeAll(async () => {
  agent = await new World().agent('api');
});

const GOOD = { legacyKeyValidator: () => null, clients: new MemoryClientStore() };
const make = (options: object) => new DualModeAdapter({ agent, ...GOOD, ...options } as DualModeOptions);

/** For every member: values that are wrong, and values that are right. */
const MEMBERS: Record<keyof DualModeOptions, { wrong: unknown[]; right: unknown[] }> = {
  agent: { wrong: [null, 'did:key:z6Mk', {}, { did: 'x' }, () => {}], right: [] },
  legacyKeyValidator: { wrong: [null, 'key', {}, ['key']], right: [async () => null] },
  mode: {
    wrong: ['', 'Hybrid', 'off', null, 1, ['hybrid']],
    right: ['observe', 'hybrid', 'deprecation', 'xlink-only'],
  },
  apiKey: {
    wrong: [null, 'X-API-Key', true, new Map([['headers', ['X-Key']]]), []],
    right: [
      {},
      { schemes: ['Token'], headers: ['X-Key'], query: 'k', extract: () => undefined },
      { headers: [] },
    ],
  },
  deprecation: {
    wrong: [null, '2025-01-01', true, new Date(0), new Set()],
    right: [{}, { since: new Date(0), sunset: new Date(0), migrationUrl: 'https://example.com/a?b=c#d' }],
  },
  requireRequestBinding: { wrong: [null, 1, 'true'], right: [true, false] },
  allowCleartext: { wrong: [null, 0, 'false'], right: [true, false] },
  signatures: { wrong: [null, 1, 'true', {}], right: [true, false] },
  sessions: {
    wrong: [null, 1, 'true', [], new Map()],
    right: [true, false, {}, { never: ['pay'], lifetimeMs: 60_000, handshakesPerMinute: 1 }],
  },
  maxEnvelopeBytes: {
    wrong: [null, 0, 1023, 2 ** 30 + 1, 1024.5, NaN, Infinity, '1mb'],
    right: [1024, 2 ** 30],
  },
  maxBodyBytes: { wrong: [null, -1, 2 ** 30 + 1, 0.5, NaN, Infinity, '1mb'], right: [0, 2 ** 30] },
  maxUnauthenticatedBytes: {
    wrong: [0, 2047, 2 * DEFAULT_MAX_ENVELOPE_BYTES - 1, 1.5, '64', null, Infinity],
    right: [2 * DEFAULT_MAX_ENVELOPE_BYTES, 2 ** 30],
  },
  refusalsPerSecond: { wrong: [0, -1, 0.5, '5', null, Infinity], right: [1, 1000] },
  addressOf: { wrong: ['x-real-ip', {}, null], right: [() => '192.0.2.1'] },
  requestTarget: { wrong: [null, '/path', {}], right: [() => '/'] },
  proxyHeaders: {
    wrong: [null, 'x-user', [''], ['x user'], ['x-*-user'], ['*', ''], [1]],
    right: [[], ['X-Internal-User', 'x-mesh-*']],
  },
  hosts: {
    wrong: [null, 'api.example.com', [''], ['https://api.example.com'], ['a b'], [1]],
    right: [[], ['api.example.com', 'localhost:3000', '[::1]:3000']],
  },
  publicPaths: {
    wrong: [null, '/health', [''], ['health'], ['/a b'], [1]],
    right: [[], ['/health', '/docs/*']],
  },
  keyDirectory: { wrong: [null, 'true', 1, {}], right: [false] }, // true needs hosts
  skip: { wrong: [null, '/health', ['/health']], right: [() => false] },
  validatorTimeoutMs: { wrong: [null, 0, -1, 600_001, 1.5, '5s'], right: [1, 600_000] },
  exposeDetails: { wrong: [null, 'development', 1], right: [true, false] },
  realm: {
    wrong: [null, '', 'a"b', 'a\\b', 'a\nb', 'a\r\nX: y', 'x'.repeat(65), 1],
    right: ['api', 'Orders v2.1_beta-x'],
  },
  bodyLimits: {
    wrong: [
      null,
      {},
      50_000_000,
      ...['/p/*', '/p/:id', 'p'].map((path) => [{ path, maxBytes: 1 }]),
      [{ path: '/p' }],
      ...[-1, 1.5, '1mb', 2 ** 28 + 1].map((maxBytes) => [{ path: '/p', maxBytes }]),
      [{ path: '/p', methods: [], maxBytes: 1 }],
    ],
    right: [[], [{ path: '/uploads', methods: ['POST'], maxBytes: 2 ** 28 }], [{ path: '/', maxBytes: 0 }]],
  },
  routeEncryption: {
    wrong: [
      null,
      {},
      '/payments',
      ...['/p/*', '/p/:id', '/p?x=1'].map((path) => [{ path, encryption: 'required' }]),
      [{ path: '/p' }],
      ...[true, 'always', ''].map((encryption) => [{ path: '/p', encryption }]),
    ],
    right: [
      [],
      [{ path: '/p', methods: ['POST'], encryption: 'required' }],
      [{ path: '/', encryption: 'optional' }],
    ],
  },
  routeModes: {
    wrong: [
      null,
      {},
      '/orders',
      ...['/p/*', '/p/:id', '/p?x=1', '/p#x'].map((path) => [{ path, mode: 'xlink-only' }]),
      [{ path: '/p', methods: [], mode: 'xlink-only' }],
    ],
    right: [[], [{ path: '/orders', methods: ['POST'], mode: 'xlink-only' }]],
  },
  clientModes: {
    wrong: [null, 'acme', ['hybrid'], new Map([['acme', 'hybrid']])],
    right: [{}, { acme: 'hybrid' }],
  },
  brownouts: {
    wrong: [null, {}, '2027-01-01'],
    right: [[], [{ from: new Date(1), until: new Date(2) }]],
  },
  clients: { wrong: [null, {}, new Map()], right: [new MemoryClientStore()] },
  clientId: { wrong: [null, 'id'], right: [() => 'acme'] },
  clientScopes: { wrong: [null, ['a']], right: [() => ['a']] },
  onDowngrade: { wrong: [null, '', 'warn', true], right: ['accept', 'report', 'refuse'] },
  maxDidsPerClient: { wrong: [null, 0, 1.5, '20'], right: [1, 20] },
  enrollmentValidMs: { wrong: [null, 0, 999, 1.5, '1d', new Date()], right: [1000, 86_400_000] },
  enrollmentValidUntil: { wrong: [null, new Date(), 5], right: [() => undefined] },
  maxNoncesPerClient: { wrong: [null, 0, 1.5, '10', Infinity], right: [1, 100_000] },
  enrollment: {
    wrong: [
      null,
      {},
      [{}],
      [{ member: 'x' }],
      [{ member: 'keyProof', verify: () => ({ refused: 'NO' }) }],
      [{ member: 'x-y', verify: () => ({ refused: 'NO' }) }],
      [{ member: 'x', verify: () => ({ refused: 'NO' }), attemptsPerMinute: 0 }],
      ['x', 'x'].map((member) => ({ member, verify: () => ({ refused: 'NO' }) })),
    ],
    right: [[], [{ member: 'x', verify: () => ({ refused: 'NO' }), attemptsPerMinute: 5 }]],
  },
  enrollmentsPerMinute: { wrong: [null, 0, 1.5, '10'], right: [1, 10] },
  policy: { wrong: [null, {}, 'deny', () => ({})], right: [{ decide: () => ({ effect: 'allow' }) }] },
  amountOf: { wrong: [null, 5, 'amount'], right: [() => undefined] },
  clientLimits: {
    wrong: [null, 100, true],
    right: [{}, { requestsPerMinute: 1, requestsPerDay: 5, of: () => undefined }],
  },
  keySwitchGraceMs: { wrong: [null, -1, '1d'], right: [0, 86_400_000] },
  clientFlushIntervalMs: { wrong: [null, 0, '5s'], right: [1, 5000] },
  audit: {
    wrong: [true, {}, { log: {} }, { log: { append() {} }, failClosed: 'all' }],
    right: [{ append: async () => 0 }, { log: { append: async () => 0 }, failClosed: [{ path: '/pay' }] }],
  },
  operations: { wrong: [null, {}, { load() {}, save() {} }, 'redis'], right: [new MemoryOperationsStore()] },
  keyUse: { wrong: [null, 1, 'true'], right: [true, false, {}, { networks: false }] },
  instances: { wrong: [null, 0, -1, 1.5, '2', Infinity], right: [1, 16] },
  clock: { wrong: [null, 0, 'now'], right: [() => 0] },
  observers: { wrong: [null, () => {}, [1], [{}], 'console'], right: [[], [() => {}]] },
  tracer: { wrong: [null, () => {}, {}, 'otel'], right: [{ trace: () => {} }] },
};

const INNER: [string, string, unknown[]][] = [
  ['apiKey', 'schemes', [null, 'Bearer', [1], [''], ['a b'], ['a:b']]],
  ['apiKey', 'headers', [null, 'X-API-Key', [1], [''], ['X Key'], ['X-Key:']]],
  ['apiKey', 'query', [null, '', 1, ['k']]],
  ['apiKey', 'extract', [null, 'x-key', {}]],
  ['deprecation', 'since', [null, '2025-01-01', 0, new Date('never')]],
  ['deprecation', 'sunset', [null, '2025-01-01', 0, new Date('never')]],
  [
    'deprecation',
    'migrationUrl',
    [
      null,
      '',
      '/migrate',
      'ftp://example.com',
      'javascript:alert(1)',
      'https://a>b',
      'https://a"b',
      'https://a\r\nX: y',
      'https://',
    ],
  ],
];

const cases = Object.entries(MEMBERS).flatMap(([name, { wrong, right }]) => [
  ...wrong.map((value) => ({ name, value, ok: false })),
  ...right.map((value) => ({ name, value, ok: true })),
]);
const innerCases = INNER.flatMap(([owner, name, wrong]) => wrong.map((value) => ({ owner, name, value })));

describe('options of DualModeAdapter', () => {
  test.each(cases.filter(({ ok }) => !ok))('$name: $value is refused by name', async ({ name, value }) => {
    const error = await thrownBy(() => make({ [name]: value }));
    expect([error.id, error.field, error.status]).toEqual(['INVALID_OPTION', name, 500]);
    expect(error.title).toBe(ERROR_TABLE.INVALID_OPTION.message);
    expect(error.message).toMatch(new RegExp(`^DualModeAdapter: ${name} must be .+\\.$`));
  });

  test.each(cases.filter(({ ok }) => ok))('$name: $value is taken', ({ name, value }) => {
    expect(make({ [name]: value }).mode).toBe(name === 'mode' ? value : 'observe');
  });

  test.each(innerCases)('$owner.$name: $value is refused by name', async ({ owner, name, value }) => {
    const error = await thrownBy(() => make({ [owner]: { [name]: value } }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', name]);
    expect(error.hint).toMatch(new RegExp(`^DualModeAdapter: ${owner}: ${name} must be .+\\.$`));
  });

  test.each(Object.keys(MEMBERS).filter((name) => !['agent', 'legacyKeyValidator'].includes(name)))(
    '%s: undefined counts as absent',
    (name) => {
      expect(make({ [name]: undefined }).mode).toBe('observe');
    },
  );

  test.each(['agent', 'legacyKeyValidator'])('%s is required', async (name) => {
    const error = await thrownBy(() => make({ [name]: undefined }));
    expect([error.id, error.field, error.hint]).toEqual([
      'INVALID_OPTION',
      name,
      `DualModeAdapter: ${name} is required.`,
    ]);
  });

  test.each([
    [{ maxBodyByte: 1 }, 'maxBodyByte', 'did you mean maxBodyBytes?'],
    [{ Mode: 'hybrid' }, 'Mode', 'did you mean mode?'],
    [{ legacyKeyValidatr: () => null }, 'legacyKeyValidatr', 'did you mean legacyKeyValidator?'],
    [{ apiKey: { header: ['X-Key'] } }, 'header', 'did you mean headers?'],
    [{ deprecation: { sunSet: new Date() } }, 'sunSet', 'did you mean sunset?'],
    [{ deprecation: { migrationURL: 'https://example.com' } }, 'migrationURL', 'did you mean migrationUrl?'],
    [{ redisConnection: {} }, 'redisConnection', 'known are agent, legacyKeyValidator, mode,'],
  ])('%j is unknown, and the nearest name is suggested', async (options, field, suggestion) => {
    const error = await thrownBy(() => make(options));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
    expect(error.hint).toContain(suggestion);
  });

  test.each(['__proto__', 'constructor', 'toString'])('a member named %s is unknown too', async (name) => {
    const options = JSON.parse(`{"${name}":{"mode":"hybrid"}}`);
    const error = await thrownBy(
      () =>
        new DualModeAdapter(
          Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(options) }) as never,
        ),
    );
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', name]);
  });

  test.each([undefined, null, 'hybrid', 1])('%j in place of options is refused', async (options) => {
    const error = await thrownBy(() => new DualModeAdapter(options as never));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'options']);
  });

  test('a sunset before the deprecation is refused', async () => {
    const since = new Date('2025-06-01');
    const error = await thrownBy(() => make({ deprecation: { since, sunset: new Date('2025-05-31') } }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'deprecation.sunset']);
    expect(make({ deprecation: { since, sunset: since } }).mode).toBe('observe');
  });

  test('a wrong value is not quoted', async () => {
    const error = await thrownBy(() => make({ realm: 'canary"canary' }));
    expect(JSON.stringify(error) + error.stack).not.toContain('canary');
  });
});
