/** How a log stands. */
export interface AuditLogStatus {
  /** Entries that are durable. */
  readonly size: number;
  /** Entries that wait to be. */
  readonly pending: number;
  /** Entries that were dropped since it was opened; only with `onOverload: 'drop'`. */
  readonly dropped: number;
}
