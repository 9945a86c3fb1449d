import type { CutoverState } from '../../types/events.js';
import type { ClientId, Clock, Did } from '../../types/protocol.js';
import { given } from '../../util/given.js';
import { checkOptions, integerIn } from '../../util/options.js';
import type { ClientRecord } from './store.js';

/** One client in the cut-over report. Times are ISO 8601 in UTC. */
export interface ClientReport {
  /** The client's id, as the key validator returns it; `(no client id)` for all keys for which it returns none: `revokeClient('(no client id)')` ends these. */
  readonly client: ClientId;
  /** DIDs that were enrolled with a key of this client, oldest first. */
  readonly dids: readonly Did[];
  /** Accepted requests with an API key, since the store began. */
  readonly keyRequests: number;
  /** Accepted requests with an envelope or a signature, since the store began. */
  readonly xlinkRequests: number;
  /** Those of them that were signed by RFC 9421, without an envelope; absent if none were. */
  readonly signatureRequests?: number;
  /** When a key was last accepted; absent if never. */
  readonly lastKeyUse?: string;
  /** When an envelope or a signature was last accepted; absent if never. */
  readonly lastXlinkUse?: string;
  /** Refused requests by error id (docs/errors.md). */
  readonly failures: Readonly<Record<string, number>>;
  /** Whether the client has switched its own key off. */
  readonly keySwitchedOff: boolean;
  /** Since when the client is revoked, ISO 8601 in UTC; absent while it is not. */
  readonly revokedSince?: string;
  /** DIDs whose enrollment has ended or ends soon (`expiringWithinMs`), the first first; absent if there are none. */
  readonly expiring?: readonly ExpiringDid[];
  /** Programs that still send the key, at most 20, the last one first. Only with the option `keyUse`; absent if none was seen. */
  readonly software?: readonly SoftwareUse[];
  /** Whether turning keys off now would leave this client working, as far as its traffic tells. */
  readonly safeToSwitch: boolean;
  /** How far the client is. */
  readonly state: CutoverState;
  /** The state in one sentence. */
  readonly reason: string;
}

/** A program that still sends the key of a client. Times are ISO 8601 in UTC. */
export interface SoftwareUse {
  /** Product and version from its User-Agent, such as `python-requests/2.31.0`; `(none)`, or `(other)` for what may be no product. */
  readonly name: string;
  /** Requests with the key, taken or refused, since it was first seen. */
  readonly requests: number;
  /** When it was first seen. */
  readonly firstUse: string;
  /** When it was last seen. */
  readonly lastUse: string;
  /** Network of the last request, such as `192.0.2.0/24`; absent where it is not known or not kept. */
  readonly network?: string;
  /** Templates of the routes that it used last, at most 20, the last one first; `unmatched` where there is none. */
  readonly routes: readonly string[];
}

/** A DID whose enrollment ends. */
export interface ExpiringDid {
  /** The DID. */
  readonly did: Did;
  /** When its enrollment ends or has ended, ISO 8601 in UTC. */
  readonly validUntil: string;
}

/** Which clients still use API keys, and whether keys can be turned off. From `adapter.report()`. */
export interface CutoverReport {
  /** When the report was made, ISO 8601 in UTC. */
  readonly generatedAt: string;
  /** Whether every client is safe to switch. */
  readonly safeToSwitch: boolean;
  /** One row for each client. */
  readonly clients: readonly ClientReport[];
}

/** When a client counts as safe to switch. */
export interface ReportOptions {
  /** A client is safe if its key was not used for this long, in ms. Default one day. */
  readonly quietMs?: number;
  /** Recent means within this time, in ms: xLink must have been used, and must not have failed last. Default seven days. */
  readonly recentMs?: number;
  /** An enrollment ends soon if it does within this time, in ms. Default seven days. */
  readonly expiringWithinMs?: number;
}

/**
 * The row of keys that the validator accepted without naming a client: somebody would be left behind. It stays when all keys name one
 * since; `revokeClient` of this name ends it, and such keys with it.
 */
export const CLIENT_WITHOUT_ID: ClientId = '(no client id)';

/** What stands in the place of a route that has no template. */
export const UNMATCHED: string = 'unmatched';

const DAY_MS = 86_400_000;

/** Throws `INVALID_OPTION`: a threshold that is misspelled would call clients safe that are not. */
export function checkReportOptions(owner: string, options: ReportOptions): void {
  const time = integerIn(0, 2 ** 40);
  checkOptions(owner, options, { quietMs: time, recentMs: time, expiringWithinMs: time });
}

/** Who still uses keys, and whether it is safe to switch them off. */
export function cutoverReport(
  records: readonly ClientRecord[],
  now: ReturnType<Clock>,
  options: ReportOptions = {},
): CutoverReport {
  const clients = [...records]
    .sort((a, b) => a.client.localeCompare(b.client))
    .map((record) => clientReport(record, now, options));
  return {
    generatedAt: new Date(now).toISOString(),
    safeToSwitch: clients.length > 0 && clients.every((client) => client.safeToSwitch),
    clients,
  };
}

