export { createEnterpriseTrustRegistry } from './enterprise.js';
export type { EnterpriseEvent, EnterpriseRegistryOptions } from './enterprise-options.js';
export type { EnterpriseTrustRegistry } from './enterprise-registry.js';
export { FileClientStore } from './file-client-store.js';
export { FileModeStore } from './file-mode-store.js';
export { FileNonceStore, type FileNonceStoreOptions } from './file-nonce-store.js';
export { FileTrustRegistry, type FileTrustRegistryOptions } from './file-trust-registry.js';
export { createRegistryAuthMiddleware } from './registry-auth.js';
export { createRegistryServer, type RegistryHandler, type RegistryServerOptions } from './registry-server.js';
export type { Admits } from './relay/admission.js';
export { identityFromFile } from './relay/identity-file.js';
export { JournalRelayStore, type JournalRelayStoreOptions } from './relay/journal-store.js';
export type { RelayOptions } from './relay/options.js';
export {
  type IoredisCommands,
  type NodeRedisCommands,
  RedisStreamStore,
  type RedisStreamStoreOptions,
} from './relay/redis-store.js';
export { createRelay, type Relay } from './relay/relay.js';
export type { AddOutcome, Posted, RelayLimits, RelayStore } from './relay/store.js';
