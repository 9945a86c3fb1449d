export { AgentCore as Agent, type Receivable } from './agent/agent.js';
export type { AgentOptions, IdentitySource } from './agent/options.js';
export type { Received, ReceiveOptions } from './agent/receive.js';
export type { EnvelopeOptions, SendOptions, SendOutcome } from './agent/send.js';
export { createSignedEnvelope, type SignedEnvelopeOptions } from './agent/signed-envelope.js';
export { requestBinding } from './checks/request-binding.js';
export type { CryptoProvider, Signer, Verifier } from './crypto/provider.js';
export { ERROR_TABLE, type ErrorCategory, type ErrorId, type ErrorRow } from './error-table.js';
export * from './errors.js';
export { decodeDidKey, encodeDidKey } from './identity/did.js';
export { generateIdentity, Identity, type IdentityOptions } from './identity/identity.js';
export { assertKeyRecord, createKeyRecord } from './identity/key-record.js';
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
