/** The configuration file: what each place may hold. A list holds the values that are allowed. */
type Leaf =
  | { readonly type: 'choice'; readonly values: readonly string[] }
  | { readonly type: 'boolean' }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'number'; readonly min: number; readonly max: number }
  | { readonly type: 'duration'; readonly minMs: number; readonly maxMs: number; readonly says: string }
  | { readonly type: 'text' };

const HOUR_MS = 3_600_000;

/** A leaf, or what is below it. */
export type SchemaNode =
  | Leaf
  | { readonly type: 'section'; readonly members: Readonly<Record<string, SchemaNode>> };

const choice = (...values: readonly string[]): Leaf => ({ type: 'choice', values });
const section = (members: Readonly<Record<string, SchemaNode>>): SchemaNode => ({ type: 'section', members });
const boolean: Leaf = { type: 'boolean' };

/** Everything that may stand in `agent-crypto-config.yaml`. */
export const CONFIG_SCHEMA = section({
  crypto: section({
    algorithms: section({
      signing: choice('ed25519', 'ml-dsa-65'),
      key_agreement: choice('x25519'),
      post_quantum: choice('ml-kem-768'),
      hybrid_mode: boolean,
    }),
    key_lifecycle: section({
      rotation_interval: {
        type: 'duration',
        minMs: HOUR_MS,
        maxMs: 90 * 24 * HOUR_MS,
        says: 'from 1h to 90d',
      },
      prekey_pool_size: { type: 'integer', min: 10, max: 200 },
      prekey_refresh_threshold: { type: 'number', min: 0.05, max: 1 },
    }),
    state_persistence: section({
      backend: choice('memory', 'file', 'redis', 'postgres', 'vault'),
      path: { type: 'text' },
      encryption: choice('aes-256-gcm'),
    }),
  }),
  protocols: section({
    noise: section({
      pattern: choice('XX'),
      cipher: choice('chacha20-poly1305', 'aes-256-gcm'),
      transport: choice('tcp', 'udp', 'websocket'),
    }),
    signal: section({
      handshake: choice('x3dh', 'pqxdh'),
      ratchet: choice('double'),
      state_sync: choice('every_message'),
    }),
    mls: section({
      version: choice('rfc9420', 'rfc9750'),
      tree_type: choice('binary'),
      epoch_rotation: choice('on_membership_change'),
      delivery_service: choice('single', 'federated'),
    }),
  }),
  observability: section({
    handshake_latency_ms: boolean,
    ratchet_state_age_seconds: boolean,
    prekey_utilization_percent: boolean,
    quantum_migration_status: boolean,
  }),
});
