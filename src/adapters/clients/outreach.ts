import type { CutoverState } from '../../types/events.js';
import type { ClientId } from '../../types/protocol.js';
import { csv } from '../../util/csv.js';
import { checkOptions, isDate, isString } from '../../util/options.js';
import {
  CLIENT_WITHOUT_ID,
  type ClientReport,
  type CutoverReport,
  type SoftwareUse,
  UNMATCHED,
} from './cutover-report.js';

/** What letters to callers say of the API. */
export interface OutreachOptions {
  /** The name of the API. Default: the name of its agent, else `our API`. */
  readonly api?: string;
  /** When keys stop working. Default: `deprecation.sunset`, else no date is named. */
  readonly sunset?: Date;
  /** Where callers read on. Default: `deprecation.migrationUrl`, else no page is named. */
  readonly migrationUrl?: string;
}

/** Whom to write to, and what. */
export interface OutreachRow {
  /** The client, as the key validator names it: whose address it is, the application knows. */
  readonly client: ClientId;
  /** How far it is. */
  readonly state: CutoverState;
  /** When its key was last used, ISO 8601 in UTC; empty if never. */
  readonly lastKeyUse: string;
  /** Programs that send its key, where that is kept (`keyUse`), the last one first. */
  readonly software: readonly string[];
  /** Subject of a letter. */
  readonly subject: string;
  /** The letter, without salutation and signature. */
  readonly text: string;
}

/** What is to be said to a client in each state; those that have moved are not written to. */
const TEXTS: Readonly<Partial<Record<CutoverState, string>>> = {
  'not-enrolled':
    'You still call us with an API key. Please move to xLink: your program makes an identity of its own, enrolls it once with the key it has, and needs the key no more.',
  'never-used-xlink':
    'You have enrolled an identity, but no request of yours has used it yet. Please let your program send its requests by xLink.',
  failing:
    'Your last requests by xLink were refused. Please look at the code in the answers, which says why, or write to us.',
  'not-recent':
    'You have used xLink before, but not lately. Please check that the program that runs now is the one that you moved.',
  'key-in-use':
    'Some of your requests come by xLink, but your API key is still in use as well. There may be a second program, a job that seldom runs, or an instance that was not updated.',
};

/** Throws `INVALID_OPTION`. */
export const checkOutreachOptions = (options: OutreachOptions): void =>
  checkOptions('outreach', options, { api: isString, sunset: isDate, migrationUrl: isString });

/** Whom to write to, those whose keys were used last first. Nobody can be written to for keys that name no client. */
export function outreachOf({ clients }: CutoverReport, options: OutreachOptions): readonly OutreachRow[] {
  return clients
    .filter(({ client, state }) => TEXTS[state] !== undefined && client !== CLIENT_WITHOUT_ID)
    .sort((a, b) => (b.lastKeyUse ?? '').localeCompare(a.lastKeyUse ?? ''))
    .map((client) => rowOf(client, options));
}

function rowOf(
  report: ClientReport,
  { api = 'our API', sunset, migrationUrl }: OutreachOptions,
): OutreachRow {
  const { client, state, lastKeyUse, software = [] } = report;
  const day = sunset?.toISOString().slice(0, 10);
  const seen = software.map(({ name }) => name);
  const sentences = [
    day === undefined
      ? `API keys of ${api} will stop working.`
      : `API keys of ${api} stop working on ${day}.`,
    TEXTS[state]!,
    ...(lastKeyUse === undefined
      ? []
      : [`Your key was last used on ${lastKeyUse.slice(0, 16).replace('T', ' at ')} UTC.`]),
    ...sentBy(software),
    ...(migrationUrl === undefined ? [] : [`How to move: ${migrationUrl}`]),
  ];
  const subject = `${api}: API keys ${day === undefined ? 'will stop working' : `stop working on ${day}`}`;
  return { client, state, lastKeyUse: lastKeyUse ?? '', software: seen, subject, text: sentences.join('\n') };
}

/** In words that callers know: what has no name is left out, such as `(other)` and `unmatched`. */
function sentBy(software: readonly SoftwareUse[]): string[] {
  const names = software.map(({ name }) => name).filter((name) => !name.startsWith('('));
  const routes = (software[0]?.routes ?? []).filter((route) => route !== UNMATCHED);
  const few = (all: readonly string[]) => all.slice(0, 5).join(', ');
  if (names.length === 0) return routes.length === 0 ? [] : [`It was last sent to ${few(routes)}.`];
  return [`It was sent by ${few(names)}${routes.length === 0 ? '' : `; last to ${few(routes)}`}.`];
}

const COLUMNS = ['client', 'state', 'lastKeyUse', 'software', 'subject', 'text'] as const;

/** The rows as CSV (RFC 4180), with a line of names; no cell begins a formula. */
export const outreachCsv = (rows: readonly OutreachRow[]): string =>
  csv(
    COLUMNS,
    rows.map((row) => COLUMNS.map((name) => [row[name]].flat().join(', '))),
  );
