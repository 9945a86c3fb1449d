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
export { type KnownPasskeys, MemoryKnownPasskeys } from './device/known.js';
export { FileKnownPasskeys } from './device/known-file.js';
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
export { type Fusion, type SignalUnlockOptions, unlockWithSignals } from './factors/unlock.js';
export { MessageCodes, type MessageSender } from './fallback/message-codes.js';
export {
  makeOfflineCodes,
  OfflineCodes,
  type OfflineCodesRequest,
  type OfflineStatement,
} from './fallback/offline-codes.js';
export { type PlatformAddress, PlatformPush, type PlatformSender } from './fallback/platform-push.js';
export {
  configureXlock,
  generatePasskey,
  type RespondRequest,
  requestXlockAuth,
  respondXlockChallenge,
  signChallenge,
  type XlockDefaults,
} from './functions.js';
export { HsmBackend, type HsmBackendOptions, type Pkcs11Token } from './hsm/backend.js';
export { Pkcs11Tool, type Pkcs11ToolOptions } from './hsm/pkcs11-tool.js';
export { approvalLink, approvalPage, type PageHandler } from './page/approval-page.js';
export type { ApprovalPageOptions } from './page/page-options.js';
export { type ShareStoreOptions, shareStore } from './page/share-store.js';
export type { AuditedStore, AuditReport, ShareState } from './passkey/audit.js';
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
  commitSplit,
  openCommitment,
  type ShareOpening,
  type SplitCommitment,
  type SplitFindings,
  verifyPurged,
  verifySplit,
} from './proofs/commitments.js';
export {
  type HmacProof,
  type ProofEntry,
  type ProofRequest,
  type ProofStep,
  proveSignature,
  proveSplit,
  verifyHmacProof,
} from './proofs/hmac-proof.js';
export { allPushes } from './push/all-pushes.js';
export {
  type ChannelMessage,
  type FindPeer,
  RelayChannel,
  type RelayChannelOptions,
} from './push/channel.js';
export type { XlockPush } from './push/push.js';
export { RelayPush } from './push/relay-push.js';
export type { PushSubscriptionRequest } from './push/web/subscription.js';
export { type VapidOptions, vapidKeys } from './push/web/vapid.js';
export { WebPush, type WebPushOptions, webPush } from './push/web/web-push.js';
export type { XStoreBackend } from './stores/backend.js';
export { EncryptedFileBackend, type EncryptedFileBackendOptions } from './stores/encrypted-file.js';
export { HttpBackend, type HttpBackendOptions } from './stores/http.js';
export { MemoryBackend } from './stores/memory.js';
export { PaperBackend, type PaperBackendOptions } from './stores/paper.js';
export type { StoreProblem } from './stores/problem.js';
export { isRevoked, type RevokedStore, type RevokedStores, revokedStores } from './stores/revoked.js';
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
export { type GatePass, XlockGate } from './web/gate.js';
export type { XlockGateOptions } from './web/gate-options.js';
export type { WebauthnLogins } from './web/webauthn-routes.js';
export type { EphemeralClaim, EphemeralSource } from './xid/claim.js';
