export { createEnterpriseTrustRegistry } from './enterprise.js';
export type { EnterpriseEvent, EnterpriseRegistryOptions } from './enterprise-options.js';
export type { EnterpriseTrustRegistry } from './enterprise-registry.js';
export { FileClientStore } from './file-client-store.js';
export { FileModeStore } from './file-mode-store.js';
export { FileTrustRegistry, type FileTrustRegistryOptions } from './file-trust-registry.js';
export { createRegistryAuthMiddleware } from './registry-auth.js';
export { createRegistryServer, type RegistryHandler, type RegistryServerOptions } from './registry-server.js';
