import type { ClientReport } from '../adapters/clients/cutover-report.js';
import { type Cell, csv } from '../util/csv.js';
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
  if (format === 'csv')
    return { type: 'text/csv; charset=utf-8; header=present', name, body: csvOf(clients) };
  return {
    type: 'application/json; charset=utf-8',
    name,
    body: `${JSON.stringify({ generatedAt, clients }, undefined, 2)}\n`,
  };
}

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

function csvOf(clients: readonly ClientReport[]): string {
  const cells = Object.values(COLUMNS);
  return csv(
    Object.keys(COLUMNS),
    clients.map((client) => cells.map((cell) => cell(client))),
  );
}
