import { toXlinkError } from '../errors/errors.js';
import type { XlinkEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';
import { Clients, clientIdOf, defaultClientScopes } from './clients/clients.js';
import { guardedClientStore } from './clients/guarded-store.js';
import { ClientLedger } from './clients/ledger.js';
import type { DualModeOptions } from './options.js';

/** The clients of an adapter, if it was given a store for them. */
export function createClients(
  options: DualModeOptions,
  clock: Clock,
  emit: (event: XlinkEvent) => void,
): Clients | undefined {
  const { clients, clientId, clientScopes, onDowngrade = 'report', clientFlushIntervalMs } = options;
  const { enrollmentValidMs, enrollmentValidUntil } = options;
  if (!clients) return undefined;
  const store = guardedClientStore(clients);
  const onFault = (error: unknown) => emit({ type: 'fault', error: toXlinkError(error) });
  return new Clients({
    store,
    ledger: new ClientLedger(store, { clock, flushMs: clientFlushIntervalMs, onFault }),
    clock,
    onDowngrade,
    validity: { enrollmentValidMs, enrollmentValidUntil },
    clientId: clientIdOf(clientId),
    clientScopes: clientScopes ?? defaultClientScopes,
    onFault,
    reportDowngrade: (client) => emit({ type: 'downgrade', client, refused: onDowngrade === 'refuse' }),
  });
}
