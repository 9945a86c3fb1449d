import type { AuditEntry } from '../types/audit.js';

/** The members of an entry that say the same as what a caller signs: an envelope, or the leaf of a request in a session. */
export type SignedMember = 'from' | 'to' | 'scope' | 'request' | 'envelopeId';

const NAMES: readonly SignedMember[] = ['from', 'to', 'scope', 'request', 'envelopeId'];

/** Those that an entry has. All others are the word of the service. */
export const signedMembers = (entry: AuditEntry): readonly SignedMember[] =>
  NAMES.filter((name) => entry[name] !== undefined);
