import { DEFAULT_TIMESTAMP_WINDOW_MS, SLOW_BODY_MS } from '../checks/timestamp.js';
import type { RecordedEntry } from '../types/audit.js';
import type { Did } from '../types/protocol.js';
import { isMembers } from '../util/members.js';

/**
 * Why something that was signed is no evidence for the entry that it is in. `recipient`: it was signed for another service. `kind`: a message, in an entry that
 * tells of a request. `repeated`: it is in an entry before this one, too; it was signed once. `time`: the entry was written too long before or
 * after the time that was signed.
 */
export type AuditDoubt = 'recipient' | 'kind' | 'repeated' | 'time';

/** How far the time of an entry may be from the one that was signed: as far as a service lets it by default, with a slow body. */
export const DEFAULT_TOLERANCE_MS = DEFAULT_TIMESTAMP_WINDOW_MS + SLOW_BODY_MS;

export interface DoubtOptions {
  /** The DIDs of the service. */
  readonly own: ReadonlySet<Did>;
  readonly toleranceMs: number;
}

/** Finds doubts about entries that something signed is in, asked in their order. */
export class Doubts {
  readonly #options: DoubtOptions;
  readonly #seen = new Set<string>();

  constructor(options: DoubtOptions) {
    this.#options = options;
  }

  about(entry: RecordedEntry): readonly AuditDoubt[] {
    const { from, to, id, signedAt } = signedIn(entry);
    const { own, toleranceMs } = this.#options;
    // the request that brings a checkpoint has an entry of its own
    const name = `${entry.type === 'session-checkpoint'} ${from} ${id}`;
    const doubts: AuditDoubt[] = [];
    if (!own.has(to) && !own.has(from)) doubts.push('recipient');
    if (entry.type === 'request' && entry.envelope && entry.envelope.kind !== 'request') doubts.push('kind');
    if (this.#seen.has(name)) doubts.push('repeated');
    if (!(Math.abs(entry.at - signedAt) <= toleranceMs)) doubts.push('time');
    this.#seen.add(name);
    return doubts;
  }
}

/** When the caller signed it, in ms since 1970, as the caller says. */
export const signedAtOf = (entry: RecordedEntry): number => signedIn(entry).signedAt;

/** From whom, to whom and when: of the envelope, or of the leaf that the members of the entry make. */
function signedIn({ envelope, from = '', to = '', envelopeId = '', data }: RecordedEntry) {
  if (envelope)
    return { from: envelope.from, to: envelope.to, id: envelope.nonce, signedAt: envelope.timestamp };
  const session = isMembers(data) && isMembers(data['session']) ? data['session'] : {};
  return { from, to, id: envelopeId, signedAt: Number(session['timestamp']) };
}
