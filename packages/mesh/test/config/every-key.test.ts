import { describe, expect, test } from '@jest/globals';
import { CONFIG_SCHEMA, type SchemaNode } from '../../src/config/schema.js';
import {
  type ConfigWarning,
  type CryptoConfig,
  mlsOptionsOf,
  noiseOptionsOf,
  parseCryptoConfig,
  routerOptionsOf,
} from '../../src/index.js';
import { metricsOptionsOf } from '../../src/metrics.js';
import { openStateStore, type StateStore, signalOptionsOf, VaultStateStore } from '../../src/signal/index.js';
import { failureOf } from '../support.js';

const asked: string[] = [];
const vault = {
  url: 'http://127.0.0.1:1',
  token: () => 'x',
  fetch: async (url: unknown) => {
    asked.push(String(url));
    return Response.json({}, { status: 404 });
  },
};
const SERVERS = { server: 'https://a.example', servers: ['https://b.example'] };
const signal = (config: CryptoConfig) => signalOptionsOf(config, { vault, agentId: 'ada' });

/** What each key decides: a value, another one, and what is built of them. A key that is in no list fails the test below. */
const EFFECTS: Record<
  string,
  readonly [value: unknown, other: unknown, built: (config: CryptoConfig) => unknown]
> = {
  'crypto.algorithms.signing': ['ed25519', 'ml-dsa-65', (config) => noiseOptionsOf(config).postQuantumSig],
  'crypto.algorithms.hybrid_mode': [
    true,
    false,
    (config) => [noiseOptionsOf(config).hybrid, routerOptionsOf(config).postQuantum, suiteOf(config)],
  ],
  'crypto.key_lifecycle.rotation_interval': ['720h', '24h', (config) => signal(config).prekeyRotationMs],
  'crypto.key_lifecycle.prekey_pool_size': [200, 50, (config) => signal(config).prekeyPoolSize],
  'crypto.key_lifecycle.prekey_refresh_threshold': [
    0.7,
    0.5,
    (config) => signal(config).prekeyRefreshThreshold,
  ],
  'crypto.state_persistence.backend': [
    'memory',
    'vault',
    (config) => signal(config).state?.constructor.name ?? 'none',
  ],
  'crypto.state_persistence.path': ['secret/a', 'secret/b', (config) => placeOf(signal(config).state)],
  'protocols.noise.cipher': ['chacha20-poly1305', 'aes-256-gcm', (config) => noiseOptionsOf(config).cipher],
  'protocols.noise.transport': ['udp', 'websocket', (config) => noiseOptionsOf(config).prefer],
  'protocols.mls.delivery_service': ['single', 'federated', (config) => accepts(config)],
  'observability.handshake_latency_ms': [true, false, metricsOptionsOf],
  'observability.ratchet_state_age_seconds': [true, false, metricsOptionsOf],
  'observability.prekey_utilization_percent': [true, false, metricsOptionsOf],
  'observability.quantum_migration_status': [true, false, metricsOptionsOf],
};

/** Values that mean something else than they seem to: the reader says so by name. */
const TOLD: Record<string, string> = {
  'protocols.signal.handshake': 'x3dh',
  'protocols.mls.version': 'rfc9750',
};

const suiteOf = (config: CryptoConfig) => {
  const federated = { ...config, mls: { ...config.mls, deliveryService: 'federated' } } as const;
  return mlsOptionsOf(federated, SERVERS).suite;
};
const accepts = (config: CryptoConfig) => {
  try {
    return mlsOptionsOf(config, SERVERS).servers;
  } catch (error) {
    return (error as { field?: string }).field;
  }
};
/** The store keeps its place to itself; its requests do not. */
async function placeOf(state: StateStore | undefined): Promise<unknown> {
  expect(state).toBeInstanceOf(VaultStateStore);
  asked.length = 0;
  await state!.load('id');
  return asked[0];
}

/** Nested sections as YAML, which JSON is. */
function textOf(values: Record<string, unknown>): string {
  const whole: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('.');
    const last = names.pop()!;
    let at = whole;
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return JSON.stringify(whole);
}

