import type { KeyRecord, RegistryEntry, TrustRegistry } from '@private.me/xlink';
import { MeshError } from '../errors/mesh-error.js';

/** What a channel needs of a trust registry. */
export type ChannelRegistry = Pick<TrustRegistry, 'lookup'> & {
  /** Tells of changes; channels of revoked identities then end at once. */
  onChange?(listener: (did?: string) => void): () => void;
};

/** How often a registry is asked about the other side of an open channel. */
export interface WatchTimes {
  /** Between two questions, in ms. */
  readonly recheckMs: number;
  /** How long the registry may be silent before the channel ends, in ms. */
  readonly graceMs: number;
  /** ms since 1970. */
  readonly clock: () => number;
}

const SAID = ['x25519', 'mlKem768', 'mlDsa65', 'keyEpoch', 'notBefore', 'notAfter', 'next'] as const;

/** Throws `NOISE_IDENTITY_MISMATCH…` unless the DID is active in the registry, with these keys if they are given. */
export async function assertTrusted(
  registry: ChannelRegistry,
  did: string,
  keys: KeyRecord | undefined,
  now: number,
): Promise<void> {
  let entry: RegistryEntry | undefined;
  try {
    entry = await registry.lookup(did);
  } catch (cause) {
    throw new MeshError('NOISE_IDENTITY_MISMATCH:REGISTRY', { cause });
  }
  if (!entry || entry.did !== did) throw new MeshError('NOISE_IDENTITY_MISMATCH:UNKNOWN');
  const { status, succeededBy, keys: known } = entry;
  const isOver = succeededBy !== undefined && now > succeededBy.issuedAt + succeededBy.overlapMs;
  if (status !== 'active' || isOver) throw new MeshError('NOISE_IDENTITY_MISMATCH:REVOKED');
  if (keys && (!known || SAID.some((name) => known[name] !== keys[name])))
    throw new MeshError('NOISE_IDENTITY_MISMATCH:KEYS', { field: 'keyRecord' });
}

/**
 * Looks after the identity at the other end until the returned function is called. `lost` is called once, when it is no longer trusted or
 * the registry was silent for too long.
 */
export function watchTrust(
  registry: ChannelRegistry,
  did: string,
  { recheckMs, graceMs, clock }: WatchTimes,
  lost: (error: unknown) => void,
): () => void {
  let heardAt = clock();
  let isOver = false;
  let isAsking = false;
  const stop = () => {
    isOver = true;
    clearInterval(timer);
    unsubscribe?.();
  };
  const ask = async () => {
    if (isAsking || isOver) return;
    isAsking = true;
    try {
      await assertTrusted(registry, did, undefined, clock());
      heardAt = clock();
    } catch (error) {
      const isDown = error instanceof MeshError && error.id === 'NOISE_IDENTITY_MISMATCH:REGISTRY';
      if (!isOver && !(isDown && clock() - heardAt < graceMs)) {
        stop();
        lost(error);
      }
    } finally {
      isAsking = false;
    }
  };
  const timer = setInterval(ask, recheckMs);
  timer.unref();
  const unsubscribe = registry.onChange?.((changed) => {
    if (changed === undefined || changed === did) void ask();
  });
  return stop;
}
