import { type AuditEntry, type AuditSink, isXlinkError, toXlinkError } from '@private.me/xlink';
import type { ServerParts } from './parts.js';
import type { ServerAudit } from './storage.js';

/** Members of a request or an answer that say what was done. None holds a secret, a payload or an envelope. */
export const TOLD = [
  'did',
  'id',
  'agent',
  'to',
  'name',
  'role',
  'scopes',
  'receiveScopes',
  'receives',
  'scope',
  'capabilities',
  'reason',
  'successors',
  'mode',
  'url',
  'number',
  'email',
  'expiresAt',
  'expiresInMs',
  'ifRevision',
  'postQuantumSig',
] as const;
/** Rejects if the entry cannot be kept; those who watch over the log are told. */
export async function append(
  { storage, adapter }: Pick<ServerParts, 'storage' | 'adapter'>,
  entry: AuditEntry,
): Promise<void> {
  try {
    await storage.audit.append(entry);
  } catch (error) {
    if (isXlinkError(error)) adapter.emit({ type: 'fault', error: toXlinkError(error) });
    throw error;
  }
}

/**
 * Where the adapter tells what callers proved. Reads are left out: they change nothing, and would be most of the log. Tokens prove nothing,
 * and the server tells of their calls itself.
 */
export function proofsInto(log: Pick<ServerAudit, 'append' | 'origin'>): AuditSink {
  const append = async (entry: AuditEntry) => {
    const isRequest = entry.type === 'request' && entry.decision === 'accepted';
    if (isRequest && (entry.evidence === undefined || /^(GET|HEAD) /.test(entry.request ?? '')))
      return undefined;
    return log.append(isRequest ? { ...entry, decision: 'authenticated' } : entry);
  };
  return { origin: log.origin, append };
}
