export { signalOptionsOf } from '../config/signal-options.js';
export type { SignalChannel } from './channel.js';
export type { SignalEvent, SignalObserver } from './events.js';
export type { SignalProviderOptions } from './options.js';
export type {
  FetchedBundle,
  OneTimePrekey,
  PrekeyBundle,
  PrekeyDirectory,
  Publication,
  SignedPrekey,
} from './prekeys/bundle.js';
export { HttpPrekeyDirectory, type HttpPrekeyDirectoryOptions } from './prekeys/http-directory.js';
export { MemoryPrekeyDirectory } from './prekeys/memory-directory.js';
export { SignalProvider, type SignalStatus } from './provider.js';
export { DEFAULT_LIMITS, type RatchetLimits } from './ratchet/state.js';
export {
  type AgentCarrier,
  type AgentCarrierOptions,
  agentCarrier,
  type CarrierListener,
  type CarrierRefused,
  type SignalCarrier,
} from './session/carrier.js';
export {
  openStateStore,
  STATE_BACKENDS,
  type StateBackend,
  type StateConnections,
  type StatePersistence,
} from './state/open-state.js';
export type { StateDocument, StateStore } from './state/store.js';
export { VaultStateStore, type VaultStateStoreOptions } from './state/vault-store.js';
