import type { Agent, DualModeAdapter, SharedMode } from '@private.me/xlink';
import type { AccessStore, AddressOf } from '@private.me/xlink/http-api';
import type { Logger } from '@private.me/xlink/logging';
import type { RegistryHandler, Relay } from '@private.me/xlink/server';
import type { AgentVault } from './agent-vault.js';
import type { InviteDesk } from './invite-desk.js';
import type { ServerMetrics } from './metrics.js';
import type { PrekeyDirectory } from './prekeys.js';
import type { ServiceDirectory } from './service-directory.js';
import type { Storage } from './storage.js';

/** What the routes work with. */
export interface ServerParts {
  readonly storage: Storage;
  readonly access: AccessStore;
  /** The server itself, as a service that others call. */
  readonly agent: Agent;
  readonly adapter: DualModeAdapter;
  readonly sharedMode: SharedMode;
  /** The registry over HTTP, for those who may. */
  readonly registryHandler: RegistryHandler;
  readonly services: ServiceDirectory;
  readonly prekeys: PrekeyDirectory;
  readonly invites: InviteDesk;
  /** Absent: the server holds no keys of agents. */
  readonly vault: AgentVault | undefined;
  /** Absent: the store keeps no messages. */
  readonly relay: Relay | undefined;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  /** Where callers reach the server, without a slash at the end. */
  readonly publicUrl: string;
  readonly version: string;
  readonly startedAt: number;
  readonly clock: () => number;
  /** Where a request comes from. */
  readonly addressOf: AddressOf;
  readonly isStopping: () => boolean;
  /** Told what a request failed with, if it was not the caller's fault. */
  readonly onFault: (fault: unknown) => void;
  /** The OpenAPI document. */
  readonly document: () => object;
}
