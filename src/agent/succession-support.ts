import type { CreateSuccessionOptions } from '../identity/create-succession.js';
import type { Identity } from '../identity/identity.js';
import type { KeyStore } from '../identity/key-store.js';
import type { Did, Succession } from '../types/protocol.js';
import type { AgentContext } from './context.js';

/** Options of `agent.succeedBy()`. */
export interface SucceedOptions extends Pick<CreateSuccessionOptions, 'overlapMs'> {
  /** The only DID that may ever succeed the new one: its key record commits to it. Default: any. */
  readonly next?: Did;
}

/** What an agent was told of its successor. */
export interface SuccessorOptions {
  readonly successor?: Identity;
  readonly keyStore?: KeyStore;
  readonly successorKeyStore?: KeyStore;
}

/**
 * Succession, for an agent that may be succeeded. An agent for callers of APIs is made without: it verifies successions, and
 * does not make any.
 */
export interface SuccessionSupport {
  /** Lets the context hold both identities from the start. */
  prepare(context: AgentContext, successor: AgentContext): void;
  /** The successions that led to an identity, oldest first. */
  chainOf(context: AgentContext): Promise<readonly Succession[]>;
  /** Makes and submits the statement. */
  succeed(
    context: AgentContext,
    open: (identity: Identity) => AgentContext,
    next: Identity,
    given: SucceedOptions,
    options: SuccessorOptions,
  ): Promise<Succession>;
}
