import type { MlsSuite } from '../suites.js';

/** A member as a group state has it. */
export interface Member {
  readonly did: string;
  /** Number of its leaf. */
  readonly leaf: number;
}

/** What a group state says in the open. */
export interface GroupView {
  /** Bytes of the group id, as text. */
  readonly group: string;
  readonly suite: MlsSuite;
  readonly epoch: number;
  readonly members: readonly Member[];
  /** 16 bytes from the epoch authenticator (RFC 9420, 8.7), base64url: the same for all members of one epoch. */
  readonly check: string;
  /** DIDs that asked to be removed; the next commit does it. */
  readonly leaving: readonly string[];
  /** `false`: this member was removed. */
  readonly isActive: boolean;
}

/** A group state: `key` names it and nothing else ever, for the worker need not decode what it has. */
export interface StateInput {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** The next state. It counts only once it was stored: the worker is told by `settle`. */
export interface StateOutput {
  /** What `settle` calls it. Several clients of a process may work on one state at a time, so its name would not do. */
  readonly held: number;
  readonly bytes: Uint8Array;
  readonly view: GroupView;
}

/** A key package with its private keys. */
export interface OwnKeyPackage {
  /** Hash reference (RFC 9420, 5.2), base64url. */
  readonly ref: string;
  readonly suite: MlsSuite;
  /** As an MLSMessage. */
  readonly bytes: Uint8Array;
  readonly initKey: Uint8Array;
  readonly leafKey: Uint8Array;
  /** When it ends, ms since 1970. */
  readonly notAfter: number;
}

/** Who this member is. */
export interface Self {
  /** Identity of the credential. */
  readonly identity: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes: an Ed25519 seed. */
  readonly seed: Uint8Array;
}

/** One entry of the log of a group. */
export interface LogEntry {
  readonly seq: number;
  readonly kind: 'commit' | 'proposal' | 'message';
  /** The epoch that it was made in. */
  readonly epoch: number;
  /** Who brought it, as the server says. */
  readonly by: string;
  /** An MLSMessage. */
  readonly bytes: Uint8Array;
}

/** What came of a log entry. */
export type Taken =
  | {
      readonly kind: 'message';
      readonly seq: number;
      readonly from: string;
      readonly epoch: number;
      readonly data: Uint8Array;
    }
  | {
      readonly kind: 'epoch';
      readonly seq: number;
      readonly by: string;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | { readonly kind: 'leaving'; readonly seq: number; readonly did: string }
  | { readonly kind: 'refused'; readonly seq: number; readonly id: string; readonly by: string };

/** What {@link Operations.commit} makes. */
export interface MadeCommit extends StateOutput {
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  readonly groupInfo: Uint8Array | undefined;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** What the worker does. All that has secrets is in a state, and states come out as bytes. */
export interface Operations {
  keyPackages(input: {
    readonly self: Self;
    readonly suite: MlsSuite;
    readonly count: number;
    readonly now: number;
  }): OwnKeyPackage[];
  create(input: {
    readonly self: Self;
    readonly suite: MlsSuite;
    readonly group: Uint8Array;
    readonly now: number;
    readonly external: boolean;
  }): StateOutput & { readonly groupInfo: Uint8Array | undefined };
  join(input: {
    readonly self: Self;
    readonly welcome: Uint8Array;
    readonly keyPackages: readonly OwnKeyPackage[];
    /** `by`: the member who signed the welcome. */
  }): StateOutput & { readonly ref: string; readonly by: string };
  joinExternal(input: {
    readonly self: Self;
    readonly groupInfo: Uint8Array;
    readonly now: number;
  }): StateOutput & { readonly commit: Uint8Array; readonly groupInfo: Uint8Array };
  commit(input: {
    readonly state: StateInput;
    readonly add: readonly { readonly did: string; readonly keyPackage: Uint8Array }[];
    readonly remove: readonly string[];
    readonly external: boolean;
  }): MadeCommit;
  /** The state that a commit of ours leads to, with what was read since it was made. */
  adopt(input: { readonly state: StateInput; readonly next: StateInput }): StateOutput;
  encrypt(input: { readonly state: StateInput; readonly data: Uint8Array }): StateOutput & {
    readonly message: Uint8Array;
  };
  leave(input: { readonly state: StateInput }): StateOutput & { readonly proposal: Uint8Array };
  /** Takes entries in order, up to a fatal one: `fatal` names its error then. */
  take(input: {
    readonly state: StateInput;
    readonly entries: readonly LogEntry[];
    readonly external: boolean;
  }): StateOutput & { readonly taken: readonly Taken[]; readonly fatal: string | undefined };
  view(input: { readonly state: StateInput }): GroupView;
}

/** The name of an operation. */
export type OperationName = keyof Operations;

/** What the worker asks: whether a DID may be a member. */
export type Standing = 'active' | 'revoked' | 'unknown';

/** From the main thread. */
export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly op: OperationName; readonly input: unknown }
  | { readonly kind: 'answer'; readonly ask: number; readonly standing?: Standing }
  | {
      readonly kind: 'settle';
      readonly held: number;
      readonly key: string | undefined;
      readonly proposed: boolean;
    };

/** From the worker. */
export type FromWorker =
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly error: string;
      readonly field?: string | undefined;
      readonly message: string;
    }
  | { readonly kind: 'ask'; readonly ask: number; readonly call: number; readonly did: string };
