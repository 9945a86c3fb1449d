import type { Clock, Did } from '../types.js';
import type { ClientId, ClientRecord } from './client-store.js';

/** One client in the cut-over report. Times are ISO 8601 in UTC. */
export interface ClientReport {
  readonly client: ClientId;
  readonly dids: readonly Did[];
  readonly keyRequests: number;
  readonly xlinkRequests: number;
  readonly lastKeyUse?: string;
  readonly lastXlinkUse?: string;
  readonly failures: Readonly<Record<string, number>>;
  readonly keySwitchedOff: boolean;
  /** Whether turning keys off now would leave this client working, as far as its traffic tells. */
  readonly safeToSwitch: boolean;
  /** Why, in one sentence. */
  readonly reason: string;
}

export interface CutoverReport {
  readonly generatedAt: string;
  /** Whether every client is safe to switch. */
  readonly safeToSwitch: boolean;
  readonly clients: readonly ClientReport[];
}

export interface ReportOptions {
  /** A client is safe if its key was not used for this long, in ms. Default one day. */
  readonly quietMs?: number;
  /** Recent means within this time, in ms: xLink must have been used, and must not have failed last. Default seven days. */
  readonly recentMs?: number;
}

const DAY_MS = 86_400_000;

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
    ...(lastKeyUse === undefined ? {} : { lastKeyUse: new Date(lastKeyUse).toISOString() }),
    ...(lastXlinkUse === undefined ? {} : { lastXlinkUse: new Date(lastXlinkUse).toISOString() }),
    failures,
    keySwitchedOff: record.keyOffSince !== undefined,
    ...judge(record, now, options),
  };
}

/** The first rule that applies decides. */
function judge(
  record: ClientRecord,
  now: number,
  { quietMs = DAY_MS, recentMs = 7 * DAY_MS }: ReportOptions,
) {
  const { dids, lastKeyUse, lastXlinkUse, lastFailure, keyOffSince } = record;
  const verdict = (safeToSwitch: boolean, reason: string) => ({ safeToSwitch, reason });
  if (dids.length === 0 && lastXlinkUse === undefined) return verdict(false, 'has not enrolled an identity');
  if (lastXlinkUse === undefined) return verdict(false, 'is enrolled but has never used xLink');
  if (lastFailure !== undefined && lastFailure > lastXlinkUse)
    return verdict(false, 'failed at its last xLink request');
  if (lastXlinkUse < now - recentMs) return verdict(false, 'has not used xLink recently');
  if (keyOffSince !== undefined) return verdict(true, 'has switched its own key off and works on xLink');
  if (lastKeyUse !== undefined && lastKeyUse > now - quietMs)
    return verdict(false, 'still used its key recently');
  return verdict(true, 'works on xLink and no longer uses its key');
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
  const body = rows.flatMap((row, at) => [line(row), `  ${clients[at]!.reason}`]);
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body, '', summary].join('\n');
}

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
