import type { AuditEntry } from '../types/audit.js';
import type { XlinkEvent } from '../types/events.js';

/** The entry of an event; `undefined` for those that change nothing: requests have entries of their own. */
export function entryOfEvent(event: XlinkEvent): AuditEntry | undefined {
  switch (event.type) {
    case 'mode':
    case 'enrollment':
    case 'client-revocation':
    case 'unlink':
    case 'operation':
    case 'key-switch':
    case 'key-epoch':
    case 'downgrade':
    case 'session': {
      const { type, ...data } = event;
      const { client, did } = data as { client?: string; did?: string };
      return {
        type,
        ...(client === undefined ? {} : { client }),
        ...(did === undefined || type === 'unlink' ? {} : { from: did }),
        data,
      };
    }
    default:
      return undefined;
  }
}