function clientReport(record: ClientRecord, now: number, options: ReportOptions): ClientReport {
  const { client, dids, keyRequests, xlinkRequests, lastKeyUse, lastXlinkUse, failures } = record;
  return {
    client,
    dids,
    keyRequests,
    xlinkRequests,
    ...given({ signatureRequests: record.signatureRequests }),
    ...(lastKeyUse === undefined ? {} : { lastKeyUse: new Date(lastKeyUse).toISOString() }),
    ...(lastXlinkUse === undefined ? {} : { lastXlinkUse: new Date(lastXlinkUse).toISOString() }),
    failures,
    keySwitchedOff: record.keyOffSince !== undefined,
    ...(record.revokedSince === undefined
      ? {}
      : { revokedSince: new Date(record.revokedSince).toISOString() }),
    ...expiringDids(record, now, options),
    ...judge(record, now, options),
  };
}

function expiringDids(
  { validUntil = {} }: ClientRecord,
  now: number,
  { expiringWithinMs = 7 * DAY_MS }: ReportOptions,
): Pick<ClientReport, 'expiring'> {
  const soon = Object.entries(validUntil)
    .filter(([, end]) => end <= now + expiringWithinMs)
    .sort(([, a], [, b]) => a - b)
    .map(([did, end]) => ({ did, validUntil: new Date(end).toISOString() }));
  return soon.length === 0 ? {} : { expiring: soon };
}

/** What each state means for the switch, in the order of a migration. */
const STATES: Readonly<Record<CutoverState, { readonly safe: boolean; readonly reason: string }>> = {
  'not-enrolled': { safe: false, reason: 'has not enrolled an identity' },
  'never-used-xlink': { safe: false, reason: 'is enrolled but has never used xLink' },
  failing: { safe: false, reason: 'failed at its last xLink request' },
  'not-recent': { safe: false, reason: 'has not used xLink recently' },
  'key-in-use': { safe: false, reason: 'still used its key recently' },
  'key-switched-off': { safe: true, reason: 'has switched its own key off and works on xLink' },
  moved: { safe: true, reason: 'works on xLink and no longer uses its key' },
  revoked: { safe: true, reason: 'has been revoked' },
};

const NO_ID =
  'keys whose validator result names no client; return clientId, or set the option clientId, and when none is left end the row with revokeClient';

/** How many clients there are in each state. */
export function countStates(clients: readonly ClientReport[]): Record<CutoverState, number> {
  const counts = Object.fromEntries(Object.keys(STATES).map((state) => [state, 0])) as Record<
    CutoverState,
    number
  >;
  for (const { state } of clients) counts[state] += 1;
  return counts;
}

function judge(record: ClientRecord, now: number, options: ReportOptions) {
  const state = stateOf(record, now, options);
  const { safe, reason } = STATES[state];
  return { safeToSwitch: safe, state, reason: isUnnamed(record, state) ? NO_ID : reason };
}

const isUnnamed = ({ client }: ClientRecord, state: CutoverState): boolean =>
  client === CLIENT_WITHOUT_ID && state !== 'revoked';

/** The first rule that applies decides. */
function stateOf(
  record: ClientRecord,
  now: number,
  { quietMs = DAY_MS, recentMs = 7 * DAY_MS }: ReportOptions,
): CutoverState {
  const { dids, lastKeyUse, lastXlinkUse, lastFailure, keyOffSince, revokedSince, validUntil = {} } = record;
  if (revokedSince !== undefined) return 'revoked';
  if (dids.length > 0 && dids.every((did) => (validUntil[did] ?? Infinity) <= now)) return 'not-enrolled';
  if (lastXlinkUse === undefined) return dids.length === 0 ? 'not-enrolled' : 'never-used-xlink';
  if (lastFailure !== undefined && lastFailure > lastXlinkUse) return 'failing';
  if (lastXlinkUse < now - recentMs) return 'not-recent';
  if (keyOffSince !== undefined) return 'key-switched-off';
  if (lastKeyUse !== undefined && lastKeyUse > now - quietMs) return 'key-in-use';
  return 'moved';
}

/** The report as a table for a terminal of 100 columns: two lines for each client, the second says why. */
export function formatReport({ clients, safeToSwitch, generatedAt }: CutoverReport): string {
  const head = ['client', 'key', 'xLink', 'last key use', 'last xLink use', 'failed', 'safe'];
  const rows = clients.map((client) => [
    printable(client.client),
    String(client.keyRequests),
    String(client.xlinkRequests),
    minute(client.lastKeyUse),
    minute(client.lastXlinkUse),
    String(Object.values(client.failures).reduce((sum, count) => sum + count, 0)),
    client.safeToSwitch ? 'yes' : 'no',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const ready = clients.filter((client) => client.safeToSwitch).length;
  const summary = `${ready} of ${clients.length} safe to switch at ${generatedAt}: ${safeToSwitch ? 'keys can go' : 'not yet'}`;
  const body = rows.flatMap((row, at) => [line(row), `  ${clients[at]!.reason}`, ...ends(clients[at]!)]);
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body, '', summary].join('\n');
}

const ends = ({ expiring = [] }: ClientReport): string[] =>
  expiring.length === 0
    ? []
    : [
        `  enrollments that end soon or have ended: ${expiring.length}, the first ${minute(expiring[0]!.validUntil)}`,
      ];

const minute = (iso: string | undefined): string =>
  iso === undefined ? '-' : iso.slice(0, 16).replace('T', ' ');

const MAX_ID_CHARACTERS = 32;

/** Ids come from the application: nothing of theirs reaches a terminal that controls it or turns its lines around. */
function printable(text: string): string {
  const characters = [...text.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '?')];
  return characters.length <= MAX_ID_CHARACTERS
    ? characters.join('')
    : `${characters.slice(0, MAX_ID_CHARACTERS - 1).join('')}…`;
}
