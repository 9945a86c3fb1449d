import type { ClientReport } from '../adapters/clients/cutover-report.js';
import type { CutoverState } from '../types/events.js';
import { given } from '../util/given.js';
import { readable } from './readable.js';

/** One client in the table of the page. Times in ms since 1970. */
export interface ClientRow {
  /** Names the client in the address of the page and in actions: its id, or for an id that is too long for that, a hash of it. */
  readonly id: string;
  /** For the eye: shortened, and without characters that cannot be seen. */
  readonly name: string;
  /** How far the client is. */
  readonly state: CutoverState;
  /** The state in a sentence. */
  readonly reason: string;
  /** Whether its keys can be turned off now, as far as its traffic tells. */
  readonly safe: boolean;
  /** Accepted requests with an API key. */
  readonly keyRequests: number;
  /** Accepted requests with an envelope or a signature. */
  readonly xlinkRequests: number;
  /** Those of them that were signed by RFC 9421, without an envelope; absent if none were. */
  readonly signatureRequests?: number;
  /** Refused requests. */
  readonly failures: number;
  /** When a key was last accepted; absent if never. */
  readonly lastKeyUse?: number;
  /** When an envelope or a signature was last accepted; absent if never. */
  readonly lastXlinkUse?: number;
}

const MAX_NAME_CHARACTERS = 80;

/** `id`: see {@link ClientRow.id}. */
export function rowOf(report: ClientReport, id: string): ClientRow {
  const { client, state, reason, safeToSwitch, keyRequests, xlinkRequests } = report;
  return {
    id,
    name: readable(client, MAX_NAME_CHARACTERS),
    state,
    reason,
    safe: safeToSwitch,
    keyRequests,
    xlinkRequests,
    failures: failuresOf(report),
    ...given({
      signatureRequests: report.signatureRequests,
      lastKeyUse: timeOf(report.lastKeyUse),
      lastXlinkUse: timeOf(report.lastXlinkUse),
    }),
  };
}

export const failuresOf = ({ failures }: ClientReport): number =>
  Object.values(failures).reduce((sum, count) => sum + count, 0);

/** In ms since 1970. */
export const timeOf = (iso: string | undefined): number | undefined =>
  iso === undefined ? undefined : Date.parse(iso);
