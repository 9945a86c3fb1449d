import type { ExportItem } from '../audit/export.js';
import { isExpired, isRetention, monthOf } from '../audit/retention.js';
import type { RecordedEntry } from '../types/audit.js';
import { isMembers } from '../util/members.js';

/** The entries of an export that are not shown: of which an entry that is shown says that their time was over, and the others. */
export function hiddenItems(items: readonly ExportItem[]): {
  readonly erased: readonly number[];
  readonly withheld: readonly number[];
} {
  const shown = items.flatMap(({ entry }) => entry ?? []);
  const erasedKeys = new Set(shown.flatMap(keysIn));
  for (const { entry, record } of items) if (entry) erasedKeys.delete(record.key); // who can show one can show all
  const hidden = items.flatMap(({ entry, record }) => (entry ? [] : record));
  const numbers = (isErased: boolean) =>
    hidden.flatMap(({ seq, key }) => (erasedKeys.has(key) === isErased ? seq : []));
  return { erased: numbers(true), withheld: numbers(false) };
}

/** The data keys of which an entry says that they were erased, those that were not to be yet left out. */
function keysIn({ type, data, at }: RecordedEntry): readonly string[] {
  if (type !== 'retention' || !isMembers(data) || !Array.isArray(data.keys)) return [];
  const { retention } = data;
  if (typeof retention !== 'string' || isRetention(retention)) return [];
  return data.keys.filter(
    (key: unknown) => typeof key === 'string' && monthOf(key) !== undefined && isExpired(key, retention, at),
  );
}
