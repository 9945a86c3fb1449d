export type { AnnounceOptions } from './announce/announcer.js';
export type { CardOptions, ImportedCard, ImportOptions, SharedCard } from './announce/cards.js';
export { type DirectListener, type DirectMessage, MAX_DIRECT_BYTES } from './announce/direct.js';
export { type DiscoveredAgent, Discovery } from './announce/discovery.js';
export type { X0xEvent, X0xObserver } from './announce/events.js';
export { TOPICS } from './announce/topics.js';
export {
  type DaemonAgent,
  type DaemonAnswer,
  type LocalOptions,
  X0xClient,
  type X0xClientOptions,
} from './api/client.js';
export { X0xDaemon, type X0xDaemonOptions } from './api/daemon.js';
export { Acquaintances, type Introduction } from './bridge/acquaintances.js';
export type { AgentContact } from './bridge/agent-contact.js';
export { agentPolicy } from './bridge/agent-policy.js';
export { type AgentBinding, agentBoundTo, bindAgent } from './bridge/binding.js';
export type { GuardOptions, GuardSource, HumanOptions, TrustOptions } from './bridge/caller-checks.js';
export {
  AgentDirectory,
  type AgentDirectoryOptions,
  type DirectoryRegistry,
} from './bridge/directory.js';
export { type X0xGuards, x0xGuards } from './bridge/guards.js';
export { MACHINE_HEADER, type MachineClaim, proveMachine, provenMachine } from './bridge/machine-proof.js';
export { type Command, type Output, x0xCommand } from './commands.js';
export {
  isX0xError,
  X0X_ERROR_TABLE,
  X0xError,
  type X0xErrorCategory,
  type X0xErrorId,
  type X0xErrorOptions,
  type X0xErrorRow,
} from './errors.js';
export { type IdentityOptions, makeUserKey, openIdentity, type X0xIdentity } from './identity/identity.js';
export { idOf, type X0xId } from './identity/ids.js';
export { type RandomBytes, verifySignature, X0xKeyPair } from './identity/key-pair.js';
export { type Places, type PlacesOptions, placesOf } from './identity/places.js';
export * from './layouts/index.js';
export { X0xNode } from './node.js';
export type { X0xNodeOptions } from './node-options.js';
export type { Contact, IdentityType, LocalRevocation, MachineRecord } from './trust/contact.js';
export { Contacts, type ImportOutcome, type RevokedIds, type Seconds } from './trust/contacts.js';
export { evaluateTrust, type TrustDecision } from './trust/evaluate.js';
export { parseTrustLevel, rankOf, type TrustLevel } from './trust/levels.js';
export { type RevocationContext, Revocations } from './trust/revocations.js';
