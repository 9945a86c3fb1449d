import type { RecordedEntry } from '../../types/audit.js';
import { isMembers } from '../../util/members.js';

/** Finds the entries that prove requests in sessions: without them, an export of some entries could not show who signed these. */
export class SessionProofs {
  /** Numbers of the requests of each caller and session. */
  readonly #requests = new Map<string, Set<number>>();

  get isEmpty(): boolean {
    return this.#requests.size === 0;
  }

  /** An entry that is exported. */
  add({ evidence, leaf, from, envelopeId = '' }: RecordedEntry): void {
    if (evidence !== 'session' || leaf === undefined) return;
    const [session, number] = envelopeId.split('.');
    const name = `${from} ${session}`;
    const known = this.#requests.get(name) ?? new Set();
    this.#requests.set(name, known.add(Number(number)));
  }

  /** Whether an entry is (part of) a checkpoint that is about one of them. */
  has({ type, from: caller, data }: RecordedEntry): boolean {
    if (type !== 'session-checkpoint' || !isMembers(data)) return false;
    const { session, from, to } = data;
    const numbers = this.#requests.get(`${caller} ${session}`);
    return [...(numbers ?? [])].some((number) => number >= Number(from) && number < Number(to));
  }
}
