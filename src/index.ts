export type { AmountOf } from './adapters/amount-of.js';
export type { LegacyKeyValidator } from './adapters/api-key-validator.js';
export type { AdapterAudit } from './adapters/audit-option.js';
export { type AppAuth, type AppTypes, type AuthSource, authOf } from './adapters/auth-store.js';
export type { BodyLimit } from './adapters/body-limits.js';
export type { ClientLimit, ClientLimits } from './adapters/client-limits/client-limits.js';
export type {
  RestoreClientOptions,
  RevokeClientOptions,
  UnlinkOptions,
} from './adapters/clients/administration.js';
export type { OnDowngrade } from './adapters/clients/clients.js';
export {
  type ClientReport,
  type CutoverReport,
  type ExpiringDid,
  formatReport,
  type ReportOptions,
  type SoftwareUse,
} from './adapters/clients/cutover-report.js';
export { MemoryClientStore } from './adapters/clients/memory-store.js';
export { type OutreachOptions, type OutreachRow, outreachCsv } from './adapters/clients/outreach.js';
export type { ClientRestoration, ClientRevocation } from './adapters/clients/revocation.js';
export type {
  ClientActivity,
  ClientRecord,
  ClientStore,
  LinkConditions,
  Standing,
} from './adapters/clients/store.js';
export type { ApiKeySources } from './adapters/credentials.js';
export type { DeprecationOptions } from './adapters/deprecation.js';
export type { AdapterHealth, StoreHealth } from './adapters/health.js';
export type { InvitationReport, InviteOptions, NewInvitation } from './adapters/invitations/invitation.js';
export type { KeyUseOptions } from './adapters/key-use/key-use.js';
export type { ClientPreview, PreviewOptions, StepPreview } from './adapters/key-use/preview.js';
export type { ApplyOptions } from './adapters/migration/apply.js';
export {
  DEFAULT_ERROR_BUDGET,
  DEFAULT_GATES,
  type ErrorBudget,
  type Gate,
} from './adapters/migration/gates.js';
export type { MigrationPlanOptions } from './adapters/migration/options.js';
export { type Advice, MigrationPlan } from './adapters/migration/plan.js';
export { SharedMode, type SharedModeOptions } from './adapters/migration/shared-mode.js';
export type { InstanceOptions } from './adapters/mode-control.js';
export { type BrownoutScheduleOptions, brownoutSchedule } from './adapters/modes/brownout-schedule.js';
export type { Brownout } from './adapters/modes/brownouts.js';
export type { ModeTarget, RouteMode } from './adapters/modes/policy.js';
export type { ModeStore } from './adapters/modes/store.js';
export type { Traffic, TrafficSample } from './adapters/modes/traffic-window.js';
export type { OperatedAdapter } from './adapters/operated-adapter.js';
export { MemoryOperationsStore } from './adapters/operations/memory-store.js';
export type { OperationsStore, StoredDocument } from './adapters/operations/store.js';
export type { DualModeOptions } from './adapters/options.js';
export type { RouteEncryption } from './adapters/route-encryption.js';
export type { DumpedSessions } from './adapters/sessions-health.js';
export type { CheckpointOptions, SessionOptions } from './adapters/sessions-option.js';
export type { SupportDump, SupportDumpOptions } from './adapters/support-dump.js';
export type { SignOptions, VerifyOptions } from './agent/application-signature.js';
export type { MessageHandler, OnMessageOptions } from './agent/consume.js';
export type { DiscoverAgentOptions } from './agent/discover-options.js';
export type { EnvelopeOptions } from './agent/envelope-options.js';
export type { AgentOptions, IdentitySource } from './agent/options.js';
export type { VerifyReceiptOptions } from './agent/peer-agent.js';
export type { AgentPolicy, AgentRateLimits } from './agent/policy.js';
export type { MessageOptions, MessageOutcome } from './agent/receipts.js';
export type { Received, ReceiveOptions } from './agent/receive.js';
export type { ReceiveInput } from './agent/receive-input.js';
export type { ReceiveNextOptions } from './agent/receive-next.js';
export type { RequestIdentity, RequestOptions } from './agent/request.js';
export {
  type RetiredKeyStore,
  type RetireKeyStoreOptions,
  retireKeyStore,
} from './agent/retire-key-store.js';
export type { SecurityOptions, SplitChannelConfig } from './agent/security.js';
export type { SendOptions, SendOutcome } from './agent/send.js';
export { createSignedEnvelope, type SignedEnvelopeOptions } from './agent/signed-envelope.js';
export type { SucceedOptions } from './agent/succession-support.js';
export { describeWarning, type OnWarning, type XlinkWarning } from './agent/warnings.js';
export type { XlinkRequestInit } from './client/buffered-request.js';
export { CallFailure } from './client/call-error.js';
export { type Connection, type ConnectOptions, connect } from './client/connect.js';
export { DualModeClient } from './client/dual-mode-client.js';
export type { ApiKeyFallback, DualModeClientOptions } from './client/dual-mode-client-options.js';
export type { FallbackEvent, FallbackReason } from './client/fallback.js';
export type { IdentityStore, IntroducedTo, XlinkFetchOptions } from './client/options.js';
export type { ServiceMemory } from './client/service-memory.js';
export { type XlinkFetch, xlinkFetch } from './client/xlink-fetch.js';
export type { CryptoProvider, Signer, Verifier } from './crypto/provider.js';
export type { DashboardOptions } from './dashboard/options.js';
export type { DiscoveredAgent } from './discovery/capability-statement.js';
export {
  type DidWebIdentity,
  type DidWebOptions,
  registerDidWeb,
  resolveDidWeb,
} from './discovery/did-web.js';
export { createDidWebDocument, type DidWebDocument } from './discovery/did-web-document.js';
export { discover, type Service } from './discovery/discover.js';
export type { DiscoveryDocument, SignedDiscoveryDocument } from './discovery/document.js';
export type { JsonSchema } from './discovery/json-schema.js';
export { type McpTool, mcpToolList } from './discovery/mcp-tools.js';
export type { Capability, ToolOptions } from './discovery/offered-tools.js';
export { type OpenApiDocument, type OpenApiOptions, openApiDocument } from './discovery/openapi.js';
export type { DiscoverOptions } from './discovery/options.js';
export type { Tool, ToolLimits } from './discovery/tool.js';
export * from './errors/errors.js';
export { type FormattedError, type FormattedOutput, formatErrorStructured } from './errors/format-error.js';
export { operatorHint } from './errors/operator-hint.js';
export { type Err, err, type Ok, ok, type Result } from './errors/result.js';
export {
  ERROR_TABLE,
  type ErrorCategory,
  type ErrorCode,
  type ErrorId,
  type ErrorRow,
  type ErrorSubCode,
} from './errors/table.js';
export type { AdapterMetrics } from './http/adoption-counter.js';
export type { ApiKeyAuth, Auth, InboundRequest, Refusal, XlinkAuth } from './http/decision.js';
export { xlinkAuthorization } from './http/header-form.js';
export { ANSWER_TYPE, ENVELOPE_TYPE } from './http/media-type.js';
export { requestBinding } from './http/request-binding.js';
export type { Route } from './http/route-table.js';
export { type CreateSuccessionOptions, createSuccession } from './identity/create-succession.js';
export { decodeDidKey, encodeDidKey } from './identity/did.js';
export type { KeyEpochStatus } from './identity/encryption-keys.js';
export { generateIdentity, Identity, type IdentityOptions } from './identity/identity.js';
export { assertKeyRecord, createKeyRecord, type KeyRecordOptions } from './identity/key-record.js';
export {
  type KeyStore,
  MemoryKeyStore,
  type StoredEpoch,
  type StoredEpochs,
  type WrappingKeyStore,
} from './identity/key-store.js';
export { mlDsa65SeedOf } from './identity/ml-dsa-seed.js';
export { assertSuccession } from './identity/succession.js';
export { type AcceptInviteOptions, acceptInvite } from './invites/accept.js';
export { type InviteTerms, readInvite } from './invites/code.js';
export type { InvitePeerOptions, InviteReport, NewInvite } from './invites/invite.js';
export { type Accepted, Invites, type InvitesOptions } from './invites/invites.js';
export { MemoryLimitStore } from './limits/memory-store.js';
export type { LimitCount, LimitStore } from './limits/store.js';
export {
  Agent,
  type AgentMiddlewareOptions,
  type LazyAgentOptions,
  type MessageSessionOptions,
} from './middleware/agent.js';
export { DualModeAdapter } from './middleware/dual-mode-adapter.js';
export { requireScope, requireThat, requireXlink } from './middleware/express/guards.js';
export type { ExpressMiddleware, ExpressOptions } from './middleware/express/middleware.js';
export type { CallerCheck } from './middleware/guards.js';
export type { NodeRequest, NodeResponse } from './middleware/node/types.js';
export type { UpgradePass, UpgradeSocket } from './middleware/upgrade.js';
export { MemoryNonceStore, type MemoryNonceStoreOptions } from './nonce/memory.js';
export {
  type CedarAnswer,
  type CedarCall,
  CedarDecisionPoint,
  type CedarEntity,
  type CedarOptions,
} from './policy/cedar.js';
export type { DryRefusal, DryRun } from './policy/dry-run.js';
export { PolicyEngine } from './policy/engine.js';
export type { PolicyVerdict, RuleVerdict } from './policy/evaluate.js';
export type { Approval, Approve, PolicyAudit, PolicyAuditEntry } from './policy/fulfil.js';
export type { Match } from './policy/match.js';
export type { PolicyEngineOptions, PolicyMode } from './policy/options.js';
export type { PolicyFinding } from './policy/review.js';
export {
  DEFAULT_POLICY_LIMITS,
  type PolicyAmount,
  type PolicyDay,
  type PolicyDocument,
  type PolicyEffect,
  type PolicyLimits,
  type PolicyRequirement,
  type PolicyRule,
  type PolicyTime,
} from './policy/rule.js';
export { type PolicySource, type PolicyStore, policyInStore } from './policy/source.js';
export type { Receipt, ReceiptStatus } from './receipts/receipt.js';
export { CachedTrustRegistry, type CachedTrustRegistryOptions } from './registry/cached.js';
export { HttpTrustRegistry, type HttpTrustRegistryOptions } from './registry/http.js';
export type {
  ChangeCondition,
  Grant,
  ManagedTrustRegistry,
  RevokeOptions,
  ScopeChange,
} from './registry/managed.js';
export { MemoryTrustRegistry, type MemoryTrustRegistryOptions } from './registry/memory.js';
export {
  describeSecurityMode,
  describeSecurityModeStructured,
  type SecurityModeDescription,
} from './security/describe-security.js';
export type { FixedSecurity, SecurityLevel, SecurityMode, ShareCount } from './security/security-mode.js';
export {
  chooseSecurity,
  DEFAULT_SECURITY_POLICY,
  type SecurityChoice,
  type SecurityCondition,
  type SecurityFacts,
  type SecurityPolicy,
  type SecurityRule,
} from './security/security-policy.js';
export { MemoryLeafStore, type MemoryLeafStoreOptions } from './session/checkpoint/memory-leaves.js';
export type { LeafStore, SeenLeaf, SessionCheckpoint } from './session/checkpoint/ports.js';
export {
  type CheckpointEvidence,
  type CheckpointKeys,
  type ProvenCheckpoint,
  verifyCheckpoint,
} from './session/checkpoint/verify.js';
export type { SequenceStore, SequenceUse, TicketKeyStore } from './session/ports.js';
export { MemorySequenceStore, type MemorySequenceStoreOptions } from './session/sequence/memory.js';
export { type ReconstructOptions, reconstruct } from './split-channel/reconstruct.js';
export {
  type ChannelShare,
  MAX_SHARED_BYTES,
  type ShareGroup,
  type SharingScheme,
} from './split-channel/share.js';
export type { ShareLimits } from './split-channel/share-limits.js';
export { type SplitOptions, splitForChannel } from './split-channel/split.js';
export {
  type Transfer,
  type TransferReport,
  transferClients,
  transferMode,
  transferOperations,
  transferRegistry,
} from './stores/transfer.js';
export { GatewayTransport, type GatewayTransportOptions } from './transport/gateway.js';
export { HttpsTransportAdapter, type HttpsTransportOptions } from './transport/https.js';
export { LoopbackTransport } from './transport/loopback.js';
export type { WebSocketClass, WebSocketLike } from './transport/relay-socket.js';
export type { AuditData, AuditEntry, AuditSink, RecordedEntry } from './types/audit.js';
export type * from './types/events.js';
export type { AuthMethod, Mode } from './types/mode.js';
export type * from './types/policy.js';
export type * from './types/ports.js';
export type * from './types/protocol.js';
export type { Operator } from './util/operator.js';
