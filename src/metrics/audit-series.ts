import type { FaultEvent } from '../types/events.js';
import { countOnce } from './count-once.js';
import { reasonLabel } from './label-values.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

/** Counts entries of the audit log that could not be kept. */
export function auditSeries(series: Series): (event: FaultEvent) => void {
  const faults = series.counter(METRICS.auditFaults);
  const isNew = countOnce(faults);
  return (event) => {
    const { code, id } = event.error;
    if (!code.startsWith('AUDIT_') || !isNew(event)) return;
    faults.inc({ reason: reasonLabel(id) });
  };
}
