export type { AdapterMetrics } from './adapters/adoption.js';
export { authOf } from './adapters/auth-store.js';
export { type ApiKeySources, ENVELOPE_TYPE } from './adapters/credentials.js';
export type { DeprecationOptions } from './adapters/deprecation.js';
export type { ApiKeyAuth, Auth, InboundRequest, XlinkAuth } from './adapters/http.js';
export type { LegacyKeyValidator } from './adapters/legacy-key.js';
export type { DualModeOptions } from './adapters/options.js';
export type { Receivable } from './agent/agent.js';
export type { AgentOptions, IdentitySource } from './agent/options.js';
export type { Received, ReceiveOptions } from './agent/receive.js';
export type { EnvelopeOptions, SendOptions, SendOutcome } from './agent/send.js';
export { createSignedEnvelope, type SignedEnvelopeOptions } from './agent/signed-envelope.js';
export { requestBinding } from './checks/request-binding.js';
export type { CryptoProvider, Signer, Verifier } from './crypto/provider.js';
export { xlinkAuthorization } from './envelope/authorization.js';
export { ERROR_TABLE, type ErrorCategory, type ErrorId, type ErrorRow } from './error-table.js';
export * from './errors.js';
export { decodeDidKey, encodeDidKey } from './identity/did.js';
export { generateIdentity, Identity, type IdentityOptions } from './identity/identity.js';
export { assertKeyRecord, assertSuccessor, createKeyRecord } from './identity/key-record.js';
export { Agent, type AgentMiddlewareOptions } from './middleware/agent.js';
export { DualModeAdapter } from './middleware/dual-mode-adapter.js';
export type { ExpressMiddleware } from './middleware/express.js';
export type { NodeRequest, NodeResponse } from './middleware/node-types.js';
export { MemoryNonceStore, type MemoryNonceStoreOptions } from './nonce/memory.js';
export { nonceKey } from './nonce/nonce-key.js';
export {
  MemoryTrustRegistry,
  type MemoryTrustRegistryOptions,
  type PositionalRegistration,
} from './registry/memory.js';
export { type Err, err, type Ok, ok, type Result } from './result.js';
export { LoopbackTransport } from './transport/loopback.js';
export type * from './types.js';
