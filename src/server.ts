// Registry server, relay, enterprise registry, and what those need who write registries and stores of their own.
export { mergeActivity } from './adapters/clients/memory-store.js';
export { type ModeState, parseModeState, type StoredMode } from './adapters/modes/store.js';
export { Documents } from './adapters/operations/documents.js';
export type { ClientDetail, ClientDid, ClientFailure } from './dashboard/client-detail.js';
export type { ClientsView, NoClientsView } from './dashboard/client-directory.js';
export type { ClientMoment, RouteUse } from './dashboard/client-history.js';
export type { ClientRow } from './dashboard/client-row.js';
export type { FailureRow } from './dashboard/failure-counts.js';
export type { Mark } from './dashboard/marks.js';
export type { PlanView } from './dashboard/plan-view.js';
export type { Counts, Series } from './dashboard/ring.js';
export type { AdoptionView, DashboardSnapshot, ModeView, ProcessView } from './dashboard/snapshot.js';
export type { RangeName } from './dashboard/traffic-history.js';
export type { Explanation } from './dashboard/what-to-do.js';
export { isPrivateHost } from './http/private-address.js';
export { problemBody } from './http/problem.js';
export { assertSuccessor } from './identity/key-record.js';
export { nonceKey } from './nonce/nonce-key.js';
export { EntryRegistry, type EntryRule } from './registry/entry-registry.js';
export type { ChangeListener, FeedState } from './registry/managed.js';
export { parseEntry } from './registry/parse-entry.js';
export type { PositionalRegistration } from './registry/positional-registration.js';
export { createRegistryAuthMiddleware } from './registry-server/auth.js';
export {
  createRegistryServer,
  type RegistryHandler,
  type RegistryServerOptions,
} from './registry-server/server.js';
export type { Admits } from './relay/admission.js';
export type { RelayOptions } from './relay/options.js';
export { createRelay, type Relay } from './relay/relay.js';
export type { AddOutcome, Posted, RelayLimits, RelayStore } from './relay/store.js';
export { createEnterpriseTrustRegistry } from './stores/enterprise/create.js';
export type { EnterpriseEvent, EnterpriseRegistryOptions } from './stores/enterprise/options.js';
export type { EnterpriseTrustRegistry } from './stores/enterprise/registry.js';
export { addressBlock } from './util/address-block.js';
