import type { BaseAgent } from '../../src/agent/agent.js';
import type { AgentOptions } from '../../src/agent/options.js';
import type { Result } from '../../src/errors/result.js';
import type { Identity } from '../../src/identity/identity.js';
import type { MemoryNonceStore } from '../../src/nonce/memory.js';
import type { AgentMessage, RegistryEntry, Version } from '../../src/types/protocol.js';

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

export interface Settings {
  readonly now?: number;
  readonly minVersion?: Version;
  readonly receiveScopes?: readonly string[];
  readonly sendScopes?: readonly string[];
  readonly maxEnvelopeBytes?: number;
  readonly allowCleartext?: boolean;
  readonly request?: string;
  readonly requireRequestBinding?: boolean;
  readonly revoked?: string;
  readonly before?: readonly (Source & { readonly now?: number; readonly error?: string })[];
}

export interface ReplayFile {
  readonly now: number;
  readonly receiver: {
    readonly seed: Hex;
    readonly did: string;
    readonly maxVersion: Version;
    readonly minVersion: Version;
    readonly timestampWindowMs: number;
    readonly receiveScopes: readonly string[];
    readonly allowCleartext: boolean;
  };
  readonly registry: readonly RegistryEntry[];
  readonly good: readonly { readonly name: string; readonly envelope: string }[];
}

export function player(
  xlink: { Agent: typeof BaseAgent; MemoryNonceStore: typeof MemoryNonceStore },
  file: ReplayFile,
  identity: Identity,
  options?: Partial<AgentOptions>,
): (one: Source & { readonly settings?: Settings }) => Promise<Result<AgentMessage>>;
