export {
  PostgresClientStore,
  type PostgresClientStoreOptions,
} from './stores/postgres/client-store.js';
export { PostgresModeStore, type PostgresModeStoreOptions } from './stores/postgres/mode-store.js';
export {
  PostgresTrustRegistry,
  type PostgresTrustRegistryOptions,
} from './stores/postgres/trust-registry.js';
