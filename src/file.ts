// Stores of one process in files, and the identity of a service.
export { FileClientStore } from './stores/file/client-store.js';
export type { FileStoreOptions } from './stores/file/file-options.js';
export { FileStoreError, type FileStoreFault } from './stores/file/file-store-error.js';
export { fileIdentity, identityFromFile } from './stores/file/identity.js';
export { FileKeyStore, type FileKeyStoreOptions } from './stores/file/key-store.js';
export { makeFolder } from './stores/file/make-folder.js';
export { FileModeStore } from './stores/file/mode-store.js';
export { FileNonceStore, type FileNonceStoreOptions } from './stores/file/nonce-store.js';
export { FileOperationsStore } from './stores/file/operations-store.js';
export { policyFile } from './stores/file/policy-file.js';
export {
  bytesOfFile,
  createPrivateFile,
  isSharedFile,
  removeDrafts,
  replacePrivateFile,
} from './stores/file/private-file.js';
export { FileRelayStore, type FileRelayStoreOptions } from './stores/file/relay-store.js';
export { type FileState, openFileState } from './stores/file/state.js';
export { FileTrustRegistry, type FileTrustRegistryOptions } from './stores/file/trust-registry.js';
export { FileWrappingKeyStore, type FileWrappingKeyStoreOptions } from './stores/file/wrapping-keys.js';
