import type { BaseAgent } from '../agent/agent.js';
import { callRegistry } from '../agent/register.js';
import type { Service } from '../discovery/discover.js';
import { toXlinkError, xlinkError } from '../errors/errors.js';
import { sameKeys } from '../identity/key-record.js';
import type { KeyRecord } from '../types/protocol.js';

/**
 * Puts a discovered service into the registry of the agent, or brings its keys up to date: an entry that is there keeps
 * its scopes and its status. Keys that are older or weaker than those on record are refused, as everywhere
 * (`KEY_RECORD_ROLLED_BACK`, `KEY_RECORD_DOWNGRADED`); the same keys under an older epoch come from another instance.
 */
export async function syncServiceKeys({ registry }: BaseAgent, service: Service): Promise<void> {
  const { did, keyRecord, name } = service;
  const entry = await callRegistry(() => registry.lookup(did), 'LOOKUP_FAILED');
  if (!entry) {
    const registration = { did, keys: keyRecord, ...(name === undefined ? {} : { name }) };
    const registered = await callRegistry(() => registry.register(registration), 'LOOKUP_FAILED');
    if (!registered.ok && registered.error.id !== 'REGISTRATION_FAILED:ALREADY_REGISTERED')
      throw registered.error;
    return;
  }
  if (entry.keys && sameKeys(entry.keys, keyRecord)) return;
  if (entry.keys) refuseWeaker(entry.keys, keyRecord);
  const updated = await callRegistry(() => registry.updateKeys(keyRecord), 'LOOKUP_FAILED');
  if (!updated.ok) throw toXlinkError(updated.error);
}

function refuseWeaker(known: KeyRecord, offered: KeyRecord): void {
  if (offered.epoch <= known.epoch) throw xlinkError('KEY_RECORD_ROLLED_BACK', { field: 'epoch' });
  for (const name of ['mlKem768', 'mlDsa65'] as const) {
    if (known[name] && !offered[name]) throw xlinkError('KEY_RECORD_DOWNGRADED', { field: name });
  }
}
