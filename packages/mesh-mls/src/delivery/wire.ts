import type { MlsSuite } from '../suites.js';

// What client and server say to each other; docs/delivery.md describes it. Bytes are base64url without padding.

/** One entry of the log, as it travels. */
export interface WireEntry {
  readonly seq: number;
  readonly kind: 'commit' | 'proposal' | 'message';
  readonly epoch: number;
  readonly by: string;
  /** When the server took it, ms since 1970. */
  readonly at: number;
  readonly data: string;
}

/** A group, for its members. */
export interface WireGroup {
  readonly group: string;
  readonly suite: MlsSuite;
  readonly epoch: number;
  readonly seq: number;
  readonly members: readonly string[];
  readonly externalJoin: boolean;
}

/** Somebody added the caller to a group. */
export interface WireInvitation {
  readonly id: number;
  readonly group: string;
  /** Where the group is. */
  readonly server: string;
  /** Who added it, as the server has seen. */
  readonly by: string;
  /** The log entry of the commit. */
  readonly seq: number;
}

/** A commit on its way to the server. */
export interface WireCommit {
  readonly epoch: number;
  readonly commit: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly welcome?: string;
  readonly groupInfo?: string;
  /** Joins by the group info, without an invitation. */
  readonly external?: boolean;
}

/** What is there that the caller has not read. */
export interface WireNews {
  /** Ids of groups whose log is longer than the caller said. */
  readonly groups: readonly string[];
  /** Whether there are invitations. */
  readonly invitations: boolean;
}

/** Limits of the delivery service. */
export const LIMITS = {
  /** Members of a group. */
  members: 1000,
  /** Groups that one DID may make in an hour. */
  groupsPerHour: 100,
  /** Bytes of a message as MLS has it. */
  messageBytes: 64 * 1024,
  /** Bytes of a commit; one of 1000 members with X-Wing has some 1.3 MB. */
  commitBytes: 2 * 1024 * 1024,
  /** Bytes of a welcome, tree included. */
  welcomeBytes: 4 * 1024 * 1024,
  /** Log entries that are kept of a group. */
  logEntries: 10_000,
  /** Bytes of them. */
  logBytes: 64 * 1024 * 1024,
  /** Entries in one answer. */
  entriesAtOnce: 64,
  /** Bytes of entries in one answer, but one is always given. */
  bytesAtOnce: 4 * 1024 * 1024,
  /** One-time key packages of one DID and suite that wait. */
  keyPackages: 200,
  keyPackageBytes: 8 * 1024,
  /** One-time key packages of one DID that one caller gets in an hour; then it gets the last resort. */
  takesPerHour: 20,
  /** Invitations of one DID that wait. */
  invitations: 200,
  /** Messages and commits of one member in a minute. */
  postsPerMinute: 600,
  /** Groups that one call for news names. */
  groupsInNews: 150,
  /** How long a call for news waits, in ms. */
  waitMs: 25_000,
  /** Calls for news of one DID that wait. */
  waiters: 8,
} as const;
