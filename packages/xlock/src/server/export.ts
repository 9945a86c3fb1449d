import type { RecordedEntry } from '@private.me/xlink';
import type { AuditLog } from '@private.me/xlink/audit';
import { type Anomaly, anomaliesIn } from './anomalies.js';

/** What `GET /v1/export` and `xlock export` answer. */
export interface ComplianceExport {
  /** Which log. */
  readonly origin: string;
  readonly entries: readonly RecordedEntry[];
  readonly anomalies: readonly Anomaly[];
}

/** What {@link complianceExport} takes. */
export interface ExportRange {
  /** Number of the first entry. Default 0. */
  readonly from?: number;
  /** Entries at most. Default all. */
  readonly max?: number;
  /** Only entries from this time on, in ms since 1970. Default all. */
  readonly since?: number;
  /** Only entries before this time, in ms since 1970. Default all. */
  readonly until?: number;
}

/** Entries of the log and the anomalies in them. What came before `since` counts for anomalies, and is not shown. */
export async function complianceExport(
  audit: Pick<AuditLog, 'origin' | 'entries'>,
  range: ExportRange = {},
): Promise<ComplianceExport> {
  const { from = 0, max = Number.MAX_SAFE_INTEGER, since = 0, until = Number.MAX_SAFE_INTEGER } = range;
  const to = Math.min(Number.MAX_SAFE_INTEGER, from + max);
  const entries: RecordedEntry[] = [];
  for await (const entry of audit.entries({ from, to })) entries.push(entry);
  const isMeant = ({ at }: { readonly at: number }) => at >= since && at < until;
  return {
    origin: audit.origin,
    entries: entries.filter(isMeant),
    anomalies: anomaliesIn(entries).filter(isMeant),
  };
}

const COLUMNS = [
  'seq',
  'at',
  'type',
  'from',
  'to',
  'client',
  'request',
  'decision',
  'reason',
  'data',
  'anomalies',
] as const;

/** The same as CSV (RFC 4180): a row for each entry, with who did it (`from`, a DID, or `client`, the id of a token) and the rules that it shows. Cells that a spreadsheet would take as a formula begin with `'`. */
export function exportCsv({ entries, anomalies }: ComplianceExport): string {
  const rows = entries.map((entry) => {
    const rules = anomalies.filter(({ seq }) => seq === entry.seq).map(({ rule }) => rule);
    const row = { ...entry, at: new Date(entry.at).toISOString(), anomalies: rules.join(' ') };
    return COLUMNS.map((name) => cell((row as Readonly<Record<string, unknown>>)[name])).join(',');
  });
  return `${[COLUMNS.join(','), ...rows].join('\r\n')}\r\n`;
}

function cell(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
