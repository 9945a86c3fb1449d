import { randomBytes } from 'node:crypto';
import type { WireCommit } from '../delivery/wire.js';
import type { MlsSuite } from '../suites.js';
import { toText } from '../util/bytes.js';

/** A message that was decrypted, and is handed to listeners until one has taken it. */
export interface InboxMessage {
  /** `epoch` and log number; the same each time that it is handed over. */
  readonly id: string;
  readonly from: string;
  readonly epoch: number;
  /** Base64url. */
  readonly data: string;
}

/** A state of MLS, under a name that no other state ever has. */
export interface NamedState {
  readonly name: string;
  /** Base64url. */
  readonly bytes: string;
}

/** A commit that is on its way: the server decides about it, also after a restart. */
export interface PendingCommit {
  readonly wire: WireCommit;
  readonly next: NamedState;
}

/** All that is kept of a group; sealed at rest. */
export interface GroupRecord {
  readonly group: string;
  readonly server: string;
  readonly suite: MlsSuite;
  readonly externalJoin: boolean;
  readonly state: NamedState;
  /** The last log entry that was read. */
  readonly seq: number;
  readonly pending?: PendingCommit | undefined;
  /** Names of messages that were sent and not yet seen in the log. */
  readonly sent: readonly string[];
  readonly inbox: readonly InboxMessage[];
  /** Invitations that other servers have yet to be told. */
  readonly notices: readonly { readonly to: string; readonly server: string; readonly seq: number }[];
  /** The group cannot go on: members of one epoch have different secrets. */
  readonly isForked: boolean;
  /** The state is older than what was sent: it came from a backup. */
  readonly isRolledBack: boolean;
  readonly isRemoved: boolean;
  /** The epoch in which this member asked to be removed. */
  readonly leavingAt?: number | undefined;
}

/** What a group begins with. */
export const newRecord = (
  facts: Pick<GroupRecord, 'group' | 'server' | 'suite' | 'externalJoin' | 'state' | 'seq'>,
): GroupRecord => ({
  ...facts,
  sent: [],
  inbox: [],
  notices: [],
  isForked: false,
  isRolledBack: false,
  isRemoved: false,
});

/** Gives a state a name. */
export const named = (bytes: Uint8Array): NamedState => ({
  name: toText(randomBytes(12)),
  bytes: toText(bytes),
});

/** Documents of one DID: the part in front of the first slash. */
export const kindOf = (did: string): string => `mls:${did}`;
/** The document of a group. */
export const groupDocument = (did: string, group: string): string => `${kindOf(did)}/group/${group}`;
/** The document of the key packages. */
export const keysDocument = (did: string): string => `${kindOf(did)}/keys`;
