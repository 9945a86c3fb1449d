// The root as Node, Bun and Deno see it: also what needs files, sockets or `node:crypto`.
export * from './index.js';
export { createRegistryAuthMiddleware } from './registry-server/auth.js';
export { createRelay, type Relay } from './relay/relay.js';
export { createEnterpriseTrustRegistry } from './stores/enterprise/create.js';
export type { EnterpriseTrustRegistry } from './stores/enterprise/registry.js';
export { AuditLog } from './stores/file/audit/audit-log.js';
export type { EnterpriseAuditOptions } from './stores/file/audit/enterprise.js';
export type { AuditLogOptions } from './stores/file/audit/options.js';
export type { AuditLogStatus } from './stores/file/audit/status.js';
export { fileIdentity, identityFromFile } from './stores/file/identity.js';
export { FileTrustRegistry, type FileTrustRegistryOptions } from './stores/file/trust-registry.js';
export { RedisNonceStore, type RedisNonceStoreOptions } from './stores/redis/nonce-store.js';
