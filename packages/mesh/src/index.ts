export type {
  ChannelKind,
  ChannelPeer,
  ChannelProvider,
  CloseInfo,
  MessageListener,
  OpenOptions,
  Reach,
  SecureChannel,
  Target,
} from './channel.js';
export {
  type CryptoConfig,
  type CryptoConfigOptions,
  type MetricName,
  type PersistenceConfig,
  parseCryptoConfig,
  readCryptoConfig,
} from './config/crypto-config.js';
export { type GroupOptions, type GroupServers, mlsOptionsOf } from './config/mls-options.js';
export { noiseOptionsOf } from './config/noise-options.js';
export { routerOptionsOf } from './config/router-options.js';
export type { ConfigWarning } from './config/warnings.js';
export {
  isMeshError,
  MESH_ERROR_TABLE,
  MeshError,
  type MeshErrorId,
  type MeshErrorOptions,
} from './errors/mesh-error.js';
export type { MeshErrorCategory, MeshErrorRow } from './errors/row.js';
export { CipherState } from './noise/cipher.js';
export { keyPairOf, type NoiseKeyPair, newKeyPair } from './noise/dh.js';
export { Handshake, type HandshakeOptions, type HandshakeResult } from './noise/handshake.js';
export type { NoiseLimits } from './noise/limits.js';
export type { ListenOptions, NoiseEvent, NoiseOptions } from './noise/options.js';
export { PATTERN_NAMES, type PatternName } from './noise/patterns.js';
export { type NoiseListener, NoiseProvider } from './noise/provider.js';
export { type Suite, suiteOf } from './noise/suite.js';
export type { ChannelRegistry } from './noise/trust.js';
export { MAX_UDP_MESSAGE } from './noise/udp/channel.js';
export type { UpgradeHandler } from './noise/websocket-endpoint.js';
export { EnvelopeProvider, type EnvelopeProviderOptions } from './providers/envelope-provider.js';
export { ServiceProvider, type ServiceProviderOptions } from './providers/service-provider.js';
export type { ChannelConfig } from './router/channel-config.js';
export type { FailedWay, RouterEvent, RouterObserver } from './router/events.js';
export {
  FALLBACKS,
  type FailureClass,
  type FallbackRow,
  UPGRADES,
  type UpgradeRow,
} from './router/fallbacks.js';
export type { RouterOptions } from './router/options.js';
export { type RoleBinding, requireRole } from './router/roles.js';
export type { RoutedChannel } from './router/routed-channel.js';
export { SecureMeshRouter } from './router/router.js';
export { ROUTES, type RouteFacts, type RouteRow } from './router/routes.js';
