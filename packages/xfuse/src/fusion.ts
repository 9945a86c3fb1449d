// What runs in browsers, too: no part of it needs a module of Node.
export {
  type AttestationEnrollment,
  Attester,
  type AttestOptions,
} from './attest/attester.js';
export { type Ial, type ProofingOptions, signProofing } from './attest/proofing.js';
export type { Aal, Factor } from './fusion/assurance.js';
export type { Converged, ConvergeOptions, EnrolledSignal } from './fusion/converged.js';
export { FusionManager } from './fusion/manager.js';
export type { FusionOptions } from './fusion/options.js';
export type { FusionRecord, PasswordParameters, SignalType, StoredSignal } from './fusion/record.js';
export type { NewGate, NewSignal, PasswordSignal, PresentedSignal } from './fusion/signals.js';
export { type FusionStore, MemoryFusionStore } from './fusion/store.js';
export type { SessionClaims } from './session/certificate.js';
export { MemorySessionLedger, type OpenSession, type SessionLedger } from './session/ledger.js';
export { type CheckedAssertion, type VerifySessionOptions, verifySession } from './session/verify.js';
export { type Argon2Cost, DEFAULT_ARGON2 } from './signals/argon2.js';
export {
  type DeviceKind,
  DeviceSecret,
  fromRecoveryCode,
  passkey,
  recoveryCode,
  type UserVerificationAssertion,
  userVerified,
} from './signals/device.js';
export { type Oprf, type OprfAnswer, OprfServer, type OprfServerOptions } from './signals/oprf.js';
export { type TotpOptions, totp } from './signals/totp.js';
export type { AttemptLimits } from './util/attempts.js';
