import { isExpired, monthOf } from '../../audit/retention.js';
import type { AuditEntry } from '../../types/audit.js';
import type { FoundLine } from './record-text.js';

/** Names of data keys in one entry: it may have 47 KiB. */
const MOST_KEYS = 1000;

/**
 * Says in the log which data keys are to be erased, and which were: with an entry that can still be read, that entries are not readable is no
 * suspicion for whoever sees an export.
 */
export async function announceErasure(
  lines: AsyncIterable<FoundLine>,
  {
    retention,
    now,
    expired,
  }: { readonly retention: string; readonly now: number; readonly expired: readonly string[] },
  append: (entry: AuditEntry) => Promise<unknown>,
): Promise<void> {
  const names = new Set(expired);
  for await (const { records } of lines)
    for (const { key } of records) if (monthOf(key) && isExpired(key, retention, now)) names.add(key);
  const keys = [...names].sort();
  for (let at = 0; at < keys.length; at += MOST_KEYS)
    await append({ type: 'retention', at: now, data: { retention, keys: keys.slice(at, at + MOST_KEYS) } });
}
