import type { ClientId } from '../../types/protocol.js';
import type { CutoverReport, SoftwareUse } from '../clients/cutover-report.js';
import type { KeyUseRecord } from './record.js';

/** Which programs still send the key of a client, the last one first. */
const softwareOfClient = ({ software }: KeyUseRecord): readonly SoftwareUse[] =>
  Object.entries(software)
    .sort(([, a], [, b]) => b.lastUse - a.lastUse)
    .map(([name, { requests, firstUse, lastUse, network, routes }]) => ({
      name,
      requests,
      firstUse: new Date(firstUse).toISOString(),
      lastUse: new Date(lastUse).toISOString(),
      ...(network === undefined ? {} : { network }),
      routes: Object.keys(routes),
    }));

/** The report, with the programs that send the keys. */
export const withSoftware = (
  report: CutoverReport,
  uses: ReadonlyMap<ClientId, KeyUseRecord>,
): CutoverReport => ({
  ...report,
  clients: report.clients.map((client) => {
    const use = uses.get(client.client);
    const software = use ? softwareOfClient(use) : [];
    return software.length === 0 ? client : { ...client, software };
  }),
});
