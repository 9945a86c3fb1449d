import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  NoiseProvider,
  noiseOptionsOf,
  parseCryptoConfig,
  readCryptoConfig,
  routerOptionsOf,
} from '../../src/index.js';
import { openStateStore } from '../../src/signal/index.js';
import { afterTest, failureOf, identityOf, registryOf } from '../support.js';

/** Everything that the file can say. */
const WHOLE = `
crypto:
  algorithms:
    signing: ed25519
    key_agreement: x25519
    post_quantum: ml-kem-768 # FIPS 203
    hybrid_mode: true
  key_lifecycle:
    rotation_interval: 720h
    prekey_pool_size: 200
    prekey_refresh_threshold: 0.7
  state_persistence:
    backend: vault
    path: secret/agents/{agent_id}/crypto
    encryption: aes-256-gcm
protocols:
  noise:
    pattern: XX
    cipher: chacha20-poly1305
    transport: udp
  signal:
    handshake: x3dh
    ratchet: double
    state_sync: every_message
  mls:
    version: rfc9750
    tree_type: binary
    epoch_rotation: on_membership_change
    delivery_service: federated
observability:
  handshake_latency_ms: true
  ratchet_state_age_seconds: true
  prekey_utilization_percent: true
  quantum_migration_status: true
`;

describe('agent-crypto-config.yaml', () => {
  test('all of it is read', async () => {
    const config = parseCryptoConfig(WHOLE, { agentId: 'ada' });
    expect(config).toMatchObject({
      algorithms: { signing: 'ed25519', hybridMode: true },
      keyLifecycle: { rotationIntervalMs: 2_592_000_000, prekeyPoolSize: 200, prekeyRefreshThreshold: 0.7 },
      statePersistence: { backend: 'vault', path: 'secret/agents/ada/crypto', encryption: 'aes-256-gcm' },
      noise: { pattern: 'XX', cipher: 'ChaChaPoly', transport: 'udp' },
      signal: { handshake: 'x3dh' },
      mls: { version: 'rfc9750', deliveryService: 'federated' },
      observability: { handshake_latency_ms: true, quantum_migration_status: true },
    });
    expect(noiseOptionsOf(config)).toEqual({
      hybrid: true,
      cipher: 'ChaChaPoly',
      postQuantumSig: false,
      prefer: 'udp',
    });
    expect(routerOptionsOf(config)).toEqual({ postQuantum: true });
    const identity = await identityOf('ada');
    new NoiseProvider({ identity, registry: await registryOf(identity), ...noiseOptionsOf(config) });
  });

  test.each(['', '~', '# nothing', '---'])('a file that says nothing is refused: %j', async (text) => {
    const error = await failureOf(() => parseCryptoConfig(text));
    expect(error.id).toBe('CONFIG_INVALID');
    expect(error.message).toContain('is empty');
  });

  test('what is left out has defaults that are not weaker than the template', () => {
    const config = parseCryptoConfig('crypto: {}');
    expect(config.algorithms.hybridMode).toBe(true);
    expect(config.statePersistence).toEqual({ backend: 'memory', encryption: 'aes-256-gcm' });
    openStateStore(config.statePersistence, { agentId: 'ada' });
    expect(config.observability.handshake_latency_ms).toBe(false);
  });

  test('it is read from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mesh-'));
    afterTest(() => rm(folder, { recursive: true }));
    const path = join(folder, 'agent-crypto-config.yaml');
    await writeFile(path, 'protocols: { noise: { cipher: aes-256-gcm } }');
    expect((await readCryptoConfig(path)).noise.cipher).toBe('AESGCM');
    await writeFile(path, 'crypto: { secret-of-mine: "');
    const error = await failureOf(() => readCryptoConfig(path));
    expect(error.message).toMatch(/agent-crypto-config\.yaml, line 1, column \d+: .*\(missing char\)/);
    expect(error.message).not.toContain('secret-of-mine');
    expect((await failureOf(() => readCryptoConfig(join(folder, 'none')))).id).toBe(
      'CONFIG_INVALID:UNREADABLE',
    );
  });

  test.each([
    ['crypto: { algorithm: {} }', 'crypto.algorithm', 'did you mean algorithms?'],
    ['protocols: { noise: { patern: XX } }', 'protocols.noise.patern', 'did you mean pattern?'],
    ['protocols: { noise: { pattern: NN } }', 'protocols.noise.pattern', 'XX'],
    ['protocols: { wireguard: {} }', 'protocols.wireguard', 'there are noise, signal, mls'],
    ['crypto: { algorithms: { hybrid_mode: yes please } }', 'crypto.algorithms.hybrid_mode', 'true or false'],
    [
      'crypto: { key_lifecycle: { rotation_interval: 720 } }',
      'crypto.key_lifecycle.rotation_interval',
      '720h',
    ],
    [
      'crypto: { key_lifecycle: { prekey_pool_size: 1000 } }',
      'crypto.key_lifecycle.prekey_pool_size',
      '10 to 200',
    ],
    [
      'crypto: { key_lifecycle: { prekey_refresh_threshold: 70 } }',
      'crypto.key_lifecycle.prekey_refresh_threshold',
      '1',
    ],
    ['crypto: { state_persistence: { backend: vault } }', 'crypto.state_persistence.path', 'needs it'],
    ['crypto: { state_persistence: { backend: vault, path: "{agent_id}" } }', 'agentId', 'agentId is needed'],
    [
      'crypto: { state_persistence: { backend: vault, path: "secret/{agentid}/crypto" } }',
      'crypto.state_persistence.path',
      'did you mean {agent_id}?',
    ],
    ['[]', '', 'a section'],
    ['crypto: []', 'crypto', 'a section'],
    ['__proto__: {}', '__proto__', 'no such key'],
    ['crypto: {}\ncrypto: {}', 'line 2', ''],
    ['a: &x [*x, *x]', undefined, ''],
    ['crypto: !!js/function "x"', 'line 1', ''],
    ['crypto: {', 'line 1', ''],
  ])('%s', async (text, field, says) => {
    const error = await failureOf(() => parseCryptoConfig(text));
    expect(error.id).toMatch(/^(CONFIG_INVALID|INVALID_OPTION)/);
    expect(error.field).toBe(field);
    expect(error.message).toContain(says);
  });
});
