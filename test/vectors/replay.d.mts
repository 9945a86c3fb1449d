import type { BaseAgent } from '../../src/agent/agent.js';
import type { VersionFloor } from '../../src/agent/context.js';
import type { AgentOptions } from '../../src/agent/options.js';
import type { Result } from '../../src/errors/result.js';
import type { Identity } from '../../src/identity/identity.js';
import type { MemoryNonceStore } from '../../src/nonce/memory.js';
import type { AgentMessage, Did, KeyRecord, Kind, RegistryEntry, Version } from '../../src/types/protocol.js';

export type Hex = string;
export function hex(text: Hex): Uint8Array;
export function toHex(bytes: Uint8Array): Hex;

/** An envelope: in full, or as a replacement of some characters in that of a good case. */
export interface Source {
  readonly envelope?: string;
  readonly envelopeHex?: Hex;
  readonly of?: string;
  readonly at?: number;
  readonly cut?: number;
  readonly insert?: string;
}
export function inputOf(file: ReplayFile, source: Source): string | Uint8Array;

/** What came before: an envelope, or what the registry has as the record of a DID from then on. */
export type Earlier =
  | (Source & { readonly now?: number; readonly kind?: Kind; readonly error?: string; readonly did?: never })
  | { readonly did: Did; readonly record: KeyRecord | null };

export interface Settings {
  readonly now?: number;
  readonly maxVersion?: Version;
  readonly minVersion?: Version;
  readonly versionFloor?: VersionFloor;
  readonly receiveScopes?: readonly string[] | null;
  readonly sendScopes?: readonly string[] | null;
  readonly maxEnvelopeBytes?: number;
  readonly allowCleartext?: boolean;
  readonly xchange?: boolean;
  readonly kind?: Kind;
  readonly inReplyTo?: string;
  readonly ownScope?: string;
  readonly services?: readonly KeyRecord[];
  readonly request?: string;
  readonly requireRequestBinding?: boolean;
  readonly revoked?: Did;
  readonly before?: readonly Earlier[];
}

export interface ReplayFile {
  readonly now: number;
  readonly receiver: {
    readonly seed: Hex;
    readonly did: Did;
    readonly maxVersion: Version;
    readonly minVersion: Version;
    readonly versionFloor: VersionFloor;
    readonly timestampWindowMs: number;
    readonly receiveScopes: readonly string[];
    readonly allowCleartext: boolean;
    readonly xchange?: boolean;
  };
  readonly registry: readonly RegistryEntry[];
  readonly good: readonly { readonly name: string; readonly envelope?: string }[];
}

interface Parts {
  readonly Agent: typeof BaseAgent;
  readonly Identity: typeof Identity;
  readonly MemoryNonceStore: typeof MemoryNonceStore;
}

export interface Receiver {
  publish(did: Did, record: KeyRecord | null): void;
  revoke(did: Did): void;
  receive(
    input: string | Uint8Array,
    step: { readonly now?: number | undefined; readonly kind?: Kind },
  ): Promise<Result<WrittenMessage>>;
}

/** A message as the files have it: `bytes` as base64url in place of a payload that is not JSON. */
export type WrittenMessage = Omit<AgentMessage, 'payload'> & {
  readonly payload?: unknown;
  readonly bytes?: string;
};

export function receivers(
  xlink: Parts,
  file: ReplayFile,
  options?: Partial<AgentOptions>,
): (settings: Settings) => Promise<Receiver>;

export function player(
  xlink: Parts,
  file: ReplayFile,
  options?: Partial<AgentOptions>,
): (one: Source & { readonly settings?: Settings }) => Promise<Result<WrittenMessage>>;
