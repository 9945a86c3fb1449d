export type { Decision, DenialReason, XlockAnswer } from './challenge/answer.js';
export { decodeChallenge, encodeChallenge, type XlockChallenge } from './challenge/challenge.js';
export { readChallenge, recoveryLink, type XlockLinks } from './challenge/links.js';
export { type Approval, XlockDevice, type XlockDeviceOptions } from './device/device.js';
export {
  type PushedChallenge,
  type Suppressed,
  XlockInbox,
  type XlockInboxOptions,
} from './device/inbox.js';
export { FileKnownPasskeys, type KnownPasskeys, MemoryKnownPasskeys } from './device/known.js';
export { postAnswer } from './device/post-answer.js';
export type { QuietHours } from './device/quiet-hours.js';
export {
  isXlockError,
  XLOCK_ERROR_TABLE,
  XlockError,
  type XlockErrorCategory,
  type XlockErrorId,
  type XlockErrorOptions,
  type XlockErrorRow,
} from './errors.js';
export {
  configureXlock,
  generatePasskey,
  type RespondRequest,
  requestXlockAuth,
  respondXlockChallenge,
  signChallenge,
  type XlockDefaults,
} from './functions.js';
export type { AuditReport, ShareState } from './passkey/audit.js';
export { type PasskeyMeta, type PasskeyOwner, passkeyName } from './passkey/meta.js';
export {
  type Passkey,
  type PasskeyRequest,
  type PasskeySignature,
  PasskeyVault,
  type PasskeyVaultOptions,
} from './passkey/vault.js';
export {
  PROGRESS_STEPS,
  type ProgressCallback,
  type ProgressOperation,
  type ProgressUpdate,
} from './progress.js';
export {
  type ChannelMessage,
  type FindPeer,
  RelayChannel,
  type RelayChannelOptions,
} from './push/channel.js';
export type { XlockPush } from './push/push.js';
export { RelayPush } from './push/relay-push.js';
export type { XStoreBackend } from './stores/backend.js';
export { EncryptedFileBackend, type EncryptedFileBackendOptions } from './stores/encrypted-file.js';
export { HttpBackend, type HttpBackendOptions } from './stores/http.js';
export { MemoryBackend } from './stores/memory.js';
export { PaperBackend, type PaperBackendOptions } from './stores/paper.js';
export { S3Backend, type S3BackendOptions } from './stores/s3.js';
export { readSheet, type SheetImage, shareSheet } from './stores/sheet.js';
export type { IssuedChallenge } from './verifier/issue.js';
export type { XlockVerifierOptions } from './verifier/options.js';
export type { AccountRecord, ChallengeState, DeviceRecord } from './verifier/records.js';
export type { XlockSession } from './verifier/sessions.js';
export type { TakenAnswer } from './verifier/take-answer.js';
export {
  type AuthRequest,
  type RegistrationRequest,
  type VerifiedAuth,
  type VerifiedRegistration,
  XlockVerifier,
} from './verifier/verifier.js';
export {
  type FastifyLike,
  type KoaLike,
  sessionOf,
  xlockExpress,
  xlockFastify,
  xlockKoa,
} from './web/frameworks.js';
export { type GatePass, XlockGate, type XlockGateOptions } from './web/gate.js';
