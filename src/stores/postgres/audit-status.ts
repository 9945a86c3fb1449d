/** How a log stands, as this process knows it. */
export interface PostgresAuditLogStatus {
  /** Entries that are durable, those of other processes as of the last call included. */
  readonly size: number;
  /** Entries of this process that wait to be. */
  readonly pending: number;
  /** Entries of this process that were dropped since it was opened; only with `onOverload: 'drop'`. */
  readonly dropped: number;
}
