import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/service-errors.js';
import { assertKeyRecord } from '../identity/key-record.js';
import { hashOfDid, MAX_SUCCESSIONS, verifySuccession } from '../identity/succession.js';
import type { Did, KeyRecord, RegistryEntry, Succession } from '../types/protocol.js';

/** How old a statement may be when it is handed in: 1 hour. */
const MAX_AGE_MS = 3_600_000;
/** How far the clock of its maker may be ahead: 5 minutes. */
const MAX_AHEAD_MS = 300_000;

/** A statement and the key record of the new DID, both verified. */
export interface ProvenSuccession {
  readonly succession: Succession;
  readonly keys: KeyRecord;
  /** `next` of a record that commits to the new DID. */
  readonly hash: string;
}

/** Everything that can be said without the entries. Throws `SUCCESSION_INVALID…` or `KEY_RECORD_INVALID`. */
export async function proveSuccession(
  succession: Succession,
  keys: KeyRecord,
  now: number,
  crypto: CryptoProvider | undefined,
): Promise<ProvenSuccession> {
  const { issuedAt, to } = succession;
  if (issuedAt < now - MAX_AGE_MS || issuedAt > now + MAX_AHEAD_MS)
    throw xlinkError('SUCCESSION_INVALID:EXPIRED', { field: 'issuedAt' });
  await assertKeyRecord(keys, crypto);
  if (succession.toMlDsa65 !== keys.mlDsa65) throw xlinkError('SUCCESSION_INVALID', { field: 'toMlDsa65' });
  if (succession.next !== keys.next) throw xlinkError('SUCCESSION_INVALID', { field: 'next' });
  await verifySuccession(succession, crypto);
  return { succession, keys, hash: await hashOfDid(to, crypto) };
}

/** What becomes of the entry of the old DID: the first statement counts. Throws what speaks against it. */
export function succeededEntry(
  known: RegistryEntry | undefined,
  { succession, hash }: ProvenSuccession,
): RegistryEntry {
  if (!known) throw xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY', { field: 'from' });
  if (known.succeededBy) {
    if (isSame(known.succeededBy, succession)) return known;
    throw xlinkError('SUCCESSION_CONFLICT', { field: 'from' });
  }
  if (known.status !== 'active') throw xlinkError('LOOKUP_FAILED:DID_REVOKED', { field: 'from' });
  if (known.keys?.mlDsa65 !== undefined && known.keys.mlDsa65 !== succession.fromMlDsa65)
    throw xlinkError('SUCCESSION_INVALID', { field: 'fromMlDsa65' });
  if (known.keys?.next !== undefined && known.keys.next !== hash)
    throw xlinkError('SUCCESSION_INVALID:NOT_NEXT', { field: 'to' });
  if ((known.predecessors?.length ?? 0) >= MAX_SUCCESSIONS)
    throw xlinkError('SUCCESSION_INVALID:CHAIN_TOO_LONG', { field: 'from' });
  return { ...known, succeededBy: succession };
}

/** What becomes of the entry of the new DID, which must be free: all that the old one was granted, and no more. */
export function successorEntry(
  known: RegistryEntry | undefined,
  old: RegistryEntry,
  keys: KeyRecord,
): RegistryEntry {
  if (!known) return takingPlaceOf(old, keys.did, keys);
  if (!isSuccessorOf(known, old.did)) throw xlinkError('SUCCESSION_INVALID:IN_USE', { field: 'to' });
  if (known.status !== 'active') throw xlinkError('LOOKUP_FAILED:DID_REVOKED', { field: 'to' });
  return known;
}

/** Of the old entry, when the place of the new one turned out to be taken. */
export function withdrawn(known: RegistryEntry | undefined, succession: Succession): RegistryEntry {
  if (!known) throw xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY', { field: 'from' });
  const { succeededBy, ...rest } = known;
  return succeededBy && isSame(succeededBy, succession) ? rest : known;
}

/** The entry of the DID that takes the place of another. */
export function takingPlaceOf(old: RegistryEntry, did: Did, keys?: KeyRecord): RegistryEntry {
  const { keys: _, succeededBy: __, status: ___, revocationReason: ____, predecessors = [], ...rights } = old;
  return {
    ...rights,
    did,
    ...(keys ? { keys } : {}),
    status: 'active',
    predecessors: [...predecessors, old.did],
  };
}

export const isSuccessorOf = ({ predecessors }: RegistryEntry, did: Did): boolean =>
  predecessors?.at(-1) === did;

/** Signatures may be hedged, so they do not tell. */
const isSame = (a: Succession, b: Succession): boolean =>
  (['from', 'to', 'issuedAt', 'overlapMs', 'fromMlDsa65', 'toMlDsa65', 'next'] as const).every(
    (name) => a[name] === b[name],
  );

/** Of a registry that has no `succeed`. */
export const cannotSucceed = () =>
  xlinkError('REGISTRATION_FAILED', { hint: 'This registry does not take successions.' });
