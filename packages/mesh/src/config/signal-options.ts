import type { SignalProviderOptions } from '../signal/options.js';
import { openStateStore, type StateConnections } from '../signal/state/open-state.js';
import type { CryptoConfig } from './crypto-config.js';

/**
 * Options of a `SignalProvider` by `key_lifecycle` and `state_persistence`. Without `state` where `backend` is `memory`; else give it
 * `revisions`, too. Throws `INVALID_OPTION` where a connection is missing.
 */
export function signalOptionsOf(
  { keyLifecycle, statePersistence }: CryptoConfig,
  connections: StateConnections = {},
): Pick<SignalProviderOptions, 'state' | 'prekeyPoolSize' | 'prekeyRefreshThreshold' | 'prekeyRotationMs'> {
  const { rotationIntervalMs, prekeyPoolSize, prekeyRefreshThreshold } = keyLifecycle;
  const lifecycle = { prekeyPoolSize, prekeyRefreshThreshold, prekeyRotationMs: rotationIntervalMs };
  if (statePersistence.backend === 'memory') return lifecycle;
  return { ...lifecycle, state: openStateStore(statePersistence, connections) };
}
