// The audit log: what was done, by whom, and proof of it.

export type { Cosigner } from './audit/cosignature.js';
export type { ExportFormat } from './audit/export.js';
export { requestMatcher } from './audit/request-matcher.js';
export type { Retention } from './audit/retention.js';
export type { SignedMember } from './audit/signed-members.js';
export {
  AuditWitness,
  type AuditWitnessOptions,
  type WitnessAnswer,
  type WitnessedHead,
  type WitnessStore,
} from './audit/witness.js';
export type { AuditDoubt } from './evidence/doubts.js';
export {
  type AuditExport,
  type ProvenEntry,
  type VerifyAuditExportOptions,
  verifyAuditExport,
} from './evidence/verify-export.js';
export type { AuditExportOptions, AuditSelection } from './stores/audit/export-log.js';
export type { AuditFault, AuditVerdict } from './stores/audit/verify-log.js';
export type { CosignOptions, Witness } from './stores/audit/witnessed.js';
export { AuditLog } from './stores/file/audit/audit-log.js';
export {
  AuditLogReader,
  type AuditLogReaderOptions,
  type AuditPublishOptions,
} from './stores/file/audit/audit-log-reader.js';
export type { EnterpriseAuditOptions } from './stores/file/audit/enterprise.js';
export type { AuditLogOptions } from './stores/file/audit/options.js';
export type { AuditLogStatus } from './stores/file/audit/status.js';
export type { AuditData, AuditEntry, AuditSink, DisclosedEntry, RecordedEntry } from './types/audit.js';
export { printable } from './util/printable.js';
