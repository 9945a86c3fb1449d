import type { KeyEpochStatus } from '../identity/encryption-keys.js';
import type { KeyRecord } from '../types/protocol.js';
import type { AgentContext } from './context.js';
import { recordOf } from './own-record.js';

/** The published keys of one identity. */
export interface IdentityKeys {
  /** The record of the published epoch. */
  record(): Promise<KeyRecord>;
  /** A new epoch, in the registry when it resolves. Throws `INVALID_OPTION` for keys that are derived from the seed. */
  rotate(): Promise<KeyRecord>;
}

/** The published keys of an agent, and of the identity that takes its place. */
export interface SigningKeys {
  /** Those of an identity, which from now on is the one that signs. */
  of(context: AgentContext): IdentityKeys;
  readonly status: KeyEpochStatus | undefined;
  /** Returns how to stop it. */
  listen(listener: (status: KeyEpochStatus) => void): () => void;
  /** Nothing is rotated or erased any more but by traffic. */
  stop(): void;
}

/** Of an agent for callers of APIs: derived from its seed, for good. `refuse` throws for a rotation. */
export function fixedKeys(refuse: () => never): SigningKeys {
  let made: Promise<KeyRecord> | undefined;
  const make = async ({ identity, keyRing, commitment, clock }: AgentContext) =>
    recordOf(identity, await keyRing.current(), await commitment(), clock);
  return {
    of: (context) => ({ record: () => (made ??= make(context)), rotate: async () => refuse() }),
    status: undefined,
    listen: () => () => {},
    stop() {},
  };
}
