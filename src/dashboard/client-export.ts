import type { ClientReport } from '../adapters/clients/cutover-report.js';
import type { ClientDirectory } from './client-directory.js';
import { failuresOf } from './client-row.js';
import type { ClientsQuery } from './view-query.js';

/** A file for a spreadsheet or a program. */
export interface ExportedFile {
  readonly type: string;
  readonly name: string;
  readonly body: string;
}

/** All clients that match, not only the page that is shown. */
export function exportClients(
  directory: ClientDirectory,
  query: ClientsQuery,
  format: 'csv' | 'json',
): ExportedFile {
  const { generatedAt } = directory;
  const clients = directory.matching(query);
  const name = `xlink-clients-${generatedAt.slice(0, 10)}.${format}`;
  if (format === 'csv') return { type: 'text/csv; charset=utf-8; header=present', name, body: csv(clients) };
  return {
    type: 'application/json; charset=utf-8',
    name,
    body: `${JSON.stringify({ generatedAt, clients }, undefined, 2)}\n`,
  };
}

type Cell = string | number | boolean | undefined;

const COLUMNS: Readonly<Record<string, (client: ClientReport) => Cell>> = {
  client: ({ client }) => client,
  ready: ({ safeToSwitch }) => (safeToSwitch ? 'yes' : 'no'),
  state: ({ state }) => state,
  reason: ({ reason }) => reason,
  key_requests: ({ keyRequests }) => keyRequests,
  xlink_requests: ({ xlinkRequests }) => xlinkRequests,
  signature_requests: ({ signatureRequests }) => signatureRequests ?? 0,
  failures: failuresOf,
  last_key_use: ({ lastKeyUse }) => lastKeyUse,
  last_xlink_use: ({ lastXlinkUse }) => lastXlinkUse,
  key_switched_off: ({ keySwitchedOff }) => (keySwitchedOff ? 'yes' : 'no'),
  revoked_since: ({ revokedSince }) => revokedSince,
  failures_by_reason: ({ failures }) =>
    Object.entries(failures)
      .map(([id, count]) => `${id} ${count}`)
      .join('; '),
  dids: ({ dids }) => dids.join(' '),
};

/** RFC 4180. */
function csv(clients: readonly ClientReport[]): string {
  const columns = Object.entries(COLUMNS);
  const lines = clients.map((client) => columns.map(([, cell]) => field(cell(client))).join(','));
  return [columns.map(([name]) => name).join(','), ...lines, ''].join('\r\n');
}

function field(cell: Cell): string {
  if (typeof cell !== 'string') return String(cell ?? '');
  const text = inert(cell);
  return /[",\r\n;\t]|^\s|\s$|^'/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Spreadsheets take a field that begins with one of these for a formula, and names of clients come from outside: an apostrophe
 * in front makes it text. Wide forms count as the same in some of them.
 */
const inert = (text: string): string => (/^\s*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text);
