// Its own front: who uses no WebAuthn needs no peer for it.
export type { WebauthnVerifierOptions } from './webauthn/options.js';
export { openWithPrf, PRF_INPUT, PrfBackend, type PrfBackendOptions, sealWithPrf } from './webauthn/prf.js';
export type { WebauthnCredential } from './webauthn/records.js';
export {
  SOFT_AAGUID,
  SoftAuthenticator,
  type SoftAuthenticatorOptions,
  type SoftConsent,
  type SoftCredential,
  type SoftRequest,
} from './webauthn/soft-authenticator.js';
export { type WebauthnRegistrationRequest, WebauthnVerifier } from './webauthn/verifier.js';
