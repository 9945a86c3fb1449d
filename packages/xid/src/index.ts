export type { BbsCredentials } from './bbs.js';
export type { CredentialRequest, CredentialSource, XidCredential } from './caller/credential.js';
export { type XidFetch, type XidFetchOptions, xidFetch } from './caller/xid-fetch.js';
export type { XidCertificate } from './certificate/certificate.js';
export type { XidRevocation } from './certificate/revocation.js';
export {
  isXidError,
  XID_ERROR_TABLE,
  XidError,
  type XidErrorCategory,
  type XidErrorId,
  type XidErrorOptions,
  type XidErrorRow,
} from './errors.js';
export { EphemeralIdentity } from './identity/ephemeral-identity.js';
export type { EphemeralIdentityOptions } from './identity/options.js';
export { normalizeVerifier } from './identity/verifier-id.js';
export type { SplitConfig } from './master/master.js';
export { FileShareBackend, MemoryShareBackend, type ShareBackend } from './master/share-backends.js';
export { FileIssuerKeys, type IssuerKeys, MemoryIssuerKeys } from './registrar/issuer-keys.js';
export type { RegistrarClass, XidRegistrarOptions } from './registrar/options.js';
export { type CertificateRequest, XidRegistrar } from './registrar/registrar.js';
export type { TrustedClass, TrustedRegistrar, XidServiceOptions } from './service/options.js';
export { type XidAdapterOptions, XidService, xidClient } from './service/service.js';
export type { TakenSuccession, TakeOptions } from './service/succession.js';
export { MemoryXidStore } from './stores/memory-store.js';
export {
  PostgresXidStore,
  type PostgresXidStoreOptions,
  type XidPostgresConnection,
  type XidPostgresPool,
} from './stores/postgres-store.js';
export { RedisXidStore, type RedisXidStoreOptions, type XidRedisClient } from './stores/redis-store.js';
export type { XidGroup, XidStore, XidStored } from './stores/store.js';
export {
  BLIND_RSA_VARIANTS,
  type Blinded,
  type BlindRandomness,
  type BlindRsaVariant,
  type BlindRsaVariantName,
  blind,
  blindSign,
  finalize,
  prepare,
  verifyBlind,
} from './token/blind-rsa.js';
export type { XidIssuerKey } from './token/issuer-key.js';
export { KnownIssuerKeys } from './token/known-issuer-keys.js';
export { requestToken, type TokenRequest, type XidToken } from './token/token.js';
export type { SignerKeys } from './util/signed.js';
