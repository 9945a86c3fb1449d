import { readFile } from 'node:fs/promises';
import { parseDocument, type YAMLParseError, type YAMLWarning } from 'yaml';
import { MeshError } from '../errors/mesh-error.js';
import { checkNames, checkValue, isFunction } from '../util/options.js';
import { checkPlaceholders, filledPath } from '../util/placeholders.js';
import { CONFIG_SCHEMA } from './schema.js';
import { validate } from './validate.js';
import { type ConfigWarning, warningsOf } from './warnings.js';

/** Where the state of Signal sessions is kept. */
export interface PersistenceConfig {
  /** Which store. */
  readonly backend: 'memory' | 'file' | 'redis' | 'postgres' | 'vault';
  /** Where in it; `{agent_id}` is filled in already. */
  readonly path?: string;
  /** How it is sealed. There is one way. */
  readonly encryption: 'aes-256-gcm';
}

/** What `agent-crypto-config.yaml` says, with times in ms. What it does not say is as the default of each member. */
export interface CryptoConfig {
  readonly algorithms: {
    /** `ml-dsa-65` signs with both. */
    readonly signing: 'ed25519' | 'ml-dsa-65';
    readonly keyAgreement: 'x25519';
    readonly postQuantum: 'ml-kem-768';
    /** Whether channels are hybrid: X25519 and ML-KEM-768. Default `true`. */
    readonly hybridMode: boolean;
  };
  readonly keyLifecycle: {
    /** How long a signed prekey is current. */
    readonly rotationIntervalMs: number;
    readonly prekeyPoolSize: number;
    readonly prekeyRefreshThreshold: number;
  };
  readonly statePersistence: PersistenceConfig;
  readonly noise: {
    readonly pattern: 'XX';
    readonly cipher: 'ChaChaPoly' | 'AESGCM';
    /** Whose addresses are tried first. */
    readonly transport: 'tcp' | 'udp' | 'websocket';
  };
  readonly signal: {
    readonly handshake: 'x3dh' | 'pqxdh';
    readonly ratchet: 'double';
    readonly stateSync: 'every_message';
  };
  readonly mls: {
    readonly version: 'rfc9420' | 'rfc9750';
    readonly treeType: 'binary';
    readonly epochRotation: 'on_membership_change';
    readonly deliveryService: 'single' | 'federated';
  };
  /** Which metrics are kept. */
  readonly observability: Readonly<Record<MetricName, boolean>>;
}

/** Names of the section `observability`. */
export type MetricName =
  | 'handshake_latency_ms'
  | 'ratchet_state_age_seconds'
  | 'prekey_utilization_percent'
  | 'quantum_migration_status';

/** Options of {@link readCryptoConfig} and {@link parseCryptoConfig}. */
export interface CryptoConfigOptions {
  /** Stands for `{agent_id}` in paths, the only placeholder there is. Default: a path that holds it is refused. */
  readonly agentId?: string;
  /** Told of each value that means something else than it seems to. Default: a warning of the process, `MESH_CONFIG`. */
  readonly onWarning?: (warning: ConfigWarning) => void;
}

/** Reads and checks a configuration file. Throws `CONFIG_INVALID…`. */
export async function readCryptoConfig(
  path: string,
  options: CryptoConfigOptions = {},
): Promise<CryptoConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new MeshError('CONFIG_INVALID:UNREADABLE', { cause });
  }
  return parse(text, options, path);
}

/** Checks the text of a configuration file: YAML 1.2 without tags, aliases and double keys. Throws `CONFIG_INVALID…`. */
export function parseCryptoConfig(text: string, options: CryptoConfigOptions = {}): CryptoConfig {
  return parse(text, options, 'The text');
}

/** `where`: the file, for messages. */
function parse(text: string, options: CryptoConfigOptions, where: string): CryptoConfig {
  checkNames('parseCryptoConfig', options, ['agentId', 'onWarning']);
  checkValue('parseCryptoConfig', 'onWarning', options.onWarning, isFunction, 'a function');
  const document = parseDocument(text, { uniqueKeys: true, maxAliasCount: 0 } as never);
  const [error] = [...document.errors, ...document.warnings];
  if (error) throw syntaxError(error, where);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw new MeshError('CONFIG_INVALID', { cause });
  }
  if (value === null || value === undefined)
    throw new MeshError('CONFIG_INVALID', {
      hint: `${where} is empty: it must have the sections crypto, protocols or observability.`,
    });
  const sections = validate(value, CONFIG_SCHEMA) as Sections;
  const config = withDefaults(sections, options);
  const { onWarning = emitWarning } = options;
  for (const warning of warningsOf(sections)) onWarning(warning);
  return config;
}

