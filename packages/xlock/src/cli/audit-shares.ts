import { printable } from '@private.me/xlink/audit';
import type { AuditReport } from '../passkey/audit.js';
import type { PasskeyMeta } from '../passkey/meta.js';
import { isRevoked, type RevokedStore, revokedStores } from '../stores/revoked.js';
import type { Home } from './home.js';
import type { Terminal } from './output.js';

/** `xlock audit`: each share of all passkeys, and stores that the service has revoked. Exit code 3: something is to be done. */
export async function auditAll({ device, vault, stores }: Home, terminal: Terminal): Promise<number> {
  const { out } = terminal;
  let isFine = true;
  for (const owner of await device.passkeys()) {
    const { service, userId } = owner;
    const report = await vault.audit({ service, userId });
    const revoked = await revokedBy(owner, terminal);
    const ids = new Set(stores.filter((store) => isRevoked(store, revoked)).map(({ id }) => id));
    isFine &&= report.isWhole && ids.size === 0;
    out(`${service}  ${userId === '' ? '-' : userId}  ${countsOf(report)}`);
    for (const { id, state, reason } of report.stores) {
      const why = reason === undefined ? '' : `  ${printable(reason)}`;
      const advice = ids.has(id) ? '  REVOKED by the service: xlock rotate --without' : '';
      out(`  ${state.padEnd(11)}  ${id}${why}${advice}`);
    }
    const unchecked = report.stores.filter(({ state }) => state === 'unchecked').length;
    if (unchecked > 0)
      out('  unchecked: too few other shares are there to tell whether these are good. Do not delete them.');
  }
  return isFine ? 0 : 3;
}

function countsOf({ good, threshold, spare, lacking }: AuditReport): string {
  if (threshold === 0) return 'no share could be read';
  const rest = lacking > 0 ? `${lacking} TOO FEW` : `${spare} to spare`;
  return `${good} good, ${threshold} needed, ${rest}`;
}

async function revokedBy(
  { service, verifier }: PasskeyMeta,
  { err }: Terminal,
): Promise<readonly RevokedStore[]> {
  if (verifier === '') return [];
  try {
    return await revokedStores(service, { verifier });
  } catch {
    err(`xlock: ${service} does not say which stores it has revoked`);
    return [];
  }
}
