export { createRegistryAuthMiddleware } from './registry-server/auth.js';
export {
  createRegistryServer,
  type RegistryHandler,
  type RegistryServerOptions,
} from './registry-server/server.js';
export type { Admits } from './relay/admission.js';
export type { RelayOptions } from './relay/options.js';
export { createRelay, type Relay } from './relay/relay.js';
export type { AddOutcome, Posted, RelayLimits, RelayStore } from './relay/store.js';
export { createEnterpriseTrustRegistry } from './stores/enterprise/create.js';
export type { EnterpriseEvent, EnterpriseRegistryOptions } from './stores/enterprise/options.js';
export type { EnterpriseTrustRegistry } from './stores/enterprise/registry.js';
export { FileClientStore } from './stores/file/client-store.js';
export type { FileStoreOptions } from './stores/file/file-options.js';
export { FileStoreError, type FileStoreFault } from './stores/file/file-store-error.js';
export { identityFromFile } from './stores/file/identity.js';
export { FileModeStore } from './stores/file/mode-store.js';
export { FileNonceStore, type FileNonceStoreOptions } from './stores/file/nonce-store.js';
export { FileRelayStore, type FileRelayStoreOptions } from './stores/file/relay-store.js';
export { FileTrustRegistry, type FileTrustRegistryOptions } from './stores/file/trust-registry.js';
export type { RedisClient } from './stores/redis/client.js';
export { redisClientOptions } from './stores/redis/client-options.js';
export { RedisRelayStore, type RedisRelayStoreOptions } from './stores/redis/relay-store.js';
