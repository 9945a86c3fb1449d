export type { RedisClient } from './stores/redis/client.js';
export { redisClientOptions } from './stores/redis/client-options.js';
export { RedisClientStore, type RedisClientStoreOptions } from './stores/redis/client-store.js';
export { RedisKeyStore, type RedisKeyStoreOptions } from './stores/redis/key-store.js';
export { RedisModeStore, type RedisModeStoreOptions } from './stores/redis/mode-store.js';
export { RedisNonceStore, type RedisNonceStoreOptions } from './stores/redis/nonce-store.js';
export { RedisRelayStore, type RedisRelayStoreOptions } from './stores/redis/relay-store.js';
export { RedisTrustRegistry, type RedisTrustRegistryOptions } from './stores/redis/trust-registry.js';
export { RedisWrappingKeyStore, type RedisWrappingKeyStoreOptions } from './stores/redis/wrapping-keys.js';
