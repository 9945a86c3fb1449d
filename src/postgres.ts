export { PostgresAuditLog } from './stores/postgres/audit-log.js';
export type { PostgresAuditLogOptions, PostgresAuditTables } from './stores/postgres/audit-options.js';
export type { PostgresAuditLogStatus } from './stores/postgres/audit-status.js';
export {
  PostgresClientStore,
  type PostgresClientStoreOptions,
} from './stores/postgres/client-store.js';
export { PostgresKeyStore, type PostgresKeyStoreOptions } from './stores/postgres/key-store.js';
export { PostgresLeafStore, type PostgresLeafStoreOptions } from './stores/postgres/leaf-store.js';
export { PostgresModeStore, type PostgresModeStoreOptions } from './stores/postgres/mode-store.js';
export { PostgresNonceStore, type PostgresNonceStoreOptions } from './stores/postgres/nonce-store.js';
export {
  PostgresOperationsStore,
  type PostgresOperationsStoreOptions,
} from './stores/postgres/operations-store.js';
export {
  PostgresSequenceStore,
  type PostgresSequenceStoreOptions,
} from './stores/postgres/sequence-store.js';
export {
  PostgresTicketKeyStore,
  type PostgresTicketKeyStoreOptions,
} from './stores/postgres/ticket-keys.js';
export {
  PostgresTrustRegistry,
  type PostgresTrustRegistryOptions,
} from './stores/postgres/trust-registry.js';
export {
  PostgresWrappingKeyStore,
  type PostgresWrappingKeyStoreOptions,
} from './stores/postgres/wrapping-keys.js';