const emitWarning = ({ field, message }: ConfigWarning): void =>
  process.emitWarning(`${field}: ${message}`, { code: 'MESH_CONFIG' });

/** Names the kind of error and its place; the text itself, and the parser's quotation of it, stay out. */
function syntaxError({ code, linePos }: YAMLParseError | YAMLWarning, where: string): MeshError {
  const { line, col } = linePos?.[0] ?? { line: 1, col: 1 };
  const reason = code.toLowerCase().replaceAll('_', ' ');
  return new MeshError('CONFIG_INVALID', {
    field: `line ${line}`,
    hint: `${where}, line ${line}, column ${col}: this is no YAML that is taken (${reason}).`,
  });
}

type Section = Readonly<Record<string, unknown>>;
interface Sections {
  readonly crypto?: Readonly<
    Record<'algorithms' | 'key_lifecycle' | 'state_persistence', Section | undefined>
  >;
  readonly protocols?: Readonly<Record<'noise' | 'signal' | 'mls', Section | undefined>>;
  readonly observability?: Partial<Record<MetricName, boolean>>;
}

function withDefaults(
  { crypto, protocols, observability = {} }: Sections,
  options: CryptoConfigOptions,
): CryptoConfig {
  const { signing = 'ed25519', hybrid_mode: hybridMode = true } = crypto?.algorithms ?? {};
  const lifecycle = crypto?.key_lifecycle ?? {};
  const noise = protocols?.noise ?? {};
  const isOn = (name: MetricName) => observability[name] ?? false;
  return {
    algorithms: { signing, keyAgreement: 'x25519', postQuantum: 'ml-kem-768', hybridMode },
    keyLifecycle: {
      rotationIntervalMs: lifecycle['rotation_interval'] ?? 2_592_000_000,
      prekeyPoolSize: lifecycle['prekey_pool_size'] ?? 200,
      prekeyRefreshThreshold: lifecycle['prekey_refresh_threshold'] ?? 0.7,
    },
    statePersistence: persistenceOf(crypto?.state_persistence ?? {}, options),
    noise: {
      pattern: 'XX',
      cipher: noise['cipher'] === 'aes-256-gcm' ? 'AESGCM' : 'ChaChaPoly',
      transport: noise['transport'] ?? 'tcp',
    },
    signal: {
      handshake: protocols?.signal?.['handshake'] ?? 'pqxdh',
      ratchet: 'double',
      stateSync: 'every_message',
    },
    mls: {
      version: protocols?.mls?.['version'] ?? 'rfc9420',
      treeType: 'binary',
      epochRotation: 'on_membership_change',
      deliveryService: protocols?.mls?.['delivery_service'] ?? 'single',
    },
    observability: {
      handshake_latency_ms: isOn('handshake_latency_ms'),
      ratchet_state_age_seconds: isOn('ratchet_state_age_seconds'),
      prekey_utilization_percent: isOn('prekey_utilization_percent'),
      quantum_migration_status: isOn('quantum_migration_status'),
    },
  } as CryptoConfig;
}

function persistenceOf(section: Section, { agentId }: CryptoConfigOptions): PersistenceConfig {
  const path = section['path'] as string | undefined;
  const backend = (section['backend'] ?? 'memory') as PersistenceConfig['backend'];
  if (backend !== 'memory' && path === undefined)
    throw new MeshError('CONFIG_INVALID', {
      field: 'crypto.state_persistence.path',
      hint: `crypto.state_persistence.path: the backend ${backend} needs it.`,
    });
  if (path !== undefined) checkPlaceholders('crypto.state_persistence.path', path);
  const at = filledPath('parseCryptoConfig', path, agentId);
  return { backend, ...(at === undefined ? {} : { path: at }), encryption: 'aes-256-gcm' };
}