function leavesOf(node: SchemaNode, path = ''): [string, SchemaNode][] {
  if (node.type !== 'section') return [[path, node]];
  return Object.entries(node.members).flatMap(([name, member]) =>
    leavesOf(member, path === '' ? name : `${path}.${name}`),
  );
}

const read = (values: Record<string, unknown>) => {
  const warnings: ConfigWarning[] = [];
  const beside = { 'crypto.state_persistence.backend': 'vault', 'crypto.state_persistence.path': 'secret/x' };
  const onWarning = (warning: ConfigWarning) => void warnings.push(warning);
  const config = parseCryptoConfig(textOf({ ...beside, ...values }), { onWarning, agentId: 'ada' });
  return { config, warnings };
};

describe('no key of agent-crypto-config.yaml is ignored in silence', () => {
  test('each has an effect, has one value, or is told', () => {
    for (const [path, leaf] of leavesOf(CONFIG_SCHEMA)) {
      const hasOneValue = leaf.type === 'choice' && leaf.values.length === 1;
      expect([path, hasOneValue || path in EFFECTS || path in TOLD]).toEqual([path, true]);
    }
  });

  test.each(Object.entries(EFFECTS))('%s changes what is built', async (path, [value, other, built]) => {
    const builtWith = (each: unknown) => built(read({ [path]: each }).config);
    const [one, two] = [await builtWith(value), await builtWith(other)];
    expect(one).toBeDefined();
    expect(one).not.toEqual(two);
  });

  test.each(Object.entries(TOLD))('%s: %s is told by name', (path, value) => {
    expect(read({ [path]: value }).warnings).toEqual([
      { field: path, message: expect.stringContaining('Say ') },
    ]);
  });

  test('what has one value refuses others, and says which one', async () => {
    for (const [path, leaf] of leavesOf(CONFIG_SCHEMA)) {
      if (leaf.type !== 'choice') continue;
      const error = await failureOf(() => read({ [path]: 'another' }));
      expect([error.id, error.field]).toEqual(['CONFIG_INVALID', path]);
      for (const value of leaf.values) expect(error.message).toContain(value);
    }
  });

  test('warnings go to the process where nobody takes them', () => {
    const told: unknown[] = [];
    const real = process.emitWarning;
    process.emitWarning = (...args: unknown[]) => void told.push(args);
    try {
      parseCryptoConfig('protocols: { signal: { handshake: x3dh } }');
    } finally {
      process.emitWarning = real;
    }
    expect(told).toEqual([
      [expect.stringMatching(/^protocols\.signal\.handshake: .*PQXDH/), { code: 'MESH_CONFIG' }],
    ]);
  });

  test('several servers need `federated`, and it needs several', async () => {
    const { config } = read({});
    expect(mlsOptionsOf(config, { server: 'https://a.example' })).toEqual({
      server: 'https://a.example',
      suite: 'xwing-aes256',
    });
    expect(await failureOf(() => mlsOptionsOf(config, SERVERS))).toMatchObject({
      field: 'protocols.mls.delivery_service',
    });
    const { config: federated } = read({ 'protocols.mls.delivery_service': 'federated' });
    expect(await failureOf(() => mlsOptionsOf(federated, { server: 'https://a.example' }))).toMatchObject({
      field: 'servers',
    });
  });

  test.each(['30m', '91d'])(
    'a rotation_interval that no provider takes is refused by the reader: %s',
    async (value) => {
      const path = 'crypto.key_lifecycle.rotation_interval';
      expect(await failureOf(() => read({ [path]: value }))).toMatchObject({
        id: 'CONFIG_INVALID',
        field: path,
      });
    },
  );

  test('without a store of its own, a Signal provider keeps its state in memory', () => {
    const memory = { 'crypto.state_persistence.backend': 'memory' };
    expect('state' in signal(read(memory).config)).toBe(false);
    openStateStore(read(memory).config.statePersistence, { agentId: 'ada' });
  });
});
