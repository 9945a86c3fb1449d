import type { Delivery } from '../transport/relay-protocol.js';
import type { Did, Envelope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';

/** An envelope that was checked, and its length as JSON. */
export interface Posted {
  /** The envelope. */
  readonly envelope: Envelope;
  /** Length of its JSON in bytes. */
  readonly bytes: number;
  /** How long the relay may yet be sent copies of it, in ms from now: 361 000 by default. Until then it is `known`. */
  readonly copiesForMs: number;
  /** Whether its sender asks for a receipt: kept, and delivered with it. */
  readonly receipt?: true;
}

/** `known`: it is there already, or was and copies of it may still come. The others say whose quota is used up. */
export type AddOutcome = 'stored' | 'known' | 'sender-full' | 'mailbox-full';

/**
 * Mailboxes of recipients. Whatever rejects or throws becomes `RELAY_UNAVAILABLE`. Ids within a mailbox rise in the order in
 * which `add` was called.
 */
export interface RelayStore {
  /** Resolves once the message is as durable as the store can make it. */
  add(message: Posted): Promise<AddOutcome>;
  /** Whether `add` would say `known`. */
  knows(envelope: Envelope): Awaitable<boolean>;
  /** Oldest first, behind `after` (empty: all), `max` at most; none that has expired. */
  list(to: Did, after: string, max: number): Awaitable<readonly Delivery[]>;
  /** Removes messages for good. Ids that are not in this mailbox are ignored. */
  ack(to: Did, ids: readonly string[]): Promise<void>;
  /** Calls `wake` when there may be something new; returns how to stop that. */
  watch(to: Did, wake: () => void): () => void;
  /** Removes what has expired. Called now and then. */
  sweep(): Awaitable<void>;
  /** Releases what the store holds. Messages that were stored stay. */
  close(): Promise<void>;
}

/** What a mailbox and a sender may take up. */
export interface RelayLimits {
  /** Messages that wait for one recipient. Default 10 000. */
  readonly messagesPerMailbox: number;
  /** Bytes that wait for one recipient. Default 64 MiB. */
  readonly bytesPerMailbox: number;
  /** Messages of one sender that wait, for all recipients together. Default 2500, so no sender can fill a mailbox alone. */
  readonly messagesPerSender: number;
  /** Bytes of one sender that wait. Default 16 MiB. */
  readonly bytesPerSender: number;
  /** Bytes that wait in all. Default 256 MiB; they are kept in memory too. */
  readonly bytesInAll: number;
  /** How long a message waits, in ms. Default 7 days, at most. */
  readonly lifetimeMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: RelayLimits = {
  messagesPerMailbox: 10_000,
  bytesPerMailbox: 64 * MIB,
  messagesPerSender: 2500,
  bytesPerSender: 16 * MIB,
  bytesInAll: 256 * MIB,
  lifetimeMs: 7 * 86_400_000,
};
